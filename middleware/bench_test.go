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
}

// The path that every request takes allocates nothing.
func TestFuncAllocatesNothing(t *testing.T) {
	l := newLogin()
	raw := l.token()
	v, err := l.verifier.Verify(context.Background(), raw)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(middleware.Config{Verifier: &known{raw, v}, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}})
	h := g.Func(func(http.ResponseWriter, *http.Request, *token.Verified) {})
	for _, header := range [][2]string{{"Authorization", "Bearer " + raw}, {"Cookie", "a=b; __Host-access=" + raw}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(header[0], header[1])
		w := httptest.NewRecorder()
		if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n != 0 {
			t.Errorf("%s: %v allocations", header[0], n)
		}
	}
}
