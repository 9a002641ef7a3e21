package writ_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/token"
)

// node is a running Manager in a bubble.
type node struct {
	*writ.Manager
	mu     sync.Mutex
	events []writ.Event
}

func (n *node) count(kind writ.EventKind) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.events {
		if e.Kind == kind {
			count++
		}
	}
	return count
}

func runNode(t *testing.T, ctx context.Context, group *sync.WaitGroup, c writ.Config) *node {
	t.Helper()
	n := &node{}
	c.Issuer = issuer
	c.Observe = func(_ context.Context, e writ.Event) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.events = append(n.events, e)
	}
	if c.Secret == nil {
		c.Secret = testSecret
	}
	m, err := writ.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	n.Manager = m
	group.Go(func() { m.Run(ctx) })
	return n
}

// renewed refreshes as a client does, which keeps its refresh token if it is not given another.
func renewed(t *testing.T, n *node, p *token.Pair) *token.Pair {
	t.Helper()
	next := refresh(t, n.Manager, p.Refresh)
	if next.Refresh == "" {
		next.Refresh = p.Refresh
	}
	return next
}

func kidOf(t *testing.T, raw string) string {
	t.Helper()
	head, _, _ := strings.Cut(raw, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	var header struct{ Kid string }
	if err != nil || json.Unmarshal(b, &header) != nil {
		t.Fatal("the token has no header")
	}
	return header.Kid
}

// inRing runs f in a bubble, with two nodes on one store.
func inRing(t *testing.T, c writ.Config, f func(t *testing.T, store writ.Store, a, b *node)) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open()
		c.Store = store
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		a, b := runNode(t, ctx, &group, c), runNode(t, ctx, &group, c)
		defer group.Wait()
		defer stop()
		f(t, store, a, b)
	})
}

// req 39, 40, 44: tokens of each node are good at the other while keys come and go.
func TestKeysRotateByThemselves(t *testing.T) {
	inRing(t, writ.Config{KeyPeriod: 4 * time.Hour}, func(t *testing.T, _ writ.Store, a, b *node) {
		kids := map[string]bool{}
		for range 20 * 6 {
			pa, pb := start(t, a.Manager, "alice"), start(t, b.Manager, "bob")
			time.Sleep(9*time.Minute + 50*time.Second) // they live for ten
			kids[verified(t, b.Manager, pa.Access).KeyID()] = true
			kids[verified(t, a.Manager, pb.Access).KeyID()] = true
		}
		if len(kids) < 4 || len(kids) > 7 {
			t.Errorf("%d keys signed in 20 hours, want one every 4", len(kids))
		}
		if a.count(writ.KeyActivated) != b.count(writ.KeyActivated) || a.count(writ.KeyRemoved) < 3 {
			t.Errorf("activated %d and %d, removed %d", a.count(writ.KeyActivated), b.count(writ.KeyActivated), a.count(writ.KeyRemoved))
		}
	})
}

// req 41: an operator replaces a stolen key. Every node stops trusting it, and says so in the log, for
// verifiers that still hold it.
func TestACompromisedKeyIsRevokedEverywhere(t *testing.T) {
	inRing(t, writ.Config{}, func(t *testing.T, store writ.Store, a, b *node) {
		p := start(t, a.Manager, "alice")
		stolen, kid := p.Access, verified(t, b.Manager, p.Access).KeyID()

		wrapper, err := keys.Secret(testSecret)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := keys.Load(t.Context(), keys.Config{Issuer: issuer, Vault: writ.Vault(store), Wrapper: wrapper})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ring.Replace(t.Context(), kid); err != nil {
			t.Fatal(err)
		}
		// A node that does not know yet goes on for a moment. What the others sign with the new key is good
		// everywhere at once, also where nobody has read the ring since.
		for _, pair := range [][2]*node{{a, b}, {b, a}} {
			fresh := start(t, pair[0].Manager, "bob")
			if kidOf(t, fresh.Access) == kid {
				continue
			}
			for _, n := range pair {
				if _, err := n.Verify(t.Context(), fresh.Access); err != nil {
					t.Errorf("right after the emergency a new token is refused: %v", err)
				}
			}
		}
		time.Sleep(25 * time.Second) // the vault is read every 20 s
		for _, n := range []*node{a, b} {
			if _, err := n.Verify(t.Context(), stolen); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("a token of the stolen key: %v", err)
			}
			if n.count(writ.KeyReplaced) != 1 {
				t.Errorf("told %d times that it was replaced, want once", n.count(writ.KeyReplaced))
			}
			// The client refreshes with its refresh token and goes on.
			p = renewed(t, n, p)
			if got := verified(t, n.Manager, p.Access).KeyID(); got == kid {
				t.Error("the stolen key still signs")
			}
			time.Sleep(afterWindow)
		}
		revoked := false
		store.Snapshot(t.Context(), func(e revocation.Entry) {
			revoked = revoked || e.Kind == revocation.Key && e.ID == kid && e.Before == revocation.Ended && e.Expires.IsZero()
		})
		if !revoked {
			t.Error("the log does not say that the key is revoked for ever")
		}
	})
}

// The three steps that FormerSecrets describes, node by node, with tokens going on.
func TestTheSecretChangesWithoutAnInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open()
		fresh := make([]byte, 32)
		rand.Read(fresh)
		type pair struct{ secret, former []byte }
		steps := []pair{{testSecret, nil}, {testSecret, fresh}, {fresh, testSecret}, {fresh, nil}}
		config := func(p pair) writ.Config {
			c := writ.Config{Store: store, Secret: bytes.Clone(p.secret)}
			if p.former != nil {
				c.FormerSecrets = [][]byte{bytes.Clone(p.former)}
			}
			return c
		}
		var group sync.WaitGroup
		var stops []context.CancelFunc
		begin := func(p pair) *node {
			ctx, stop := context.WithCancel(t.Context())
			stops = append(stops, stop)
			return runNode(t, ctx, &group, config(p))
		}
		a, b := begin(steps[0]), begin(steps[0])
		session := start(t, a.Manager, "alice")
		for _, step := range steps[1:] {
			for _, n := range []**node{&a, &b} {
				*n = begin(step)
				time.Sleep(2 * time.Minute)
				for _, m := range []*node{a, b} {
					if err := m.Ready(); err != nil {
						t.Fatal(err)
					}
					session = renewed(t, m, session)
					accepted(t, m.Manager, session)
				}
			}
			for _, stop := range stops[:2] { // the nodes of the step before
				stop()
			}
			stops = stops[2:]
			time.Sleep(2 * time.Minute) // the ring is sealed under what all nodes have in front now
		}
		for _, stop := range stops {
			stop()
		}
		group.Wait()
		if _, err := writ.Open(t.Context(), writ.Config{Issuer: issuer, Store: store, Secret: testSecret}); !errors.Is(err, keys.ErrOtherSecret) {
			t.Errorf("the old secret still opens the ring: %v", err)
		}
	})
}

func TestAnotherAlgorithmTakesOverWithTheNextKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open()
		var group sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		old := runNode(t, ctx, &group, writ.Config{Store: store, KeyPeriod: 4 * time.Hour})
		p := start(t, old.Manager, "alice")
		stop()
		group.Wait()
		ctx, stop = context.WithCancel(t.Context())
		defer group.Wait()
		defer stop()
		n := runNode(t, ctx, &group, writ.Config{Store: store, KeyPeriod: 4 * time.Hour, Algorithm: keys.EdDSA})
		accepted(t, n.Manager, p)
		first := verified(t, n.Manager, p.Access).KeyID()
		time.Sleep(5 * time.Hour)
		p = start(t, n.Manager, "bob")
		if verified(t, n.Manager, p.Access).KeyID() == first {
			t.Error("the old key still signs")
		}
	})
}

// req 41: a node that has not read the ring since meets a token under a key that was made this moment.
func TestANodeThatIsBehindAcceptsTheNewKeyAndDoesNotSignWithTheOld(t *testing.T) {
	store, c := memory.Open(), newClock()
	behind := open(t, store, c, writ.Config{})
	stolen := start(t, behind, "alice")
	wrapper, err := keys.Secret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Load(t.Context(), keys.Config{Issuer: issuer, Vault: writ.Vault(store), Wrapper: wrapper, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	kid := kidOf(t, stolen.Access)
	if _, err := ring.Replace(t.Context(), kid); err != nil {
		t.Fatal(err)
	}
	fresh := start(t, open(t, store, c, writ.Config{}), "bob")
	accepted(t, behind, fresh)
	if _, err := behind.Verify(t.Context(), stolen.Access); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("the stolen key's token: %v", err)
	}
	if got := kidOf(t, start(t, behind, "carol").Access); got == kid {
		t.Error("the stolen key still signs")
	}
}
