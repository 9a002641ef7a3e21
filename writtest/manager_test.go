package writtest_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

func TestAHandlerSeesWhoSignedIn(t *testing.T) {
	sessions := writtest.New(t, writ.Config{})
	h := app(sessions)
	req := httptest.NewRequest("GET", "/me", nil)
	if rec := get(h, req); rec.Code != http.StatusUnauthorized {
		t.Fatalf("before SignIn: %d", rec.Code)
	}
	pair := writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
	if rec := get(h, req); rec.Code != http.StatusOK || rec.Body.String() != "ada" {
		t.Errorf("after SignIn: %d", rec.Code)
	}
	if err := sessions.End(t.Context(), "ada", pair.SessionID); err != nil {
		t.Fatal(err)
	}
	if rec := get(h, req); rec.Code != http.StatusUnauthorized {
		t.Errorf("after End: %d", rec.Code)
	}
}

func TestAManagerRunsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // fails if a goroutine is left
		sessions := writtest.New(t, writ.Config{})
		h := app(sessions)
		req := httptest.NewRequest("GET", "/me", nil)
		writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
		time.Sleep(9 * time.Minute) // far beyond MaxStale: only a running Manager can say
		if rec := get(h, req); rec.Code != http.StatusOK {
			t.Errorf("after 9 minutes: %d", rec.Code)
		}
		time.Sleep(2 * time.Minute)
		if rec := get(h, req); rec.Code != http.StatusUnauthorized {
			t.Errorf("after the access token's 10 minutes: %d", rec.Code)
		}
	})
}

func TestTheManagerRunsUntilTheTestsOwnCleanups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sessions *writ.Manager
		t.Cleanup(func() { // after New's
			time.Sleep(2 * time.Minute)
			if sessions.Ready() == nil {
				t.Error("the Manager still runs")
			}
		})
		sessions = writtest.New(t, writ.Config{})
		t.Cleanup(func() { // before New's
			time.Sleep(2 * time.Minute)
			if err := sessions.Ready(); err != nil {
				t.Errorf("the Manager has stopped too early: %v", err)
			}
		})
	})
}

func TestWhatTheConfigSaysIsKept(t *testing.T) {
	store := memory.Open()
	defer store.Close()
	secret := make([]byte, 32)
	rand.Read(secret)
	t.Run("the test", func(t *testing.T) {
		sessions := writtest.New(t, writ.Config{
			Issuer: "https://mine.test",
			Store:  store,
			Secret: secret,
			OnIssue: func(_ context.Context, s *writ.Session) error {
				s.Claims.Scope = []string{"read"}
				return nil
			},
		})
		pair := writtest.SignIn(t, sessions, httptest.NewRequest("GET", "/", nil), writ.Login{Subject: "ada"})
		v, err := sessions.Verify(t.Context(), pair.Access)
		if err != nil {
			t.Fatal(err)
		}
		if v.Issuer() != "https://mine.test" || !v.HasScope("read") {
			t.Errorf("token of %s with scopes %q", v.Issuer(), v.Scopes())
		}
	})
	if rows, err := store.List(t.Context(), "ada", "", 2); err != nil || len(rows) != 1 {
		t.Errorf("the store has %d sessions, err = %v; want 1, and a store that is open", len(rows), err)
	}
	info, err := keys.Inspect(t.Context(), writ.Vault(store), time.Now())
	if err != nil || info == nil {
		t.Fatalf("no ring in the store, err = %v", err)
	}
	if info.Keys[0].InClear {
		t.Error("the keys are in clear, although there is a Secret")
	}
}

func TestVerifiedSaysWhatTheClaimsSay(t *testing.T) {
	c := token.Claims{
		Subject:   "ada",
		SessionID: "s1",
		ClientID:  "app",
		Scope:     []string{"read", "write"},
		AuthTime:  time.Unix(1_700_000_000, 0),
		ACR:       "gold",
		AMR:       []string{"pwd", "otp"},
		Actor:     "support",
	}
	type data struct{ Plan string }
	if err := c.SetData(data{"pro"}); err != nil {
		t.Fatal(err)
	}
	v := writtest.Verified(t, c)
	d, err := token.Data[data](v)
	if err != nil {
		t.Fatal(err)
	}
	if v.Subject() != c.Subject || v.SessionID() != c.SessionID || v.ClientID() != c.ClientID || !slices.Equal(v.Scopes(), c.Scope) ||
		!v.AuthTime().Equal(c.AuthTime) || v.ACR() != c.ACR || !slices.Equal(v.AMR(), c.AMR) || v.Actor() != c.Actor || d.Plan != "pro" {
		t.Errorf("%+v became %v", c, v)
	}
}

func TestVerifiedFillsWhatTheClaimsLeaveOpen(t *testing.T) {
	a, b := writtest.Verified(t, token.Claims{}), writtest.Verified(t, token.Claims{})
	if a.Subject() != "user" || a.ClientID() != a.Issuer() || a.SessionID() == "" || a.SessionID() == b.SessionID() ||
		time.Since(a.AuthTime()) > time.Minute || a.Anonymous() {
		t.Errorf("%v", a)
	}
	visitor := writtest.Verified(t, token.Claims{Subject: token.Anonymous("s1"), SessionID: "s1"})
	if !visitor.Anonymous() || !visitor.AuthTime().IsZero() {
		t.Errorf("%v is not a visitor's", visitor)
	}
}
