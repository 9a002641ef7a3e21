package fromenv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
)

// Stores says which URL schemes WRIT_STORE may have, so that a program links only the drivers it
// names. memory needs no mention. An opener's error is shown to the operator; it should not repeat
// the URL, which may hold a password.
type Stores map[string]func(context.Context, *url.URL) (writ.Store, error)

// find says how to open the store that raw names, and opens nothing.
func (s Stores) find(raw string) (func(context.Context) (writ.Store, error), error) {
	if raw == "" {
		return nil, fmt.Errorf("WRIT_STORE is not set: say where sessions are kept, as an URL; this program knows %s", s.schemes())
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("WRIT_STORE is not an URL: begin it with what this program knows, %s", s.schemes())
	}
	open, named := s[u.Scheme]
	switch {
	case named:
		return func(ctx context.Context) (writ.Store, error) {
			store, err := open(ctx, u)
			if err == nil && store == nil {
				err = errors.New("the program's opener returned no store")
			}
			return store, err
		}, nil
	case u.Scheme != "memory":
		return nil, fmt.Errorf("WRIT_STORE begins with a scheme that this program has no driver for: it knows %s", s.schemes())
	case raw != "memory:":
		return nil, errors.New("WRIT_STORE has something behind memory: that would have no effect: set it to memory: alone")
	}
	return func(context.Context) (writ.Store, error) { return memory.Open(), nil }, nil
}

func (s Stores) schemes() string {
	names := append(slices.Collect(maps.Keys(s)), "memory")
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ":, ") + ":"
}
