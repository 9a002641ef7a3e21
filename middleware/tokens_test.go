package middleware_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func TestATokenResponseIsThatOfRFC6749(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		full := token.Pair{Access: "A", Refresh: "R", AccessExpires: now.Add(10 * time.Minute), Scope: []string{"read", "write"}}
		for _, c := range []struct {
			name        string
			pair        token.Pair
			withRefresh bool
			body        string
		}{
			{"both tokens", full, true, `{"access_token":"A","token_type":"Bearer","expires_in":600,"refresh_token":"R","scope":"read write"}` + "\n"},
			{"the refresh token is in a cookie", full, false, `{"access_token":"A","token_type":"Bearer","expires_in":600,"scope":"read write"}` + "\n"},
			{"no new refresh token, no scope", token.Pair{Access: "A", AccessExpires: now.Add(time.Minute)}, true, `{"access_token":"A","token_type":"Bearer","expires_in":60}` + "\n"},
			{"by the issuer's clock, whatever ours says", token.Pair{Access: "A", Issued: now.Add(time.Hour), AccessExpires: now.Add(time.Hour + time.Minute)}, true,
				`{"access_token":"A","token_type":"Bearer","expires_in":60}` + "\n"},
			{"already expired", token.Pair{Access: "A", AccessExpires: now.Add(-time.Minute)}, true, `{"access_token":"A","token_type":"Bearer","expires_in":0}` + "\n"},
		} {
			w := httptest.NewRecorder()
			if err := middleware.WriteTokens(w, &c.pair, c.withRefresh); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if w.Body.String() != c.body {
				t.Errorf("%s: another body than expected", c.name)
			}
			h := w.Header()
			if h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || h.Get("Content-Type") != "application/json" { // req 89
				t.Errorf("%s: headers %v", c.name, h)
			}
		}
		w := httptest.NewRecorder()
		if err := middleware.WriteTokens(w, &token.Pair{Refresh: "R"}, true); err == nil || len(w.Header()) != 0 || w.Body.Len() != 0 {
			t.Errorf("without an access token: error %v", err)
		}
	})
}
