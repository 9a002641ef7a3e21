package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// replacePart puts this program's part, which begins with its heading, into the file where it was, or at
// its end, and keeps the others.
func replacePart(file, part string) error {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all []string
	found := false
	for text := range strings.SplitSeq("\n"+string(old), "\n# ") {
		if strings.TrimSpace(text) == "" {
			continue
		}
		text = "# " + text
		if first, _, _ := strings.Cut(text, "\n"); first == heading {
			found, text = true, part
		}
		all = append(all, ended(text))
	}
	if !found {
		all = append(all, ended(part))
	}
	return os.WriteFile(file, []byte(strings.Join(all, "\n")), 0o644)
}

func ended(text string) string { return strings.TrimRight(text, "\n") + "\n" }
