package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
)

// target is where a ring is kept. It is the Vault, by a name that may be shown.
type target struct {
	keys.Vault
	name  string     // may stand in messages
	words string     // behind a command in a remedy: "ring"
	files []string   // what holds the ring, for those who look at modes
	store writ.Store // nil: a directory
}

func (t *target) String() string { return t.name }

func (t *target) Close() error {
	if t.store == nil {
		return nil
	}
	return t.store.Close()
}

// target finds the ring that raw or the environment names. Only with create may a store's file be
// made. Its errors do not repeat a URL, which may hold a password.
func (t *tool) target(ctx context.Context, raw string, create bool) (*target, error) {
	words := shellWord(raw)
	if raw == "" {
		words = "" // the environment names it the next time too
		raw = cmp.Or(os.Getenv("WRIT_KEYS"), os.Getenv("WRIT_STORE"))
	}
	if raw == "" {
		return nil, usageError{errors.New("no ring: name its directory or its store's URL, or set WRIT_KEYS or WRIT_STORE")}
	}
	scheme, ok := schemeOf(raw)
	if !ok {
		vault := keys.Dir(raw)
		file := fmt.Sprint(vault)
		return &target{Vault: vault, name: file, words: words, files: []string{raw, file}}, nil
	}
	open, known := t.stores[scheme]
	u, err := url.Parse(raw)
	switch {
	case scheme == "memory":
		return nil, usageError{errors.New("memory: is a store that only the running program can see, and that ends with it: keygen cannot reach its ring")}
	case !known:
		return nil, usageError{fmt.Errorf("the ring's URL has a scheme that keygen has no driver for: it knows %s; write ./ before a directory that has a colon", t.schemes())}
	case err != nil:
		return nil, usageError{errors.New("the ring's URL cannot be read: write it as sqlite:PATH")}
	}
	at := &target{name: "the " + scheme + " store", words: words}
	if scheme == "sqlite" {
		file, err := url.PathUnescape(u.Opaque)
		if file = cmp.Or(u.Path, file); err != nil {
			return nil, usageError{errors.New("the ring's URL has a broken escape: write % as %25")}
		}
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && !create {
			return nil, errors.New("the store does not exist, and is not made to be looked at: check the URL, or make a ring with: keygen new")
		}
		at.name, at.files = scheme+":"+file, []string{file, file + "-wal", file + "-shm"}
	}
	if scheme != "sqlite" && words != "" {
		at.words = "RING" // the URL may have a password
	}
	if scheme == "postgres" && !create { // looking makes no tables
		query := u.Query()
		query.Set("migrate", "by-hand")
		u.RawQuery = query.Encode()
	}
	if at.store, err = open(ctx, u); err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	at.Vault = writ.Vault(at.store)
	return at, nil
}

// schemeOf tells a URL from a path: C:\ring is one, and ./a:b.
func schemeOf(raw string) (string, bool) {
	scheme, _, ok := strings.Cut(raw, ":")
	ok = ok && len(scheme) > 1 && filepath.VolumeName(raw) == "" && !strings.ContainsFunc(scheme, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '+' && r != '-'
	})
	return scheme, ok
}

func (t *tool) schemes() string {
	return strings.Join(slices.Sorted(maps.Keys(t.stores)), ":, ") + ":"
}

// shellWord is s as a shell reads it back.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-:+,@%=", r)
	}) {
		return s
	}
	if s == "" {
		return ""
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// keygen is a command line that does something to this ring.
func (t *target) keygen(words string) string {
	return strings.TrimSpace("keygen " + words + " " + t.words)
}

// snapshot is a vault as it was at one moment, so that what is shown is what was checked.
type snapshot struct {
	keys.Vault
	doc     []byte
	version uint64
}

func takeSnapshot(ctx context.Context, v keys.Vault) (*snapshot, error) {
	doc, version, err := v.Load(ctx)
	return &snapshot{v, doc, version}, err
}

func (s *snapshot) String() string { return fmt.Sprint(s.Vault) }

func (s *snapshot) Load(context.Context) ([]byte, uint64, error) { return s.doc, s.version, nil }

func (s *snapshot) Save(context.Context, []byte, uint64) (uint64, error) {
	return 0, errors.New("a ring that is only read is not written")
}
