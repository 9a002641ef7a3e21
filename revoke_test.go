package writ_test

import (
	"errors"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

func TestRevokeToken(t *testing.T) { // req 59
	for name, openStore := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := openStore(t)
			m := open(t, store, c, writ.Config{})
			p, other := start(t, m, "alice"), start(t, m, "alice")
			id := verified(t, m, p.Access).ID()
			for range 2 { // again is no error
				if err := m.RevokeToken(t.Context(), id); err != nil {
					t.Fatal(err)
				}
				if _, err := m.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
					t.Errorf("the token: %v, want ErrRevoked", err)
				}
			}
			accepted(t, m, other)
			if s, err := m.Sessions(t.Context(), "alice"); err != nil || len(s) != 2 {
				t.Errorf("%d sessions, %v: want both", len(s), err)
			}
			accepted(t, m, refresh(t, m, p.Refresh))
			again := open(t, store, c, writ.Config{})
			if _, err := again.Verify(t.Context(), p.Access); !errors.Is(err, token.ErrRevoked) {
				t.Errorf("after a restart: %v, want ErrRevoked", err)
			}
		})
	}
}

func TestRevokeTokenAcknowledgesNothingElse(t *testing.T) { // req 60
	store := &failing{Store: memory.Open()}
	m := open(t, store, newClock(), writ.Config{})
	p := start(t, m, "alice")
	id := verified(t, m, p.Access).ID()
	for _, wrong := range []string{"", "x", id + "=", id[:21], "spared:" + p.SessionID, p.Access, p.Refresh} {
		if err := m.RevokeToken(t.Context(), wrong); !errors.Is(err, writ.ErrNotFound) {
			t.Errorf("no token's ID: %v, want ErrNotFound", err)
		}
	}
	store.fail(errDown, nil)
	if err := m.RevokeToken(t.Context(), id); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("the store is down: %v, want ErrUnavailable", err)
	}
	accepted(t, m, p)
}
