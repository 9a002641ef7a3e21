package writ

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"time"

	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// Endpoints are handlers to mount where you like. Those that change something check where a request
// with a cookie comes from.
//
// With a Config.SignInPage, a form that a browser sends (Accept: text/html) is answered with 303: Logout
// and LogoutAll go to the SignInPage, LogoutOthers and EndSession to the page of this host that the
// form was on, by its Referer. Everything else gets 204, but for the JSON that is said below.
type Endpoints struct {
	// Token is the token endpoint of RFC 6749 for grant_type=refresh_token: POST, a form, for apps.
	// client_id must be the Login.Client.ID of the sign-in, and is left out if that was empty; no
	// client is authenticated. An answer without refresh_token means: keep the one that you have.
	Token http.Handler
	// Refresh is the same by refresh cookie: POST. The new tokens go into cookies, and the answer
	// is {"expires_in": seconds}; with Cookies.RefreshOnly it is the access token's.
	Refresh http.Handler
	// Logout ends every session that the request proves, by the form field refresh_token, by its
	// cookies or by a Bearer token: POST. It clears the cookies even if the store does not answer;
	// then it says so with 503. With Cookies.RefreshPath mount it below that path.
	Logout http.Handler
	// LogoutAll ends all sessions of whoever asks: POST. LogoutOthers spares the one that asks, and
	// gives it a new access token.
	LogoutAll    http.Handler
	LogoutOthers http.Handler
	// Sessions lists the sessions of whoever asks: GET, a JSON array with sid, current, label,
	// user_agent and addr (of who refreshed last), client_id, created, renewed and expires.
	Sessions http.Handler
	// EndSession ends one of them: POST; the pattern must have {sid}.
	EndSession http.Handler
	// Keys is the key set: GET, for /.well-known/jwks.json below the issuer.
	Keys http.Handler
	// Revocations is the feed of revocations: GET, for /.well-known/revocations below the issuer. It is
	// 404 without Config.FeedAllow and FeedPublic. A revocation.Handler: followers wait at it, so do not
	// put a time limit around it.
	Revocations http.Handler
	// Health is 200 when Ready: GET.
	Health http.Handler
}

// Endpoints makes them. They share nothing with each other but m.
func (m *Manager) Endpoints() Endpoints {
	guard := m.guard.AllowAnonymous() // a visitor may look at, and end, what is a visitor's
	return Endpoints{
		Token:        post(m.serveToken),
		Refresh:      post(m.serveRefresh),
		Logout:       post(m.serveLogout),
		LogoutAll:    post(guard.Func(m.serveLogoutAll).ServeHTTP),
		LogoutOthers: post(guard.Func(m.serveLogoutOthers).ServeHTTP),
		Sessions:     guard.Func(m.serveSessions),
		EndSession:   post(guard.Func(m.serveEndSession).ServeHTTP),
		Keys:         jwks.Handler(m.ring),
		Revocations:  m.feed,
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

func (m *Manager) serveHealth(w http.ResponseWriter, _ *http.Request) { serveHealth(w, m.Ready()) }

func serveHealth(w http.ResponseWriter, err error) {
	if err != nil { // the reason is for operators, and this answer is for everybody
		w.Header().Set("Retry-After", "5")
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// done answers a change that succeeded: a page goes on to where, anything else gets 204.
func (m *Manager) done(w http.ResponseWriter, r *http.Request, where string) {
	w.Header().Set("Cache-Control", "no-store")
	if m.wantsPage(r) {
		http.Redirect(w, r, where, http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// wantsPage reports whether a browser sent a form and waits for a page.
func (m *Manager) wantsPage(r *http.Request) bool {
	return m.config.SignInPage != "" && middleware.PrefersHTML(r)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
