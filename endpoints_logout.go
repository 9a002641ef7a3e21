package writ

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func (m *Manager) serveLogout(w http.ResponseWriter, r *http.Request) {
	if err := m.signOutAny(w, r); err != nil {
		switch {
		case errors.Is(err, token.ErrUnavailable):
			m.stillSignedIn(w)
		case err == errNoToken:
			oauthError(w, http.StatusBadRequest, "invalid_request", err.Error())
		default:
			m.Deny(w, r, err)
		}
		return
	}
	m.done(w, r, m.config.SignInPage)
}

// signOutAny ends every session that the request proves: by its form, its cookies and its Bearer token; or,
// if it has none of them, by what a guard around the endpoint let in.
// What is dead already is signed out (RFC 7009 section 2.2); but a Bearer token that is no good, and
// nothing else, is refused, because its session may live.
func (m *Manager) signOutAny(w http.ResponseWriter, r *http.Request) error {
	form, ok := tokenForm(r)
	named := cmp.Or(form.Get("refresh_token"), form.Get("token"))
	bearer, _ := middleware.BearerToken(r)
	cookies := len(m.config.Cookies.Tokens(r)) > 0
	if !cookies && named == "" && bearer == "" {
		if t, guarded := token.FromContext(r.Context()); guarded && t.Issuer() == m.config.Issuer {
			return m.End(r.Context(), t.Subject(), t.SessionID())
		}
		if !ok || len(form) > 0 || r.ContentLength != 0 {
			return errNoToken
		}
		if m.config.Cookies.RefreshPath != "" {
			return middleware.ErrNone // perhaps mounted outside RefreshPath: do not pretend
		}
	}
	if cookies || named == "" && bearer == "" {
		if err := m.SignOut(w, r); err != nil {
			return err
		}
	} else if m.crossOrigin(r) == nil { // another site must not sign this browser out with a token of its own
		m.config.Cookies.Clear(w)
	}
	if named != "" {
		if err := m.Revoke(r.Context(), named); err != nil && !errors.Is(err, token.ErrInvalid) {
			return err
		}
	}
	if bearer != "" {
		if err := m.Revoke(r.Context(), bearer); err != nil && !(errors.Is(err, token.ErrInvalid) && (cookies || named != "")) {
			return err
		}
	}
	return nil
}

// errNoToken is for a sign-out that says something, but nothing that could be ended.
var errNoToken = errors.New("send the refresh token as the form field refresh_token, once, and not in the URL")

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
		m.done(w, r, middleware.RefererPath(r))
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
	m.done(w, r, middleware.RefererPath(r))
}

// stillSignedIn answers a sign-out that the store did not take.
func (m *Manager) stillSignedIn(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "Signed out in this browser, but perhaps still signed in elsewhere: the session could not be ended just now. Sign in and out again in a moment.",
		http.StatusServiceUnavailable)
}
