package writ_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/sqlite"
	"github.com/writ-go/writ/token"
)

const issuer = "https://app.example"

// clock begins now and stands still until it is moved.
type clock struct {
	start time.Time
	moved atomic.Int64
}

func newClock() *clock { return &clock{start: time.Now()} }

func (c *clock) now() time.Time          { return c.start.Add(time.Duration(c.moved.Load())) }
func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

// afterWindow is when a refresh token is rotated and no longer repeated.
const afterWindow = time.Minute + time.Second

// stores are opened anew for each test; every test of behaviour runs on each.
var stores = map[string]func(t testing.TB) writ.Store{
	"memory": func(testing.TB) writ.Store { return memory.Open() },
	"sqlite": func(t testing.TB) writ.Store {
		s, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "sessions.db"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	},
}

// onEach runs a test on every store, with a Manager and its clock.
func onEach(t *testing.T, test func(t *testing.T, m *writ.Manager, c *clock)) {
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			test(t, open(t, store(t), c, writ.Config{}), c)
		})
	}
}

// open opens a Manager whose keys and revocations are good for an hour without Run.
func open(t testing.TB, s writ.Store, c *clock, config writ.Config) *writ.Manager {
	t.Helper()
	if config.Issuer == "" {
		config.Issuer = issuer
	}
	if config.Secret == nil {
		config.Secret = testSecret
	}
	config.Store, config.Now, config.MaxStale = s, c.now, time.Hour
	m, err := writ.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

var testSecret = func() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return []byte(base64.RawURLEncoding.EncodeToString(b))
}()

func start(t testing.TB, m *writ.Manager, subject string) *token.Pair {
	t.Helper()
	p, err := m.Start(t.Context(), writ.Login{Subject: subject})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refresh(t testing.TB, m *writ.Manager, raw string) *token.Pair {
	t.Helper()
	p, err := m.Refresh(t.Context(), raw, token.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func verified(t testing.TB, m *writ.Manager, raw string) *token.Verified {
	t.Helper()
	v, err := m.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// refused checks that neither half of a pair is good for anything.
func refused(t testing.TB, m *writ.Manager, p *token.Pair) {
	t.Helper()
	if _, err := m.Verify(t.Context(), p.Access); p.Access != "" && !errors.Is(err, token.ErrInvalid) {
		t.Errorf("the access token: %v, want it refused", err)
	}
	if p.Refresh == "" {
		return
	}
	if _, err := m.Refresh(t.Context(), p.Refresh, token.Client{}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("the refresh token: %v, want it refused", err)
	}
}

// accepted checks that the access token is good.
func accepted(t testing.TB, m *writ.Manager, p *token.Pair) {
	t.Helper()
	if _, err := m.Verify(t.Context(), p.Access); err != nil {
		t.Errorf("the access token: %v, want it accepted", err)
	}
}

// failing is a store that can be told to fail, before or after it has done its work, and to let
// something happen just before it saves.
type failing struct {
	writ.Store
	mu            sync.Mutex
	before, after error
	list, answer  error
	meanwhile     func()
}

// failAnswer loses the answer to the write that is under way.
func (f *failing) failAnswer(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = err
}

// failList fails List alone.
func (f *failing) failList(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = err
}

// once lets something happen before the next write.
func (f *failing) once(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meanwhile = do
}

func (f *failing) fail(before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before, f.after = before, after
}

func (f *failing) happen() {
	f.mu.Lock()
	do := f.meanwhile
	f.meanwhile = nil
	f.mu.Unlock()
	if do != nil {
		do()
	}
}

func (f *failing) errs() (before, after error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.before, f.after
}

func (f *failing) Load(ctx context.Context, id string) (writ.Row, error) {
	if err, _ := f.errs(); err != nil {
		return writ.Row{}, err
	}
	return f.Store.Load(ctx, id)
}

func (f *failing) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	before, after := f.errs()
	if before != nil {
		return writ.Row{}, before
	}
	f.happen()
	row, err := f.Store.Save(ctx, row, entries...)
	f.mu.Lock()
	after = cmp.Or(after, f.answer)
	f.answer = nil
	f.mu.Unlock()
	if err == nil && after != nil {
		return writ.Row{}, after
	}
	return row, err
}

func (f *failing) List(ctx context.Context, owner, after string, limit int) ([]writ.Row, error) {
	f.mu.Lock()
	err := errors.Join(f.before, f.list)
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Store.List(ctx, owner, after, limit)
}

func (f *failing) Append(ctx context.Context, entries ...revocation.Entry) error {
	if err, _ := f.errs(); err != nil {
		return err
	}
	f.happen()
	return f.Store.Append(ctx, entries...)
}

var errDown = errors.New("the disk is on fire")

// cookies are those that an answer sets, as a browser would send them back.
func cookies(r *http.Request, set []*http.Cookie) *http.Request {
	for _, c := range set {
		if c.MaxAge >= 0 && c.Value != "" {
			r.AddCookie(c)
		}
	}
	return r
}

func containsBytes(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

func shortIdle(d time.Duration) rotation.Policy { return rotation.Policy{Idle: d} }
