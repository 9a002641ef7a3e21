package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// The parts of RESULTS.md, by their headings, in order. A run replaces those that it has measured.
const (
	peersPart   = "# writ and its peers, measured in one run"
	storesPart  = "# The stores, measured in one run"
	millionPart = "# A million sessions"
	spreadPart  = "# How soon a logout is known everywhere" // made by ./spread
)

// replacePart puts a part, which begins with its heading, into the file, and keeps the others.
func replacePart(file, part string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parts := make(map[string]string)
	for text := range strings.SplitSeq("\n"+string(old), "\n# ") {
		add(parts, "# "+text)
	}
	add(parts, part)
	var all []string
	for _, heading := range []string{peersPart, storesPart, millionPart, spreadPart} {
		if text := parts[heading]; text != "" {
			all = append(all, text)
		}
	}
	return os.WriteFile(file, []byte(strings.Join(all, "\n")), 0o644)
}

func add(parts map[string]string, text string) {
	heading, _, _ := strings.Cut(text, "\n")
	parts[heading] = strings.TrimRight(text, "\n") + "\n"
}
