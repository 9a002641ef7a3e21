package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// known is a verifier that has seen the token before, so that the benchmark measures the guard.
type known struct {
	raw   string
	token *token.Verified
}

func (k *known) Verify(_ context.Context, raw string) (*token.Verified, error) {
	if raw != k.raw {
		return nil, token.ErrMalformed
	}
	return k.token, nil
}

func BenchmarkGuard(b *testing.B) {
	l := newLogin()
	raw := l.token("read")
	v, err := l.verifier.Verify(context.Background(), raw)
	if err != nil {
		b.Fatal(err)
	}
	g := newGuard(middleware.Config{
		Verifier: &known{raw, v}, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}}).Scope("read")
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	guarded := g.Func(func(http.ResponseWriter, *http.Request, *token.Verified) {})
	queries := newGuard(middleware.Config{Verifier: &known{raw, v}, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}, middleware.Query{}}}).
		Scope("read").Func(func(http.ResponseWriter, *http.Request, *token.Verified) {})
	query := httptest.NewRequest("GET", "/events?tab=1&access_token="+raw, nil)
	location := *query.URL
	header, cookie := httptest.NewRequest("GET", "/", nil), httptest.NewRequest("GET", "/", nil)
	header.Header.Set("Authorization", "Bearer "+raw)
	cookie.Header.Set("Cookie", "theme=dark; _ga=GA1.1.1234567890; __Host-access="+raw+"; __Host-refresh=rt1.AAAA")
	for _, c := range []struct {
		name string
		h    http.Handler
		r    *http.Request
	}{
		{"bare", bare, header},
		{"func/header", guarded, header},
		{"handler/header", g.Handler(bare), header},
		{"func/cookie", guarded, cookie},
		{"handler/cookie", g.Handler(bare), cookie},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				c.h.ServeHTTP(w, c.r)
			}
			if w.Code != 200 {
				b.Fatal(w.Code)
			}
		})
	}
	b.Run("query", func(b *testing.B) { // with what it takes to make the request as it was
		w := httptest.NewRecorder()
		b.ReportAllocs()
		for b.Loop() {
			r, u := *query, location
			r.URL = &u
			queries.ServeHTTP(w, &r)
		}
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
	})
}

// The path that every request takes allocates nothing, or the context and the request that carries it.
func TestAGuardHardlyAllocates(t *testing.T) {
	l := newLogin()
	raw := l.token()
	v, err := l.verifier.Verify(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(middleware.Config{Verifier: &known{raw, v}, From: []middleware.Source{middleware.Bearer(),
		middleware.Cookies{}, middleware.Header{Name: "X-Access-Token"}, middleware.Query{}, middleware.Form{}}})
	h := g.Func(func(http.ResponseWriter, *http.Request, *token.Verified) {})
	inContext := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, header := range [][2]string{{"Authorization", "Bearer " + raw}, {"Cookie", "a=b; __Host-access=" + raw}, {"X-Access-Token", raw}} {
		r := httptest.NewRequest("GET", "/?tab=1&page=2", nil)
		r.Header.Set(header[0], header[1])
		w := httptest.NewRecorder()
		if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n != 0 {
			t.Errorf("%s: %v allocations", header[0], n)
		}
		if n := testing.AllocsPerRun(100, func() { inContext.ServeHTTP(w, r) }); n > 2 {
			t.Errorf("%s, Handler: %v allocations", header[0], n)
		}
	}
}
