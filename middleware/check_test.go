package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// TestAGuardLetsThroughOneGoodCredential sends every kind of request to a real server and looks at
// what the handler, or the client, gets.
func TestAGuardLetsThroughOneGoodCredential(t *testing.T) {
	l := newLogin()
	live, expired := l.token("read"), l.expired()
	forged := newLogin().token("read")
	const none = `Bearer`
	const two = `Bearer error="invalid_request", error_description="more than one credential"`
	invalid := func(why string) string {
		return `Bearer error="invalid_token", error_description="` + why + `"`
	}
	for _, c := range []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"a live token in the header passes", []string{"Authorization", "Bearer " + live}, 200, ""},
		{"the scheme's name is case-insensitive", []string{"Authorization", "bEARER " + live}, 200, ""},
		{"a live token in the cookie passes", []string{"Cookie", "a=b; __Host-access=" + live + "; c=d"}, 200, ""},
		{"another scheme beside the cookie passes", []string{"Authorization", "Basic eA==", "Cookie", "__Host-access=" + live}, 200, ""},
		{"a refresh cookie beside the header passes, as nothing refreshes", []string{"Authorization", "Bearer " + live, "Cookie", "__Host-refresh=r1"}, 200, ""},

		{"no credential gets the bare challenge", nil, 401, none}, // req 70
		{"another scheme is no credential", []string{"Authorization", "Basic eA=="}, 401, none},
		{"a scheme that begins alike is no credential", []string{"Authorization", "BearerX " + live}, 401, none},
		{"a token in the query is no credential", []string{":query", "access_token=" + live}, 401, none},
		{"a cookie of another name is no credential", []string{"Cookie", "access=" + live}, 401, none},
		{"a cookie whose name begins alike is no credential", []string{"Cookie", "__Host-access2=" + live}, 401, none},

		// req 71
		{"an expired token is named so", []string{"Authorization", "Bearer " + expired}, 401, invalid("expired")},
		{"an expired cookie is named so", []string{"Cookie", "__Host-access=" + expired}, 401, invalid("expired")},
		{"a token of another issuer's key is refused", []string{"Authorization", "Bearer " + forged}, 401, invalid("unknown key")},
		{"rubbish is refused", []string{"Authorization", "Bearer a.b.c"}, 401, invalid("malformed")},
		{"two tokens in one header are refused", []string{"Authorization", "Bearer " + live + ", Bearer " + live}, 401, invalid("malformed")},

		// Past failure: CVE-2023-48312, an empty token accepted.
		{"the scheme alone is a bad token", []string{"Authorization", "Bearer"}, 401, invalid("malformed")},
		{"the scheme and blanks are a bad token", []string{"Authorization", "Bearer \t "}, 401, invalid("malformed")},
		{"an empty cookie is a bad token", []string{"Cookie", "__Host-access="}, 401, invalid("malformed")},
		{"a cookie without a value is a bad token", []string{"Cookie", "__Host-access"}, 401, invalid("malformed")},

		// req 69
		{"header and cookie together are ambiguous", []string{"Authorization", "Bearer " + live, "Cookie", "__Host-access=" + live}, 400, two},
		{"two Authorization headers are ambiguous", []string{"Authorization", "Bearer " + live, "Authorization", "Bearer " + live}, 400, two},
		{"two Authorization headers of two schemes are ambiguous", []string{"Authorization", "Basic eA==", "Authorization", "Bearer " + live}, 400, two},
		{"an empty header beside a good cookie is ambiguous", []string{"Authorization", "Bearer", "Cookie", "__Host-access=" + live}, 400, two},
		{"a cookie twice is ambiguous", []string{"Cookie", "__Host-access=" + live + "; __Host-access=" + live}, 400, two},                 // req 87
		{"a cookie in two headers is ambiguous", []string{"Cookie", "__Host-access=" + live, "Cookie", "__Host-access=" + live}, 400, two}, // req 87
	} {
		t.Run(c.name, func(t *testing.T) {
			observed := 0
			g := newGuard(middleware.Config{
				Verifier: l.verifier,
				From:     []middleware.Source{middleware.Bearer(), middleware.Cookies{}},
				Observe: func(_ *http.Request, v *token.Verified, err error) {
					observed++
					if (v == nil) != (c.status != 200) || (err == nil) != (c.status == 200) {
						t.Errorf("observed token %v, error %v", v, err)
					}
				},
			})
			ran := false
			handlers := map[string]http.Handler{
				"Func": g.Func(func(w http.ResponseWriter, r *http.Request, v *token.Verified) { ran = true; hello(w, r, v) }),
				"Handler": g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ran = true
					v, _ := token.FromContext(r.Context())
					hello(w, r, v)
				})),
			}
			for kind, h := range handlers {
				ran, observed = false, 0
				url, client := serve(t, h)
				r, _ := http.NewRequest("GET", url+"/me", nil)
				for i := 0; i < len(c.headers); i += 2 {
					if c.headers[i] == ":query" {
						r.URL.RawQuery = c.headers[i+1]
						continue
					}
					r.Header.Add(c.headers[i], c.headers[i+1])
				}
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != c.status {
					t.Errorf("%s: status %d, want %d", kind, resp.StatusCode, c.status)
				}
				if ran != (c.status == 200) { // req 74
					t.Errorf("%s: the handler ran: %t", kind, ran)
				}
				if observed != 1 {
					t.Errorf("%s: observed %d times", kind, observed)
				}
				if got := resp.Header.Get("WWW-Authenticate"); got != c.challenge {
					t.Errorf("%s: challenge %q, want %q", kind, got, c.challenge)
				}
				if c.status == 200 && string(body) != "alice" {
					t.Errorf("%s: the handler saw another subject", kind)
				}
				if c.status != 200 && resp.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: a refusal may be cached", kind)
				}
				for _, secret := range []string{live, expired, forged} { // req 100
					if strings.Contains(string(body), secret) || strings.Contains(strings.Join(resp.Header["Www-Authenticate"], " "), secret) {
						t.Errorf("%s: the answer repeats a token", kind)
					}
				}
			}
		})
	}
}

// req 23, req 81: two guards that share a verifier decide each for itself, in either order, again
// and again.
func TestNoDecisionOutlivesItsRequest(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier})
	read, write := g.Scope("read").Func(hello), g.Scope("read", "write").Func(hello)
	auth := "Bearer " + l.token("read")
	for range 3 {
		if got := do(read, "GET", "/", "Authorization", auth).StatusCode; got != 200 {
			t.Errorf("the scope that the token has: %d", got)
		}
		if got := do(write, "GET", "/", "Authorization", auth).StatusCode; got != 403 {
			t.Errorf("the scope that the token lacks: %d", got)
		}
	}
	l.revoke("s1")
	if got := do(read, "GET", "/", "Authorization", auth).StatusCode; got != 401 {
		t.Errorf("after the session ended: %d", got)
	}
}

type brokenVerifier struct{}

func (brokenVerifier) Verify(context.Context, string) (*token.Verified, error) { return nil, nil }

// req 74
func TestTheHandlerNeverRunsWithoutAnAnswer(t *testing.T) {
	handler := func(http.ResponseWriter, *http.Request, *token.Verified) { t.Error("the handler ran") }
	t.Run("a verifier that returns nothing is a fault of this server", func(t *testing.T) {
		for _, g := range []*middleware.Guard{
			newGuard(middleware.Config{Verifier: brokenVerifier{}}),
			newGuard(middleware.Config{Verifier: brokenVerifier{}}).Optional(),
		} {
			if got := do(g.Func(handler), "GET", "/", "Authorization", "Bearer x").StatusCode; got != 500 {
				t.Errorf("status %d", got)
			}
		}
	})
	t.Run("revocations that are not known are no sign-out", func(t *testing.T) {
		l := newLogin()
		raw := l.token()
		l.goStale()
		g := newGuard(middleware.Config{Verifier: l.verifier})
		resp := do(g.Func(handler), "GET", "/", "Authorization", "Bearer "+raw)
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || resp.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
		}
	})
	t.Run("a Deny that writes nothing gets the default answer", func(t *testing.T) {
		for _, deny := range []func(http.ResponseWriter, *http.Request, error){
			func(http.ResponseWriter, *http.Request, error) {},
			func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusEarlyHints) },
		} {
			url, client := serve(t, newGuard(middleware.Config{Verifier: brokenVerifier{}, Deny: deny}).Func(handler))
			resp, err := client.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 401 {
				t.Errorf("status %d", resp.StatusCode)
			}
		}
	})
	t.Run("a Deny that writes is the answer", func(t *testing.T) {
		g := newGuard(middleware.Config{Verifier: brokenVerifier{}, Deny: func(w http.ResponseWriter, _ *http.Request, err error) {
			if !errors.Is(err, middleware.ErrNone) {
				t.Errorf("Deny got %v", err)
			}
			w.WriteHeader(418)
		}})
		if got := do(g.Func(handler), "GET", "/").StatusCode; got != 418 {
			t.Errorf("status %d", got)
		}
	})
}

// req 100
func TestAContextPrintsNoToken(t *testing.T) {
	l := newLogin()
	raw := l.token()
	h := newGuard(middleware.Config{Verifier: l.verifier}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if strings.Contains(fmt.Sprintf(verb, r.Context()), raw) {
				t.Errorf("%s prints the token", verb)
			}
		}
	}))
	if got := do(h, "GET", "/", "Authorization", "Bearer "+raw).StatusCode; got != 200 {
		t.Errorf("status %d", got)
	}
}

// FuzzAuthorization shows that a verifier sees the token of a well-formed header, whole, and nothing
// else.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range []string{"Bearer x", "bearer  x ", "Bearer", "Bearerx", "Basic x", "Bearer\tx", "Bearer x y", "", "Bear", "Bearer \x00"} {
		f.Add(seed)
	}
	form := regexp.MustCompile(`(?is)^[ \t\r\n]*bearer[ \t\r\n]+([^ \t\r\n](.*[^ \t\r\n])?)[ \t\r\n]*$`)
	f.Fuzz(func(t *testing.T, header string) {
		seen, asked := "", false
		g := newGuard(middleware.Config{Verifier: verifierFunc(func(_ context.Context, raw string) (*token.Verified, error) {
			seen, asked = raw, true
			return nil, token.ErrSignature
		})})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"] = []string{header}
		if v, err := g.Check(nil, r); v != nil || err == nil {
			t.Fatal("a token that was refused came through")
		}
		want := ""
		if m := form.FindStringSubmatch(header); m != nil {
			want = m[1]
		}
		if seen != want || asked != (want != "") {
			t.Fatalf("of %q the verifier saw %q, want %q", header, seen, want)
		}
	})
}
