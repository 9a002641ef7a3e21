package keys_test

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// memory is a Vault in memory, which can go back and fail.
type memory struct {
	mu       sync.Mutex
	doc      []byte
	version  uint64
	last     uint64 // version ever
	saves    int
	readOnly error // what Save answers
	lateness error // what Save answers after it has saved
	onSave   func()
}

func (m *memory) Load(context.Context) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.doc), m.version, nil
}

func (m *memory) Save(ctx context.Context, doc []byte, ifVersion uint64) (uint64, error) {
	if m.onSave != nil {
		m.onSave()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case m.readOnly != nil:
		return 0, m.readOnly
	case m.version != ifVersion:
		return 0, keys.ErrConflict
	}
	m.last++
	m.doc, m.version, m.saves = bytes.Clone(doc), m.last, m.saves+1
	return m.version, m.lateness
}

// copy is what the vault holds; put puts it back.
func (m *memory) copy() []byte {
	doc, _, _ := m.Load(context.Background())
	return doc
}

func (m *memory) put(doc []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	m.doc, m.version = doc, m.last
}

// ring is the ring in a document.
func (m *memory) ring(t testing.TB) object {
	t.Helper()
	var d struct{ Ring object }
	check(t, json.Unmarshal(m.copy(), &d))
	return d.Ring
}

// fleet is a vault, a clock that stands until it is moved, and a configuration of both.
type fleet struct {
	*memory
	*clock
	keys.Config
}

const (
	stale  = time.Minute
	lead   = time.Hour + stale + 10*time.Second // J + S + 2 skew, by default
	period = 30 * 24 * time.Hour
	leaves = stale + time.Hour + time.Minute + 10*time.Second // S + T + K + 2 skew, after a key has retired
)

// newFleet has the default configuration, after change.
func newFleet(t testing.TB, change func(*keys.Config)) *fleet {
	f := &fleet{memory: new(memory), clock: newClock()}
	f.Config = keys.Config{Issuer: issuer, Vault: f.memory, Wrapper: wrapper(t), Now: f.clock.now}
	if change != nil {
		change(&f.Config)
	}
	return f
}

// open is one more process.
func (f *fleet) open(t testing.TB) *keys.Ring {
	t.Helper()
	r, err := keys.Open(context.Background(), f.Config)
	check(t, err)
	return r
}

// stepped moves the clock and steps every ring.
func (f *fleet) stepped(t testing.TB, d time.Duration, rings ...*keys.Ring) {
	t.Helper()
	f.add(d)
	for _, r := range rings {
		_, err := r.Step(context.Background())
		check(t, err)
	}
}

func signs(t testing.TB, r *keys.Ring) string {
	t.Helper()
	k, err := r.Signing()
	check(t, err)
	return k.ID()
}

// states are the states of the signing keys, in order of activation.
func states(r *keys.Ring) (list []keys.State) {
	for _, k := range r.Timeline() {
		list = append(list, k.State)
	}
	return list
}
