package middleware_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// people is how what people read on a page begins.
var people = map[string]string{
	"no_credential": "You are not signed in", "invalid_token": "You are not signed in", "insufficient_scope": "You may not",
	"forbidden": "You may not", "insufficient_user_authentication": "Please sign in again", "cross_origin": "This was sent from another site",
	"ambiguous_credential": "Your browser sent more than one", "unavailable": "This does not work just now", "internal": "Something went wrong",
}

func TestARefusalOfTwoCredentialsSaysWhereTheyStand(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier, From: everywhere()})
	r := formRequest()
	for _, place := range []string{"cookie", "query", "query", "form"} {
		places[place](r, "SECRET")
	}
	w := httptest.NewRecorder()
	_, err := g.Check(w, r)
	want := "the cookie __Host-access, the query parameter access_token, the query parameter access_token, the form field access_token"
	g.Deny(w, r, err)
	if !errors.Is(err, middleware.ErrAmbiguous) || !strings.Contains(err.Error(), want) || !strings.Contains(w.Body.String(), want) ||
		strings.Contains(w.Body.String(), "SECRET") {
		t.Errorf("%v, answer %s", err, w.Body)
	}
}

func TestDenySaysWhatIsWrongAndWhatToDo(t *testing.T) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier})
	refusal := func(g *middleware.Guard, scopes ...string) error {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+l.token(scopes...))
		_, err := g.Check(httptest.NewRecorder(), r)
		return err
	}
	for _, c := range []struct {
		name      string
		err       error
		status    int
		challenge string
		detail    string // part of it
		code      string
	}{
		{"none", middleware.ErrNone, 401, `Bearer`, "Sign in", "no_credential"},                                                                                            // req 70
		{"ambiguous", middleware.ErrAmbiguous, 400, `Bearer error="invalid_request", error_description="more than one credential"`, "exactly one", "ambiguous_credential"}, // req 69
		{"expired", token.ErrExpired, 401, `Bearer error="invalid_token", error_description="expired"`, "expired", "invalid_token"},                                        // req 71
		{"another's reason is not repeated", fmt.Errorf("sneaky: %w", token.ErrInvalid), 401, `Bearer error="invalid_token", error_description="refused"`, "Refresh it", "invalid_token"},
		{"scopes by name", refusal(g.Scope("a:read").Scope("b:write"), "a:read"), 403, `Bearer error="insufficient_scope", scope="a:read b:write"`, "a:read b:write", "insufficient_scope"}, // req 71
		{"a rule about scopes", middleware.ErrScope, 403, `Bearer error="insufficient_scope"`, "scope", "insufficient_scope"},
		{"not fresh", refusal(g.Fresh(5*time.Minute, "phr", "mfa")), 401,
			`Bearer error="insufficient_user_authentication", error_description="sign-in is too old or not strong enough", max_age="300", acr_values="phr mfa"`, "Sign in again", "insufficient_user_authentication"},
		{"not fresh, whatever the strength", refusal(g.Fresh(90 * time.Second)), 401,
			`Bearer error="insufficient_user_authentication", error_description="sign-in is too old or not strong enough", max_age="90"`, "Sign in again", "insufficient_user_authentication"},
		{"a rule about freshness", middleware.ErrNotFresh, 401,
			`Bearer error="insufficient_user_authentication", error_description="sign-in is too old or not strong enough"`, "Sign in again", "insufficient_user_authentication"},
		{"forbidden", fmt.Errorf("sneaky: %w", middleware.ErrForbidden), 403, "", "not allowed", "forbidden"},
		{"cross-origin", middleware.ErrCrossOrigin, 403, "", "page of this site", "cross_origin"},
		{"unavailable", fmt.Errorf("sneaky: %w", token.ErrStale), 503, "", "try again", "unavailable"},
		{"a fault", errors.New("sneaky"), 500, "", "mistake", "internal"},
		{"no error at all", nil, 500, "", "mistake", "internal"},
		{"quotes in a scope cannot end the value", refusal(g.Scope("a\", realm=\"evil")), 403, `Bearer error="insufficient_scope", scope="a?, realm=?evil"`, "realm", "insufficient_scope"},                         // req 76
		{"a line break in a scope cannot begin a header", refusal(g.Scope("a\r\nSet-Cookie: x=y\\é\x7f")), 403, `Bearer error="insufficient_scope", scope="a??Set-Cookie: x=y???"`, "scopes", "insufficient_scope"}, // req 76
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, accept := range map[string]string{"JSON": "*/*", "text": "text/plain", "page": browser} {
				url, client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Deny(w, r, c.err) }))
				r, _ := http.NewRequest("GET", url, nil)
				r.Header.Set("Accept", accept)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != c.status || resp.Header.Get("WWW-Authenticate") != c.challenge {
					t.Errorf("%s: status %d, challenge %q", kind, resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
				}
				if resp.Header.Get("Cache-Control") != "no-store" || len(resp.Cookies()) != 0 {
					t.Errorf("%s: Cache-Control %q, %d cookies", kind, resp.Header.Get("Cache-Control"), len(resp.Cookies()))
				}
				if (resp.Header.Get("Retry-After") == "5") != (c.status == 503) {
					t.Errorf("%s: Retry-After %q", kind, resp.Header.Get("Retry-After"))
				}
				if strings.Contains(string(body), "sneaky") {
					t.Errorf("%s: the text of an error reached the client", kind)
				}
				detail := html.UnescapeString(string(body))
				if kind == "JSON" {
					var problem struct {
						Type, Title, Detail, Code string
						Status                    int
					}
					if err := json.Unmarshal(body, &problem); err != nil {
						t.Fatal(err)
					}
					if problem.Type != "about:blank" || problem.Status != c.status || problem.Title != http.StatusText(c.status) || problem.Code != c.code {
						t.Errorf("problem %+v", problem)
					}
					detail = problem.Detail
				}
				wantType := map[string]string{"JSON": "application/problem+json", "text": "text/plain; charset=utf-8", "page": "text/html; charset=utf-8"}[kind]
				want := c.detail
				if kind == "page" {
					want = "<p>" + people[c.code]
				}
				if resp.Header.Get("Content-Type") != wantType || !strings.Contains(detail, want) {
					t.Errorf("%s: type %q, detail %q", kind, resp.Header.Get("Content-Type"), detail)
				}
			}
		})
	}
}

func TestABrowserThatAsksForAPageIsSentToSignIn(t *testing.T) {
	for _, c := range []struct {
		name, method, accept string
		err                  error
		status               int
	}{
		{"a page", "GET", browser, middleware.ErrNone, 303},
		{"a page's head", "HEAD", browser, token.ErrExpired, 303},
		{"a page that needs a newer sign-in", "GET", browser, middleware.ErrNotFresh, 303},
		{"a form", "POST", browser, middleware.ErrNone, 303},
		{"a fetch", "GET", "*/*", middleware.ErrNone, 401},
		{"no Accept", "GET", "", middleware.ErrNone, 401},
		{"JSON rather than HTML", "GET", "text/html;q=0.5, application/json", middleware.ErrNone, 401},
		{"JSON as well as HTML", "GET", "text/html, application/json", middleware.ErrNone, 401},
		{"HTML rather than JSON", "GET", "application/json;q=0.1, Text/HTML", middleware.ErrNone, 303},
		{"any text", "GET", "text/*, application/*;q=0.2", middleware.ErrNone, 303},
		{"HTML refused, anything else welcome", "GET", "text/html;q=0, */*", middleware.ErrNone, 401},
		{"a page that is forbidden", "GET", browser, middleware.ErrForbidden, 403},
		{"a page during an outage", "GET", browser, token.ErrStale, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(middleware.Config{Verifier: newLogin().verifier, SignInPage: "/login"})
			r := httptest.NewRequest(c.method, "/me?tab=1", nil)
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w := httptest.NewRecorder()
			g.Deny(w, r, c.err)
			want := map[string]string{"GET": "/login?return_to=%2Fme%3Ftab%3D1", "HEAD": "/login?return_to=%2Fme%3Ftab%3D1", "POST": "/login"}[c.method]
			switch {
			case c.status != 303:
				want = ""
			case c.err == middleware.ErrNotFresh:
				want = "/login?prompt=login&return_to=%2Fme%3Ftab%3D1"
			}
			if w.Code != c.status || w.Header().Get("Location") != want || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("status %d, Location %q", w.Code, w.Header().Get("Location"))
			}
		})
	}
}

// req 76
func FuzzChallenge(f *testing.F) {
	l := newLogin()
	g := newGuard(middleware.Config{Verifier: l.verifier})
	raw := l.token()
	safe := regexp.MustCompile(`^Bearer error="insufficient_scope", scope="[\x20-\x21\x23-\x5B\x5D-\x7E]*"$`)
	f.Add("read")
	f.Add("a\"b\\c\r\nd\x00é\xff")
	f.Fuzz(func(t *testing.T, scope string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+raw)
		w := httptest.NewRecorder()
		g.Scope(scope).Func(hello).ServeHTTP(w, r)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 403 || !safe.MatchString(got) {
			t.Errorf("status %d, challenge %q", w.Code, got)
		}
	})
}
