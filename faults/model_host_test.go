package faults_test

import (
	"context"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// open opens a host anew, on the data that there are.
func (m *machine) open(r *rapid.T, h *host) {
	if h.store == nil || !m.inMemory() {
		h.store = &between{Store: m.place.open(m.scope, nil)}
	}
	h.store.begin(nil, "", nil)
	h.store.readRing = func(ok bool) {
		h.asked, h.failed = m.now(h), !ok
		if ok {
			h.ring, h.keySteps = m.now(h), m.keySteps
		}
	}
	var err error
	if h.m, err = writ.Open(context.Background(), m.config(h)); err != nil {
		r.Fatalf("%s cannot be opened: %v", h.name, err)
	}
	now := m.now(h)
	h.opened, h.listed, h.ring, h.asked, h.failed, h.keySteps = m.base, now, now, now, false, m.keySteps
	h.knows = map[*killing]certainty{}
	m.hears(h)
}

// hears notes that a host has read the whole log.
func (m *machine) hears(h *host) {
	for _, k := range m.killings {
		if !k.lost {
			h.knows[k] = knowsIt
		}
	}
}

func (m *machine) inMemory() bool { return m.place.server == nil && m.place.file == "" }

func (m *machine) config(h *host) writ.Config {
	return writ.Config{
		Issuer:      issuer,
		Store:       h.store,
		Secret:      testSecret,
		AccessTTL:   m.access,
		AbsoluteTTL: m.absolute,
		Rotation:    rotation.Policy{Idle: m.idle, Recovery: m.recovery},
		MaxStale:    m.stale,
		KeyPeriod:   m.keyPeriod,
		AskStore:    m.asks(h),
		Now:         func() time.Time { return m.now(h) },

		MaxSessions:     m.maxSessions,
		RefuseBeyondMax: m.refuse,
		Observe: func(_ context.Context, e writ.Event) {
			if e.KeyID == "" && e.Kind != writ.KeysSealed { // what happens to keys is another test
				h.events = append(h.events, e.Kind)
			}
		},
		OnIssue: func(_ context.Context, s *writ.Session) error {
			switch h.onIssue {
			case "fails":
				return errMishap
			case "refuses":
				return writ.ErrRefused
			}
			s.Claims.Scope = m.role(s.Claims.Subject)
			return nil
		},
	}
}

func (m *machine) asks(h *host) bool { return m.askStore && h == m.hosts[1] }

// keyRing is the ring that the hosts have, for an operator.
func (m *machine) keyRing(r *rapid.T) *keys.Ring {
	wrapper, err := keys.Secret(testSecret)
	if err != nil {
		r.Fatal(err)
	}
	ring, err := keys.Load(context.Background(), keys.Config{
		Issuer: issuer, Vault: writ.Vault(m.hosts[0].store.Store), Wrapper: wrapper,
		MaxTTL: token.MaxTTL, MaxStale: m.stale, Skew: modelSkew, Period: m.keyPeriod, Propagation: time.Hour,
		Now: func() time.Time { return m.base },
	})
	if err != nil {
		r.Fatalf("the key ring: %v", err)
	}
	return ring
}

func (m *machine) now(h *host) time.Time { return m.base.Add(h.off) }

func (m *machine) role(subject string) []string {
	if role := m.roles[subject]; role != "" {
		return []string{role}
	}
	return nil
}

func (m *machine) listStale(h *host) bool { return m.now(h).Sub(h.listed) > m.stale }
func (m *machine) ringStale(h *host) bool { return m.now(h).Sub(h.ring) > m.stale }
