package writ

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// Endpoints are handlers to mount where you like. Those that change something check where a request
// with a cookie comes from; Config.SignInPage and the request's Accept decide whether the answer is
// JSON or a redirect.
type Endpoints struct {
	// Token is the token endpoint of RFC 6749 for grant_type=refresh_token: POST, a form, for apps.
	Token http.Handler
	// Refresh is the same by refresh cookie: POST. The new tokens go into cookies; with
	// Cookies.RefreshOnly the access token is in the answer's body.
	Refresh http.Handler
	// Logout ends the session of the refresh cookie, of the form field refresh_token, or of the
	// Bearer token: POST. It clears the cookies even if the store does not answer; then it says so
	// with 503.
	Logout http.Handler
	// LogoutAll ends all sessions of whoever asks: POST. LogoutOthers spares the one that asks, and
	// gives it a new access token.
	LogoutAll    http.Handler
	LogoutOthers http.Handler
	// Sessions lists the sessions of whoever asks: GET, JSON.
	Sessions http.Handler
	// EndSession ends one of them: POST; the pattern must have {sid}.
	EndSession http.Handler
	// Keys is the key set: GET, for /.well-known/jwks.json below the issuer.
	Keys http.Handler
	// Health is 200 when Ready: GET.
	Health http.Handler
}

// Endpoints makes them. They share nothing with each other but m.
func (m *Manager) Endpoints() Endpoints {
	return Endpoints{
		Token:        post(m.serveToken),
		Refresh:      post(m.serveRefresh),
		Logout:       post(m.serveLogout),
		LogoutAll:    post(m.guard.Func(m.serveLogoutAll).ServeHTTP),
		LogoutOthers: post(m.guard.Func(m.serveLogoutOthers).ServeHTTP),
		Sessions:     m.guard.Func(m.serveSessions),
		EndSession:   post(m.guard.Func(m.serveEndSession).ServeHTTP),
		Keys:         jwks.Handler(m.ring),
		Health:       http.HandlerFunc(m.serveHealth),
	}
}

// formLimit is far above what a form with one token needs.
const formLimit = 64 << 10

// post lets only POST through, with a body of bounded size.
func post(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, formLimit)
		next(w, r)
	})
}

func (m *Manager) serveToken(w http.ResponseWriter, r *http.Request) {
	form, ok := tokenForm(r)
	switch {
	case !ok:
		oauthError(w, http.StatusBadRequest, "invalid_request", "POST one form (application/x-www-form-urlencoded), each parameter once, none in the URL")
		return
	case form.Get("grant_type") == "":
		oauthError(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
		return
	case form.Get("grant_type") != "refresh_token":
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "only refresh_token is supported")
		return
	case form.Get("refresh_token") == "":
		oauthError(w, http.StatusBadRequest, "invalid_request", "refresh_token is missing")
		return
	}
	from := middleware.ClientOf(r)
	from.ID = form.Get("client_id")
	pair, err := m.Refresh(r.Context(), form.Get("refresh_token"), from)
	if err != nil {
		refreshError(w, http.StatusBadRequest, err)
		return
	}
	middleware.WriteTokens(w, pair, true)
}

func (m *Manager) serveRefresh(w http.ResponseWriter, r *http.Request) {
	if err := m.crossOrigin(r); err != nil {
		m.Deny(w, r, err)
		return
	}
	raw, ok := m.config.Cookies.RefreshToken(r)
	if !ok {
		m.Deny(w, r, middleware.ErrNone)
		return
	}
	pair, err := m.Refresh(r.Context(), raw, middleware.ClientOf(r))
	if err != nil {
		refreshError(w, http.StatusUnauthorized, err)
		return
	}
	m.answerCookies(w, r, pair)
}

// answerCookies hands a pair to a browser.
func (m *Manager) answerCookies(w http.ResponseWriter, r *http.Request, pair *token.Pair) {
	if err := m.config.Cookies.Set(w, pair); err != nil {
		m.Deny(w, r, err)
		return
	}
	if m.config.Cookies.RefreshOnly {
		middleware.WriteTokens(w, pair, false)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"expires_in": max(0, int(pair.AccessExpires.Sub(m.config.Now()).Seconds())),
	})
}

func (m *Manager) serveLogout(w http.ResponseWriter, r *http.Request) {
	if err := m.signOutAny(w, r); err != nil {
		if errors.Is(err, token.ErrUnavailable) {
			m.stillSignedIn(w)
			return
		}
		m.Deny(w, r, err)
		return
	}
	m.done(w, r, m.config.SignInPage)
}

// signOutAny ends a session by whatever the request proves it with.
func (m *Manager) signOutAny(w http.ResponseWriter, r *http.Request) error {
	if form, ok := tokenForm(r); ok && form.Get("refresh_token") != "" {
		if m.crossOrigin(r) == nil { // another site must not sign this browser out with a token of its own
			m.config.Cookies.Clear(w)
		}
		err := m.Revoke(r.Context(), form.Get("refresh_token"))
		if errors.Is(err, token.ErrInvalid) {
			return nil // RFC 7009 section 2.2: what is dead already is signed out
		}
		return err
	}
	_, refresh := m.config.Cookies.RefreshToken(r)
	if refresh || m.byCookie(r) {
		return m.SignOut(w, r)
	}
	t, err := m.guard.Check(w, r)
	if errors.Is(err, middleware.ErrNone) {
		return m.SignOut(w, r)
	}
	if err != nil {
		return err
	}
	if err := m.End(r.Context(), t.Subject(), t.SessionID()); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// byCookie reports whether a request that the guard let through was let through by its cookie.
func (m *Manager) byCookie(r *http.Request) bool {
	_, ok := m.config.Cookies.AccessToken(r)
	return ok
}

func (m *Manager) serveLogoutAll(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	m.config.Cookies.Clear(w)
	if err := m.EndAll(r.Context(), t.Subject()); err != nil {
		m.stillSignedIn(w)
		return
	}
	m.done(w, r, m.config.SignInPage)
}

func (m *Manager) serveLogoutOthers(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	pair, err := m.EndOthers(r.Context(), t)
	if err != nil {
		m.Deny(w, r, err)
		return
	}
	if !m.byCookie(r) {
		middleware.WriteTokens(w, pair, false)
		return
	}
	if m.wantsPage(r) {
		if err := m.config.Cookies.Set(w, pair); err != nil {
			m.Deny(w, r, err)
			return
		}
		m.done(w, r, back(r))
		return
	}
	m.answerCookies(w, r, pair)
}

func (m *Manager) serveEndSession(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	sid := r.PathValue("sid")
	switch err := m.End(r.Context(), t.Subject(), sid); {
	case errors.Is(err, ErrNotFound):
		http.Error(w, "you have no such session", http.StatusNotFound)
		return
	case err != nil:
		m.Deny(w, r, err)
		return
	}
	if sid == t.SessionID() {
		m.config.Cookies.Clear(w)
	}
	m.done(w, r, back(r))
}

// sessionJSON is a session as its user sees it.
type sessionJSON struct {
	ID        string     `json:"sid"`
	Current   bool       `json:"current"`
	Label     string     `json:"label,omitempty"`
	UserAgent string     `json:"user_agent,omitempty"`
	Addr      netip.Addr `json:"addr,omitzero"`
	ClientID  string     `json:"client_id,omitempty"`
	Created   time.Time  `json:"created"`
	Renewed   time.Time  `json:"renewed"`
	Expires   time.Time  `json:"expires"`
}

func (m *Manager) serveSessions(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	sessions, err := m.Sessions(r.Context(), t.Subject())
	if err != nil {
		m.Deny(w, r, err)
		return
	}
	list := make([]sessionJSON, 0, len(sessions))
	for _, s := range sessions {
		list = append(list, sessionJSON{
			ID:        s.ID,
			Current:   s.ID == t.SessionID(),
			Label:     s.Label,
			UserAgent: s.LastSeen.UserAgent,
			Addr:      s.LastSeen.Addr,
			ClientID:  s.Claims.ClientID,
			Created:   s.Created,
			Renewed:   s.Renewed,
			Expires:   s.Expires,
		})
	}
	writeJSON(w, http.StatusOK, list)
}

func (m *Manager) serveHealth(w http.ResponseWriter, r *http.Request) {
	if m.Ready() != nil { // the reason is for operators, and this answer is for everybody
		w.Header().Set("Retry-After", "5")
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// stillSignedIn answers a sign-out that the store did not take.
func (m *Manager) stillSignedIn(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "Signed out in this browser, but perhaps still signed in elsewhere: the session could not be ended just now. Sign in and out again in a moment.",
		http.StatusServiceUnavailable)
}

// done answers a change that succeeded: a page goes on to where, anything else gets 204.
func (m *Manager) done(w http.ResponseWriter, r *http.Request, where string) {
	w.Header().Set("Cache-Control", "no-store")
	if where == "" {
		where = m.config.SignInPage
	}
	if m.wantsPage(r) {
		http.Redirect(w, r, where, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// wantsPage reports whether a browser sent a form and waits for a page.
func (m *Manager) wantsPage(r *http.Request) bool {
	return m.config.SignInPage != "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// back is the page of this host that a form was sent from; empty if it is not known.
func back(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") {
		return ""
	}
	return u.EscapedPath()
}

// tokenForm reads a form as RFC 6749 section 3.2 wants it: in the body, each parameter once.
func tokenForm(r *http.Request) (url.Values, bool) {
	if r.ParseForm() != nil || r.URL.RawQuery != "" {
		return nil, false
	}
	for _, values := range r.PostForm {
		if len(values) != 1 {
			return nil, false
		}
	}
	return r.PostForm, true
}

// refreshError keeps "no good" and "not now" apart (RFC 6749 section 5.2): the first signs the client
// out.
func refreshError(w http.ResponseWriter, status int, err error) {
	if errors.Is(err, token.ErrUnavailable) || !errors.Is(err, token.ErrInvalid) {
		w.Header().Set("Retry-After", "2")
		oauthError(w, http.StatusServiceUnavailable, "temporarily_unavailable", "keep the tokens and try again")
		return
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	oauthError(w, status, "invalid_grant", "the refresh token is no good any more: sign in")
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": description})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
