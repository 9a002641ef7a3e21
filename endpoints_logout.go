package writ

import (
	"errors"
	"net/http"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

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
	if len(m.config.Cookies.Tokens(r)) > 0 {
		return m.SignOut(w, r)
	}
	t, err := m.guard.AllowAnonymous().Check(w, r)
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

// stillSignedIn answers a sign-out that the store did not take.
func (m *Manager) stillSignedIn(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "Signed out in this browser, but perhaps still signed in elsewhere: the session could not be ended just now. Sign in and out again in a moment.",
		http.StatusServiceUnavailable)
}
