package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// trustSet has the keys of a key set count, at a URL or in a file. Only those for the token's own alg
// are taken: a key that names none could be for several.
func (t *tool) trustSet(ctx context.Context, look *trust, where string, said *said) error {
	all := append(keys.Algorithms(), experimental()...)
	i := slices.IndexFunc(all, func(a keys.Algorithm) bool { return a.Name() == said.header.Algorithm })
	if i < 0 {
		fmt.Fprintf(t.stdout, "BAD: its alg is %s, which no key of a key set can be for.\n", quoted(said.header.Algorithm))
		return errProblems
	}
	a := all[i]
	if strings.HasPrefix(a.Name(), "HS") {
		fmt.Fprintf(t.stdout, "BAD: its alg is %s: it is under a shared secret, and no key set has those.\n", a.Name())
		return errProblems
	}
	look.name = "the key set"
	if !strings.HasPrefix(where, "https:") && !strings.HasPrefix(where, "http:") {
		return look.trustFile(where, a)
	}
	remote, err := jwks.NewRemote(jwks.RemoteConfig{Issuers: []jwks.RemoteIssuer{{
		Issuer: look.issuer, URL: where, Algorithms: []keys.Algorithm{a},
		// Whoever runs the tool has named the address themselves.
		AllowPlainLoopback: true, AllowPrivateAddresses: true,
	}}})
	if err != nil {
		return usageError{errors.New(strings.ReplaceAll(err.Error(), "jwks: RemoteConfig.Issuers[0].URL", "--jwks"))}
	}
	if err := remote.Load(ctx); err != nil {
		return err
	}
	look.keys = &loaded{remote}
	look.missing = func(string) string {
		state := remote.Status()[0]
		return contents(state.Keys, state.Skipped, a)
	}
	return nil
}

// loaded is a Remote that was just loaded: what it does not have now, its issuer does not have.
type loaded struct{ *jwks.Remote }

func (l *loaded) Public(issuer, kid string) (*keys.Public, error) {
	k, err := l.Remote.Public(issuer, kid)
	if errors.Is(err, keys.ErrUnavailable) {
		err = keys.ErrUnknown
	}
	return k, err
}

func (l *trust) trustFile(path string, a keys.Algorithm) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--jwks: the file that it names cannot be read: %w", withoutPath(err))
	}
	defer f.Close()
	text, err := readAll(f, 512<<10, "the file that --jwks names")
	if err != nil {
		return err
	}
	set, err := jwks.Parse(text, a)
	if err != nil {
		return fmt.Errorf("--jwks: %w", err)
	}
	l.keys = fileKeys(set.Keys)
	l.missing = func(string) string { return contents(len(set.Keys), set.Skipped, a) }
	return nil
}

// fileKeys are those of the issuer that the operator names.
type fileKeys map[string]*keys.Public

func (f fileKeys) Public(_, kid string) (*keys.Public, error) {
	if k, ok := f[kid]; ok {
		return k, nil
	}
	return nil, keys.ErrUnknown
}

// contents says what a key set has for an algorithm.
func contents(n int, skipped []error, a keys.Algorithm) string {
	words := fmt.Sprintf("it has %d others for %s", n, a.Name())
	if len(skipped) > 0 {
		words += fmt.Sprintf(", and %d that cannot be used, the first because: %v", len(skipped), skipped[0])
	}
	return words
}
