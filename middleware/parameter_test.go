package middleware_test

import (
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// FuzzParameter holds the finder of queries and forms against net/http's own parsers: what these find is found, and
// a handler finds everything else and nothing of the token.
func FuzzParameter(f *testing.F) {
	for _, seed := range []string{"", "access_token=x", "a=1&access_token=x&b=2", "access%5Ftoken=%78&&", "access_token", "access_token=%zz", "a;access_token=x", "access_token=a;b", "+access_token=1", "%=1&access_token=1", "access_token=1&access_token=2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		want, _ := url.ParseQuery(encoded)
		tokens := want["access_token"]
		delete(want, "access_token")
		for _, source := range []middleware.Source{middleware.Query{}, middleware.Form{}} {
			var seen []string
			g := newGuard(middleware.Config{Verifier: verifierFunc(func(_ context.Context, raw string) (*token.Verified, error) {
				seen = append(seen, raw)
				return nil, token.ErrSignature
			}), From: []middleware.Source{source}})
			r := httptest.NewRequest("POST", "/", nil)
			parse := func() url.Values { r.ParseForm(); return r.PostForm }
			if _, inURL := source.(middleware.Query); inURL {
				r.URL.RawQuery, r.RequestURI = encoded, "/?"+encoded
				parse = func() url.Values { return r.URL.Query() }
			} else {
				r = httptest.NewRequest("POST", "/", strings.NewReader(encoded))
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			_, err := g.Check(httptest.NewRecorder(), r)
			switch {
			case err == nil:
				t.Fatal("a token that was refused came through")
			case len(tokens) > 1 && !errors.Is(err, middleware.ErrAmbiguous):
				t.Fatalf("%d tokens of %q: %v", len(tokens), encoded, err)
			case len(tokens) == 0 && len(seen) > 0 && !strings.ContainsAny(encoded, ";%"):
				t.Fatalf("of %q the verifier saw %q", encoded, seen)
			case len(tokens) == 1 && !errors.Is(err, middleware.ErrAmbiguous) && tokens[0] != "" && (len(seen) != 1 || seen[0] != tokens[0]):
				t.Fatalf("of %q the verifier saw %q", encoded, seen)
			}
			if got := parse(); !maps.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("of %q a handler parses %v, want %v", encoded, got, want)
			}
		}
	})
}
