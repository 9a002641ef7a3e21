package writ_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// What a review by attackers found once, and must not find again.

func TestAnAccessTokenCannotBeRenewedWithoutARefreshToken(t *testing.T) {
	c := newClock()
	role := "admin"
	var answer error
	m := open(t, memory.Open(), c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
		s.Claims.Scope = []string{role}
		return answer
	}})
	stolen, other := start(t, m, "alice"), start(t, m, "alice")
	role = "user"
	c.advance(9 * time.Minute)
	v := verified(t, m, stolen.Access)
	got, err := m.EndOthers(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if next := verified(t, m, got.Access); next.HasScope("admin") || next.ExpiresAt().After(v.ExpiresAt()) {
		t.Error("the replacement has an old role, or lives longer than what it replaces")
	}
	refused(t, m, other)
	other = start(t, m, "alice")
	answer = writ.ErrRefused
	if _, err := m.EndOthers(t.Context(), verified(t, m, got.Access)); !errors.Is(err, writ.ErrRefused) || !errors.Is(err, token.ErrInvalid) {
		t.Errorf("an account that was locked meanwhile: %v, want ErrRefused", err)
	}
	answer = nil
	refused(t, m, got)
	refused(t, m, stolen)
	refused(t, m, other)
}

func TestSignOutEndsWhateverTheBrowserHas(t *testing.T) {
	for name, test := range map[string]struct {
		cookies middleware.Cookies
		header  func(mine, other *token.Pair) string
	}{
		"a second refresh cookie that another host has planted": {
			middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"},
			func(mine, other *token.Pair) string {
				return "__Secure-refresh=" + other.Refresh + "; __Secure-refresh=" + mine.Refresh
			},
		},
		"junk before the real one": {
			middleware.Cookies{InsecureHTTP: true},
			func(mine, _ *token.Pair) string { return "refresh=junk; refresh=" + mine.Refresh },
		},
		"a junk refresh cookie and a good access cookie": {
			middleware.Cookies{},
			func(mine, _ *token.Pair) string { return "__Host-refresh=junk; __Host-access=" + mine.Access },
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, memory.Open(), newClock(), writ.Config{Cookies: test.cookies})
			mine, other := start(t, m, "alice"), start(t, m, "mallory")
			answer := call(m.Endpoints().Logout, "POST", "/auth/logout", func(r *http.Request) { r.Header.Set("Cookie", test.header(mine, other)) })
			if answer.StatusCode != 204 {
				t.Errorf("status %d", answer.StatusCode)
			}
			refused(t, m, mine)
		})
	}
	m := open(t, memory.Open(), newClock(), writ.Config{})
	p := start(t, m, "alice")
	answer := call(m.Endpoints().Refresh, "POST", "/refresh", func(r *http.Request) {
		r.Header.Set("Cookie", "__Host-refresh=junk; __Host-refresh="+p.Refresh)
	})
	if answer.StatusCode != 400 { // req 87: not "signed out"
		t.Errorf("two refresh cookies: %d, want 400", answer.StatusCode)
	}
}

func TestASignInThatFailsChangesNothing(t *testing.T) {
	var answer error
	var data string
	var breaks bool
	c := newClock()
	store := &failing{Store: memory.Open()}
	m := open(t, store, c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
		if breaks {
			store.fail(errDown, nil) // when the new session is stored
			return nil
		}
		s.Claims.SetData(map[string]string{"x": data})
		return answer
	}})
	p := start(t, m, "alice")
	signIn := func(l writ.Login) {
		t.Helper()
		w := httptest.NewRecorder()
		w.Header().Set("X-Mine", "kept")
		r := httptest.NewRequest("POST", "https://app.example/login", nil)
		as(t, p)(r)
		if err := m.SignIn(w, r, l); err == nil {
			t.Fatal("it did not fail")
		}
		if len(w.Header()) != 1 || w.Header().Get("X-Mine") != "kept" {
			t.Error("something was written")
		}
		accepted(t, m, p)
		answer, data = nil, ""
		if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 1 || s[0].ID != p.SessionID {
			t.Errorf("%d sessions, %v: want the one from before", len(s), err)
		}
	}
	answer = errDown
	signIn(writ.Login{Subject: "alice"})
	breaks = true // the old session cannot be ended: it goes on, and the new one is given to nobody
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "https://app.example/login", nil)
	as(t, p)(r)
	if err := m.SignIn(w, r, writ.Login{Subject: "bob"}); !errors.Is(err, token.ErrUnavailable) || len(w.Header()) != 0 {
		t.Errorf("error %v, %d headers: want ErrUnavailable and nothing written", err, len(w.Header()))
	}
	breaks = false
	store.fail(nil, nil)
	accepted(t, m, p)
	refresh(t, m, p.Refresh)
	answer = writ.ErrRefused
	signIn(writ.Login{Subject: "alice"})
	data = strings.Repeat("x", 4000) // the cookie does not fit
	signIn(writ.Login{Subject: "alice"})
	signIn(writ.Login{Subject: "alice", Client: token.Client{ID: "app"}}) // could never be refreshed by cookie
}

func TestOneSessionDoesNotHoldUpAnother(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	slow := ""
	m := open(t, memory.Open(), newClock(), writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
		if s.ID == slow {
			held <- struct{}{}
			<-hold
		}
		return nil
	}})
	p := start(t, m, "alice")
	var others []*token.Pair
	for range 300 { // more than there could be locks
		others = append(others, start(t, m, "bob"))
	}
	slow = p.SessionID
	done := make(chan error)
	go func() {
		_, err := m.Refresh(context.Background(), p.Refresh, token.Client{})
		done <- err
	}()
	<-held
	for _, o := range others {
		refresh(t, m, o.Refresh)
	}
	if err := m.End(t.Context(), "alice", p.SessionID); err != nil {
		t.Errorf("signing out waits for a refresh: %v", err)
	}
	close(hold)
	if err := <-done; err == nil {
		// A repeat writes nothing, and may have been decided before; its token is dead all the same.
		t.Log("the refresh was answered before the end")
	}
	refused(t, m, p)
}

func TestWhatHappensWhileASignInIsAskedAbout(t *testing.T) {
	for name, test := range map[string]struct {
		does  func(m *writ.Manager) error
		alive bool
	}{
		"EndAll ends it":               {func(m *writ.Manager) error { return m.EndAll(t.Context(), "alice") }, false},
		"MustRefresh has it refreshed": {func(m *writ.Manager) error { return m.MustRefresh(t.Context(), "alice") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := memory.Open()
			there := open(t, store, c, writ.Config{})
			role, first := "admin", true
			here := open(t, store, c, writ.Config{OnIssue: func(_ context.Context, s *writ.Session) error {
				s.Claims.Scope = []string{role}
				if first {
					first, role = false, "user"
					if err := test.does(there); err != nil {
						t.Error(err)
					}
				}
				return nil
			}})
			p, err := here.Start(t.Context(), writ.Login{Subject: "alice"})
			if !test.alive {
				if !errors.Is(err, token.ErrUnavailable) {
					t.Errorf("error is %v, want ErrUnavailable", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v, err := there.Verify(t.Context(), p.Access); err == nil && v.HasScope("admin") {
				t.Error("a role from before MustRefresh is still good")
			}
			if next := refresh(t, here, p.Refresh); verified(t, there, next.Access).HasScope("admin") {
				t.Error("a refresh gives the role from before")
			}
		})
	}
}

func TestVisitorsLeaveNothingForAYear(t *testing.T) {
	store := memory.Open()
	m := open(t, store, newClock(), writ.Config{})
	for range 10 {
		p, err := m.Start(t.Context(), writ.Login{Anonymous: true})
		if err != nil {
			t.Fatal(err)
		}
		v := verified(t, m, p.Access)
		if next, err := m.EndOthers(t.Context(), v); err != nil {
			t.Error(err)
		} else {
			accepted(t, m, next)
		}
		for range 2 {
			if err := m.EndAll(t.Context(), v.Subject()); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, m, p)
	}
	if _, err := store.Snapshot(t.Context(), func(e revocation.Entry) {
		if e.Kind != revocation.Session || time.Until(e.Expires) > 2*time.Hour {
			t.Errorf("an entry of kind %s is kept until %s", e.Kind, e.Expires)
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestAVisitorIsNowhereTakenForAUser(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	p, err := m.Start(t.Context(), writ.Login{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	show := func(w http.ResponseWriter, _ *http.Request, v *token.Verified) {
		if v != nil {
			w.Header().Set("X-Subject", v.Subject())
		}
	}
	for name, test := range map[string]struct {
		guard   *middleware.Guard
		status  int
		subject string
	}{
		"a guard":               {m.Guard(), 401, ""},
		"an optional guard":     {m.Guard().Optional(), 200, ""},
		"a guard that was told": {m.Guard().AllowAnonymous(), 200, token.Anonymous(p.SessionID)},
	} {
		if answer := call(m.Guard().Optional().Handler(test.guard.Func(show)), "GET", "/", bearer(p)); answer.StatusCode != test.status || answer.Header.Get("X-Subject") != test.subject {
			t.Errorf("%s inside an optional one: %d, subject %q", name, answer.StatusCode, answer.Header.Get("X-Subject"))
		}
		if answer := call(test.guard.Func(show), "GET", "/", bearer(p)); answer.StatusCode != test.status || answer.Header.Get("X-Subject") != test.subject {
			t.Errorf("%s: %d, subject %q", name, answer.StatusCode, answer.Header.Get("X-Subject"))
		}
	}
	if answer := call(mount(m), "POST", "/logout", as(t, p)); answer.StatusCode != 204 {
		t.Errorf("a visitor's sign-out: %d", answer.StatusCode)
	}
	refused(t, m, p)
}

func TestARefreshDoesNotChangeTheAudience(t *testing.T) { // req 51
	c := newClock()
	store := memory.Open()
	a := open(t, store, c, writ.Config{Audience: "https://a.example"})
	b := open(t, store, c, writ.Config{Audience: "https://b.example"})
	p := start(t, a, "alice")
	if _, err := b.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("at another audience: %v, want ErrInvalid", err)
	}
	if _, err := b.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrAudience) {
		t.Errorf("an access token at another audience: %v", err)
	}
	refresh(t, a, p.Refresh)
}

func TestWhoSignsOutAndClosesTheWindowIsSignedOut(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	p := start(t, m, "alice")
	if err := m.End(gone, "alice", p.SessionID); err != nil {
		t.Error(err)
	}
	refused(t, m, p)
	p = start(t, m, "alice")
	answer := call(m.Endpoints().Logout, "POST", "/logout", as(t, p), func(r *http.Request) { *r = *r.WithContext(gone) })
	if answer.StatusCode != 204 {
		t.Errorf("status %d", answer.StatusCode)
	}
	refused(t, m, p)
}

func TestNothingPrintsTheSecret(t *testing.T) { // req 100
	c := writ.Config{Issuer: issuer, Store: memory.Open(), Secret: testSecret}
	m, err := writ.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c, "manager", m)
	for _, v := range []any{c, &c, m, struct{ M *writ.Manager }{m}, []any{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			fmt.Fprintf(&log, verb, v)
		}
	}
	for _, form := range []string{"%s", "%x", "%X", "%d"} {
		text := strings.Trim(fmt.Sprintf(form, testSecret), "[]")
		if strings.Contains(log.String(), text) {
			t.Errorf("the secret is printed in the form of %s", form)
		}
	}
}

func TestASignOutThatEndsNothingSaysSo(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	p := start(t, m, "alice")
	json := func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		body := `{"refresh_token":"` + p.Refresh + `"}`
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	for name, test := range map[string]struct {
		path   string
		change func(*http.Request)
	}{
		"JSON":             {"/logout", json},
		"in the URL":       {"/logout?refresh_token=" + p.Refresh, form(nil)},
		"twice":            {"/logout", form(url.Values{"refresh_token": {p.Refresh, p.Refresh}})},
		"by another name":  {"/logout", form(url.Values{"refreshToken": {p.Refresh}})},
		"an expired token": {"/logout", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+p.Access+"x") }},
	} {
		if answer := call(mount(m), "POST", test.path, test.change); answer.StatusCode != 400 && answer.StatusCode != 401 {
			t.Errorf("%s: %d, and the session lives", name, answer.StatusCode)
		}
	}
	refresh(t, m, p.Refresh)
	if answer := call(mount(m), "POST", "/logout", form(url.Values{"token": {p.Refresh}})); answer.StatusCode != 204 { // RFC 7009
		t.Errorf("the parameter of RFC 7009: %d", answer.StatusCode)
	}
	refused(t, m, p)

	spa := open(t, memory.Open(), newClock(), writ.Config{Cookies: middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"}})
	if answer := call(mount(spa), "POST", "/logout"); answer.StatusCode != 401 {
		t.Errorf("outside RefreshPath: %d", answer.StatusCode)
	}
}

func TestSignOutEndsAllThatItIsGiven(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	a, b, c := start(t, m, "alice"), start(t, m, "bob"), start(t, m, "carol")
	answer := call(mount(m), "POST", "/logout", as(t, a), bearer(b), form(url.Values{"refresh_token": {c.Refresh}}))
	if answer.StatusCode != 204 || !clears(answer) {
		t.Errorf("status %d", answer.StatusCode)
	}
	for _, p := range []*token.Pair{a, b, c} {
		refused(t, m, p)
	}
}

func TestMistakesOfTheProgramLeaveATrace(t *testing.T) {
	var events []writ.Event
	var answer error
	scope := "notes"
	m := open(t, memory.Open(), newClock(), writ.Config{
		Observe: func(_ context.Context, e writ.Event) { events = append(events, e) },
		OnIssue: func(_ context.Context, s *writ.Session) error {
			s.Claims.Scope = []string{scope}
			return answer
		},
	})
	p := start(t, m, "alice")
	last := func(what string, kind writ.EventKind) {
		t.Helper()
		if e := events[len(events)-1]; e.Kind != kind || e.Err == nil {
			t.Errorf("%s: the last event is %s, %v", what, e.Kind, e.Err)
		}
	}
	scope = "not a scope"
	if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("a bad scope: %v", err)
	}
	last("a scope that is none", writ.Failed)
	scope, answer = "notes", errDown
	m.Refresh(t.Context(), p.Refresh, token.Client{})
	last("a hook that fails", writ.Failed)
	answer = writ.ErrRefused
	_, err := m.Start(t.Context(), writ.Login{Subject: "alice"})
	last("a sign-in that is refused", writ.Refused)
	w := httptest.NewRecorder()
	if m.Deny(w, httptest.NewRequest("POST", "/login", nil), err); w.Code != 403 {
		t.Errorf("a sign-in that is refused: %d", w.Code)
	}
	answer = nil
	m.Deny(httptest.NewRecorder(), httptest.NewRequest("POST", "/login", nil), errDown)
	last("an error that is none of the client's", writ.Failed)
	rule := m.Guard().Require(func(*token.Verified) error { return errDown })
	call(rule.Func(func(http.ResponseWriter, *http.Request, *token.Verified) {}), "GET", "/", bearer(p))
	last("a rule that fails", writ.Failed)
}

func TestAProgramHearsOfEveryRequestThatIsChecked(t *testing.T) {
	var heard []string
	m := open(t, memory.Open(), newClock(), writ.Config{ObserveRequest: func(_ *http.Request, t *token.Verified, err error) {
		switch {
		case err != nil:
			heard = append(heard, fmt.Sprint(middleware.Status(err)))
		case t != nil:
			heard = append(heard, t.Subject())
		}
	}})
	h := m.Guard().Handler(hello)
	call(h, "GET", "/", bearer(start(t, m, "alice")))
	call(h, "GET", "/")
	if got := strings.Join(heard, " "); got != "alice 401" {
		t.Errorf("heard %q", got)
	}
}

func TestDenyCanBeReplaced(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{Deny: func(w http.ResponseWriter, _ *http.Request, err error) {
		w.WriteHeader(middleware.Status(err))
		io.WriteString(w, "mine")
	}})
	answer := call(mount(m), "GET", "/sessions")
	if answer.StatusCode != 401 || text(t, answer) != "mine" {
		t.Errorf("status %d", answer.StatusCode)
	}
}
