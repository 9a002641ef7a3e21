package writtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/writtest"
)

// A handler's test sees what its users see while the store is down: nobody is signed out.
func TestAStoreThatIsDownSignsNobodyOut(t *testing.T) {
	store := writtest.NewStore(t)
	m := writtest.New(t, writ.Config{Store: store})
	pair, err := m.Start(t.Context(), writ.Login{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	page := m.Guard().Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	ask := func(cookie string) int {
		r, w := httptest.NewRequest("GET", "/me", nil), httptest.NewRecorder()
		r.Header.Set("Cookie", cookie)
		page.ServeHTTP(w, r)
		return w.Code
	}
	access, refresh := "__Host-access="+pair.Access, "__Host-refresh="+pair.Refresh
	for _, step := range []struct {
		name            string
		change          func()
		access, refresh int
	}{
		{"down", store.Fail, 200, 503},
		{"up again", store.Recover, 200, 200},
	} {
		step.change()
		if a, b := ask(access), ask(refresh); a != step.access || b != step.refresh {
			t.Errorf("%s: %d with an access token, %d with a refresh token", step.name, a, b)
		}
	}
	store.Fail()
	for name, err := range map[string]error{
		"a sign-in":         func() error { _, err := m.Start(t.Context(), writ.Login{Subject: "bob"}); return err }(),
		"the device list":   func() error { _, err := m.Sessions(t.Context(), "ada"); return err }(),
		"ending a session":  m.End(t.Context(), "ada", pair.SessionID),
		"ending a token":    m.RevokeToken(t.Context(), "AAAAAAAAAAAAAAAAAAAAAA"),
		"ending everything": m.EndEverything(t.Context()),
	} {
		if middleware.Status(err) != 503 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
