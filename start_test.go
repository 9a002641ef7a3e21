package writ_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestStart(t *testing.T) {
	onEach(t, func(t *testing.T, m *writ.Manager, c *clock) {
		p, err := m.Start(t.Context(), writ.Login{
			Subject: "alice", Label: "laptop", Private: []byte("cart"),
			Claims: token.Claims{Subject: "mallory", SessionID: "fixed", ClientID: "x", Scope: []string{"read"}, AuthTime: time.Unix(1, 0)},
		})
		if err != nil {
			t.Fatal(err)
		}
		v := verified(t, m, p.Access)
		if v.Subject() != "alice" || v.SessionID() == "fixed" || v.SessionID() != p.SessionID || v.ClientID() != issuer || v.AuthTime().Unix() != c.now().Unix() {
			t.Error("what Start decides was taken from the claims") // req 88
		}
		if !v.HasScope("read") || v.Anonymous() || len(v.RawData()) != 0 || v.Actor() != "" || v.ACR() != "" { // req 22
			t.Error("the token says more, or less, than it was told")
		}
		s, err := m.Sessions(t.Context(), "alice")
		if err != nil || len(s) != 1 || s[0].Label != "laptop" || string(s[0].Private) != "cart" || !s[0].Expires.Equal(c.now().Add(90*24*time.Hour)) {
			t.Errorf("sessions %v, %v", s, err)
		}
		if b, err := json.Marshal(s); err != nil || strings.Contains(string(b), "Private") {
			t.Error("private data goes into JSON")
		}
	})
}

func TestAnonymousSessions(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	p, err := m.Start(t.Context(), writ.Login{Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	v := verified(t, m, p.Access)
	if !v.Anonymous() || v.Subject() != token.Anonymous(p.SessionID) || !v.AuthTime().IsZero() {
		t.Errorf("subject %q", v.Subject())
	}
	for name, l := range map[string]writ.Login{
		"nobody by mistake":       {},
		"somebody and nobody":     {Subject: "alice", Anonymous: true},
		"a user with such a name": {Subject: "anonymous:x"},
		"a life above the limit":  {Subject: "alice", Absolute: 1000 * 24 * time.Hour},
		"a life of a second":      {Subject: "alice", Absolute: time.Second},
		"the issuer as a user":    {Subject: issuer},
	} {
		if p, err := m.Start(t.Context(), l); err == nil || p != nil {
			t.Errorf("%s: started", name)
		}
	}
}

func TestSignIn(t *testing.T) {
	m := open(t, memory.Open(), newClock(), writ.Config{})
	request := func() *http.Request {
		r := httptest.NewRequest("POST", "https://app.example/login", nil)
		r.Header.Set("User-Agent", "Browser/1")
		return r
	}
	signIn := func(r *http.Request, l writ.Login) (*http.Response, error) {
		w := httptest.NewRecorder()
		err := m.SignIn(w, r, l)
		return w.Result(), err
	}
	first, err := signIn(request(), writ.Login{Subject: "alice", Remember: true})
	if err != nil {
		t.Fatal(err)
	}
	set := first.Cookies()
	if len(set) != 2 || first.Header.Get("Cache-Control") != "no-store" { // req 89
		t.Fatalf("%d cookies", len(set))
	}
	for _, c := range set { // req 82, 83, 86
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.MaxAge > 400*86400 {
			t.Errorf("cookie %s has attributes that are not safe", c.Name)
		}
	}
	sessions, err := m.Sessions(t.Context(), "alice")
	if err != nil || len(sessions) != 1 || sessions[0].SignedIn.UserAgent != "Browser/1" || sessions[0].SignedIn.Addr.String() != "192.0.2.1" {
		t.Fatalf("sessions %v, %v", sessions, err)
	}

	// req 88, CVE-2024-38513: a browser that brings a session along gets a new one, and the old ends.
	second, err := signIn(cookies(request(), set), writ.Login{Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	now, err := m.Sessions(t.Context(), "alice")
	if err != nil || len(now) != 1 || now[0].ID == sessions[0].ID {
		t.Error("the session that the browser had was kept or adopted")
	}
	for _, c := range second.Cookies() {
		if c.MaxAge != 0 || !c.Expires.IsZero() {
			t.Error("cookies outlive the browser though nobody asked")
		}
	}

	// Login CSRF.
	r := request()
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := signIn(r, writ.Login{Subject: "mallory"})
	if !errors.Is(err, middleware.ErrCrossOrigin) || len(answer.Cookies()) != 0 {
		t.Errorf("another site's form: %v", err)
	}
	// Cookies that nobody can read any more do not keep one from signing in.
	r = request()
	r.AddCookie(&http.Cookie{Name: "__Host-refresh", Value: "garbage"})
	if _, err := signIn(r, writ.Login{Subject: "alice"}); err != nil {
		t.Error(err)
	}
}

func TestCookiesThatDoNotFitLeaveNoSession(t *testing.T) { // req 84
	m := open(t, memory.Open(), newClock(), writ.Config{})
	var c token.Claims
	if err := c.SetData(map[string]string{"x": strings.Repeat("x", 4000)}); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	err := m.SignIn(w, httptest.NewRequest("POST", "https://app.example/login", nil), writ.Login{Subject: "alice", Claims: c})
	if err == nil || len(w.Result().Cookies()) != 0 {
		t.Errorf("error %v, want one that names the limit", err)
	}
	if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 0 {
		t.Errorf("%d sessions were left, %v", len(s), err)
	}
}

func TestGrant(t *testing.T) { // req 90
	c := newClock()
	m := open(t, memory.Open(), c, writ.Config{})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "https://app.example/login", nil)
	if err := m.Grant(w, r, writ.Login{Subject: "alice", Client: token.Client{ID: "app"}, Claims: token.Claims{Scope: []string{"a", "b"}}}); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int    `json:"expires_in"`
		RefreshToken string `json:"refresh_token"`
		Scope        string `json:"scope"`
	}
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if answer.TokenType != "Bearer" || answer.ExpiresIn < 595 || answer.ExpiresIn > 600 || answer.Scope != "a b" || len(w.Result().Cookies()) != 0 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("type %q, %d s, scope %q", answer.TokenType, answer.ExpiresIn, answer.Scope)
	}
	verified(t, m, answer.AccessToken)
	if _, err := m.Refresh(t.Context(), answer.RefreshToken, token.Client{ID: "app"}); err != nil {
		t.Error(err)
	}
}
