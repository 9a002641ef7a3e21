package middleware

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/writ-go/writ/token"
)

// WriteTokens is the token response of RFC 6749 section 5.1, for a client that keeps its tokens
// itself. withRefresh false leaves the refresh token out. It returns an error, having written
// nothing, if there is no access token; and the error of w.
func WriteTokens(w http.ResponseWriter, p *token.Pair, withRefresh bool) error {
	if p.Access == "" {
		return errors.New("middleware: a token response needs an access token")
	}
	answer := struct {
		AccessToken  string `json:"access_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int64  `json:"expires_in"` // seconds
		RefreshToken string `json:"refresh_token,omitempty"`
		Scope        string `json:"scope,omitempty"`
	}{
		AccessToken: p.Access,
		TokenType:   "Bearer",
		ExpiresIn:   max(0, int64(p.For(p.AccessExpires)/time.Second)),
		Scope:       strings.Join(p.Scope, " "),
	}
	if withRefresh {
		answer.RefreshToken = p.Refresh
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	noStore.apply(h)
	h.Set("Pragma", "no-cache")
	_, err = w.Write(append(body, '\n'))
	return err
}
