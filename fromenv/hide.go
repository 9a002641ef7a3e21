package fromenv

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// hide puts the names of variables where the text of an error from elsewhere has what they hold.
func (v *variables) hide(err error) error {
	if err == nil {
		return nil
	}
	type held struct{ value, name string }
	list := []held{
		{absolute(v.SecretFile), "$WRIT_SECRET_FILE"},
		{absolute(v.Keys), "$WRIT_KEYS"},
		{v.Issuer, "$WRIT_ISSUER"},
	}
	for _, part := range partsOf(v.Store) {
		list = append(list, held{part, "$WRIT_STORE"})
	}
	slices.SortStableFunc(list, func(a, b held) int { return cmp.Compare(len(b.value), len(a.value)) })
	// Last, because it mostly is a held path, or begins with one. If not, it may be a parent of one.
	var at *fs.PathError
	if errors.As(err, &at) {
		list = append(list, held{at.Path, "(path)"})
	}
	var pairs []string
	for _, h := range list {
		if len(h.value) > 1 { // the root directory is no secret, and part of every path
			pairs = append(pairs, h.value, h.name)
		}
	}
	return &hidden{strings.NewReplacer(pairs...).Replace(err.Error()), err}
}

// partsOf is what a driver could repeat of its URL.
func partsOf(store string) []string {
	parts := []string{store}
	if u, err := url.Parse(store); err == nil {
		path := cmp.Or(u.Path, u.Opaque)
		password, _ := u.User.Password()
		parts = append(parts, u.Redacted(), path, absolute(path), u.RawQuery, password)
	}
	return parts
}

// absolute is path in the one form in which errors have it: a relative one, such as "keys", could be
// any word of theirs.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }

// Unwrap is for errors.Is; the text of what it returns is not hidden.
func (h *hidden) Unwrap() error { return h.err }
