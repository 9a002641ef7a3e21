package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestNestedGuardsVerifyOnce(t *testing.T) {
	bearerAndCookies := []middleware.Source{middleware.Bearer(), middleware.Cookies{}}
	for _, c := range []struct {
		name          string
		inner         middleware.Config // Verifier nil: the outer one's
		cookie        bool
		status, calls int
	}{
		{"the same verifier and source: once", middleware.Config{From: bearerAndCookies}, false, 200, 1},
		{"the same verifier, and fewer sources: once", middleware.Config{}, false, 200, 1},
		{"a cookie: once", middleware.Config{From: []middleware.Source{middleware.Cookies{}}}, true, 200, 1},
		{"another verifier: its own answer", middleware.Config{Verifier: newLogin().verifier}, false, 401, 1},
		{"no source that has the credential: none", middleware.Config{From: []middleware.Source{middleware.Cookies{}}}, false, 401, 1},
		{"the inner guard's own cookie name", middleware.Config{From: []middleware.Source{middleware.Cookies{Name: "__Host-other"}}}, true, 401, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLogin()
			v := &counted{Verifier: l.verifier}
			if c.inner.Verifier == nil {
				c.inner.Verifier = v
			}
			outer := newGuard(middleware.Config{Verifier: v, From: bearerAndCookies})
			h := outer.Handler(newGuard(c.inner).Func(hello))
			headers := []string{"Authorization", "Bearer " + l.token()}
			if c.cookie {
				headers = []string{"Cookie", "__Host-access=" + l.token()}
			}
			if got := do(h, "GET", "/", headers...).StatusCode; got != c.status {
				t.Errorf("status %d, want %d", got, c.status)
			}
			if got := int(v.calls.Load()); got != c.calls {
				t.Errorf("verified %d times, want %d", got, c.calls)
			}
		})
	}

	t.Run("the inner guard's rules apply", func(t *testing.T) {
		l := newLogin()
		g := newGuard(middleware.Config{Verifier: l.verifier})
		h := g.Handler(g.Scope("admin").Handler(http.NotFoundHandler()))
		if got := do(h, "GET", "/", "Authorization", "Bearer "+l.token("read")).StatusCode; got != 403 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a guard that insists stands inside an optional one", func(t *testing.T) {
		g := newGuard(middleware.Config{Verifier: newLogin().verifier})
		if got := do(g.Optional().Handler(g.Func(hello)), "GET", "/").StatusCode; got != 401 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a source that only the inner guard has still makes two credentials", func(t *testing.T) {
		l := newLogin()
		outer := newGuard(middleware.Config{Verifier: l.verifier})
		inner := newGuard(middleware.Config{Verifier: l.verifier, From: bearerAndCookies})
		got := do(outer.Handler(inner.Func(hello)), "GET", "/",
			"Authorization", "Bearer "+l.token(), "Cookie", "__Host-access="+l.token()).StatusCode
		if got != 400 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a credential from another place than the outer guard's is refused", func(t *testing.T) {
		l := newLogin()
		outer := newGuard(middleware.Config{Verifier: l.verifier}).Scope("admin")
		inner := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Cookies{}}})
		got := do(outer.Handler(inner.Func(hello)), "GET", "/",
			"Authorization", "Bearer "+l.token("admin"), "Cookie", "__Host-access="+l.token()).StatusCode
		if got != 400 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a credential that was exchanged in between is verified", func(t *testing.T) {
		l := newLogin()
		g := newGuard(middleware.Config{Verifier: l.verifier})
		inner := g.Func(hello)
		h := g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+l.expired())
			inner.ServeHTTP(w, r)
		}))
		if got := do(h, "GET", "/", "Authorization", "Bearer "+l.token()).StatusCode; got != 401 {
			t.Errorf("status %d", got)
		}
	})
	t.Run("a handler that waits finds out that the session has ended", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l := newLogin()
			g := newGuard(middleware.Config{Verifier: l.verifier})
			inner := g.Func(hello)
			h := g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				l.revoke("s1")
				time.Sleep(time.Second)
				inner.ServeHTTP(w, r)
			}))
			if got := do(h, "GET", "/", "Authorization", "Bearer "+l.token()).StatusCode; got != 401 {
				t.Errorf("status %d", got)
			}
		})
	})
	t.Run("a token in the context proves nothing about who verified it", func(t *testing.T) {
		foreign := newLogin()
		v, err := foreign.verifier.Verify(context.Background(), foreign.token())
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(middleware.Config{Verifier: newLogin().verifier})
		r := httptest.NewRequest("GET", "/", nil)
		r = r.WithContext(token.NewContext(r.Context(), v))
		w := httptest.NewRecorder()
		g.Func(hello).ServeHTTP(w, r)
		if w.Code != 401 {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("a verifier that cannot be compared is asked again", func(t *testing.T) {
		l := newLogin()
		g := newGuard(middleware.Config{Verifier: verifierFunc(l.verifier.Verify)})
		if got := do(g.Handler(g.Func(hello)), "GET", "/", "Authorization", "Bearer "+l.token()).StatusCode; got != 200 {
			t.Errorf("status %d", got)
		}
	})
}

func TestNestedGuardsRefreshOnce(t *testing.T) {
	for _, c := range []struct {
		name, cookie  string
		optional      bool
		status, calls int // of the verifier
	}{
		{"a live refresh cookie", "r1", false, 200, 2},
		{"a dead one, that the outer guard forgives", "old", true, 401, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessions(newLogin())
			v := &counted{Verifier: s.verifier}
			outer := newGuard(middleware.Config{Verifier: v, Refresher: s, From: []middleware.Source{middleware.Cookies{}}})
			inner := outer.Scope("read")
			if c.optional {
				outer = outer.Optional()
			}
			h := outer.Handler(inner.Func(hello))
			if got := do(h, "GET", "/", "Cookie", "__Host-access="+s.expired()+"; __Host-refresh="+c.cookie).StatusCode; got != c.status {
				t.Errorf("status %d", got)
			}
			if n := s.exchanges(); n != 1 || int(v.calls.Load()) != c.calls {
				t.Errorf("refreshed %d times, verified %d times", n, v.calls.Load())
			}
		})
	}
	t.Run("an inner guard refreshes what the outer one could not", func(t *testing.T) {
		s := newSessions(newLogin())
		outer := newGuard(middleware.Config{Verifier: s.verifier, From: []middleware.Source{middleware.Cookies{}}}).Optional()
		h := outer.Handler(pages(s).Func(hello))
		if got := do(h, "GET", "/", "Cookie", "__Host-access="+s.expired()+"; __Host-refresh=r1").StatusCode; got != 200 {
			t.Errorf("status %d", got)
		}
	})
}
