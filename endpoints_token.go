package writ

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func (m *Manager) serveToken(w http.ResponseWriter, r *http.Request) {
	form, ok := tokenForm(r)
	switch {
	case !ok || len(form) == 0:
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
	if !ok && len(m.config.Cookies.Tokens(r)) > 1 {
		m.config.Cookies.ClearFormer(w, r)
		oauthError(w, http.StatusBadRequest, "invalid_request", "there must be one refresh cookie")
		return
	}
	if !ok {
		refreshError(w, http.StatusUnauthorized, token.ErrMalformed)
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
		"expires_in": max(0, int(pair.For(pair.AccessExpires)/time.Second)),
	})
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
