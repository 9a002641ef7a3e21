package revocation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// source is a log in memory that can be cut off and put back to an older copy of itself.
type source struct {
	mu      sync.Mutex
	entries []revocation.Entry
	epoch   int  // a cursor of another epoch is a gap
	putBack bool // and the source is sure why
	err     error
	asked   int
	come    chan struct{}
}

func newSource(entries ...revocation.Entry) *source {
	return &source{entries: entries, come: make(chan struct{})}
}

func (s *source) append(entries ...revocation.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = append(s.entries, entries...)
	close(s.come)
	s.come = make(chan struct{})
}

func (s *source) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *source) Snapshot(_ context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	for _, e := range s.entries {
		add(e)
	}
	return s.cursor(), nil
}

func (s *source) cursor() revocation.Cursor {
	return revocation.Cursor(fmt.Sprintf("%d/%d", s.epoch, len(s.entries)))
}

func (s *source) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	for {
		s.mu.Lock()
		s.asked++
		var epoch, n int
		fmt.Sscanf(string(after), "%d/%d", &epoch, &n)
		err, come, cursor := s.err, s.come, s.cursor()
		if err == nil && (epoch != s.epoch || n > len(s.entries)) {
			err = revocation.ErrGap
			if s.putBack {
				err = revocation.ErrRegressed
			}
		}
		var tail []revocation.Entry
		if err == nil {
			tail = append(tail, s.entries[n:]...)
		}
		s.mu.Unlock()
		if err != nil || len(tail) > 0 {
			return tail, cursor, err
		}
		select {
		case <-come:
		case <-ctx.Done():
			return nil, after, nil
		}
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type key struct{ *keys.Private }

func (k key) Signing() (*keys.Private, error)             { return k.Private, nil }
func (k key) Public(string, string) (*keys.Public, error) { return k.Private.Public(), nil }

// mint makes real verified tokens.
type mint struct {
	issuer   *token.Issuer
	verifier *token.Verifier
}

func newMint(t testing.TB) mint {
	t.Helper()
	private, err := keys.Generate(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	return mintWith(t, private)
}

func mintWith(t testing.TB, private *keys.Private) mint {
	t.Helper()
	issuer, err := token.NewIssuer(token.IssuerConfig{Issuer: "i", Audience: "a", Keys: key{private}})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier(token.VerifierConfig{
		Issuer: "i", Audience: "a", Keys: key{private}, UntilExpiry: true, Now: func() time.Time { return start },
	})
	if err != nil {
		t.Fatal(err)
	}
	return mint{issuer, verifier}
}

func (m mint) token(t testing.TB, subject, session string, stamp int64) *token.Verified {
	t.Helper()
	raw, err := m.issuer.Issue(token.Claims{Subject: subject, SessionID: session}, start, start.Add(time.Minute), stamp)
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.verifier.Verify(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func load(t testing.TB, s revocation.Source) *revocation.List {
	t.Helper()
	l := revocation.NewList(revocation.Config{Source: s})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneRuleForEverythingThatCanBeRevoked(t *testing.T) { // req 59
	v := newMint(t).token(t, "alice", "s1", 1000)
	later := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		entries []revocation.Entry
		want    bool
	}{
		"nothing":                         {nil, false},
		"the token":                       {[]revocation.Entry{{revocation.Token, v.ID(), revocation.Ended, later}}, true},
		"another token":                   {[]revocation.Entry{{revocation.Token, "x", revocation.Ended, later}}, false},
		"the session":                     {[]revocation.Entry{{revocation.Session, "s1", revocation.Ended, later}}, true},
		"another session":                 {[]revocation.Entry{{revocation.Session, "s2", revocation.Ended, later}}, false},
		"the session's name as a subject": {[]revocation.Entry{{revocation.Subject, "s1", revocation.Ended, later}}, false},
		"the key, for ever":               {[]revocation.Entry{{revocation.Key, v.KeyID(), revocation.Ended, time.Time{}}}, true},
		"the subject before":              {[]revocation.Entry{{revocation.Subject, "alice", 999, later}}, false},
		"the subject at the same stamp":   {[]revocation.Entry{{revocation.Subject, "alice", 1000, later}}, true},
		"a session told to refresh":       {[]revocation.Entry{{revocation.Session, "s1", 1000, later}}, true},
		"everything before":               {[]revocation.Entry{{revocation.Everything, "", 999, later}}, false},
		"everything":                      {[]revocation.Entry{{revocation.Everything, "", 1000, later}}, true},
		// CVE-2026-18218: one cutoff hid the other.
		"a low cutoff beside a high one":  {[]revocation.Entry{{revocation.Subject, "alice", 5, later}, {revocation.Everything, "", 2000, later}}, true},
		"a high cutoff, then a lower one": {[]revocation.Entry{{revocation.Subject, "alice", 2000, later}, {revocation.Subject, "alice", 5, later}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := load(t, newSource(test.entries...)).Revoked(v); got != test.want {
				t.Errorf("revoked is %v, want %v", got, test.want)
			}
		})
	}
}

func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	v := newMint(t).token(t, "alice", "s1", 1000)
	entries := []revocation.Entry{
		{revocation.Subject, "alice", 10, start}, {revocation.Subject, "alice", 5000, start}, {revocation.Subject, "alice", 999, start.Add(time.Hour)},
		{revocation.Session, "s1", 3, start},
	}
	for range 50 {
		rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		l := load(t, newSource(entries[0], entries[1]))
		l.Apply(append(entries, entries...)...)
		if revoked, _ := l.Revoked(v); !revoked || l.Before(revocation.Subject, "alice") != 5000 {
			t.Fatal("the greatest Before does not win")
		}
	}
}

func TestAListThatNeverLoadedKnowsNothing(t *testing.T) { // req 63
	src := newSource()
	src.err = errors.New("down")
	l := revocation.NewList(revocation.Config{Source: src})
	if err := l.Load(t.Context()); err == nil {
		t.Fatal("Load says nothing of a source that failed")
	}
	if _, asOf := l.Revoked(newMint(t).token(t, "alice", "s1", 1)); !asOf.IsZero() {
		t.Error("a list that never loaded claims to be complete")
	}
	if s := l.Stats(); s.Err == nil || !s.AsOf.IsZero() {
		t.Errorf("stats %+v hide it", s)
	}
}

// run follows src in a bubble of fake time until stop is called.
func run(t *testing.T, l *revocation.List) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	}
}

func TestRunFollowsTheLog(t *testing.T) { // req 58
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		l := load(t, src)
		defer run(t, l)()
		time.Sleep(time.Minute)
		src.append(revocation.Entry{revocation.Session, "s1", revocation.Ended, time.Now().Add(time.Hour)})
		synctest.Wait()
		if l.Before(revocation.Session, "s1") != revocation.Ended {
			t.Error("an entry is not in the list when the log has it")
		}
		if age := time.Since(l.AsOf()); age > 6*time.Second {
			t.Errorf("an idle list is %s old", age)
		}
	})
}

func TestASourceThatFailsMakesTheListOldAndLosesNothing(t *testing.T) { // req 61, 62
	synctest.Test(t, func(t *testing.T) {
		src := newSource(revocation.Entry{revocation.Session, "s1", revocation.Ended, time.Now().Add(time.Hour)})
		l := load(t, src)
		defer run(t, l)()
		time.Sleep(10 * time.Second)
		src.change(func() { src.err = errors.New("down") })
		src.append()
		synctest.Wait()
		before := l.AsOf()
		var asked, asks int
		src.change(func() { asked = src.asked })
		time.Sleep(time.Minute)
		if !l.AsOf().Equal(before) || l.Stats().Err == nil {
			t.Error("a list that nothing feeds looks complete")
		}
		src.change(func() { asks = src.asked - asked })
		if asks < 10 || asks > 120 {
			t.Errorf("a source that failed was asked %d times in a minute", asks)
		}
		if l.Before(revocation.Session, "s1") != revocation.Ended {
			t.Error("an entry was lost")
		}
		src.change(func() { src.err = nil })
		src.append(revocation.Entry{revocation.Session, "s2", revocation.Ended, time.Now().Add(time.Hour)})
		time.Sleep(3 * time.Second)
		if l.Before(revocation.Session, "s2") == 0 || l.Stats().Err != nil || time.Since(l.AsOf()) > 6*time.Second {
			t.Error("the list did not recover")
		}
	})
}

func TestAStoreThatWasPutBackUndoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := newSource(revocation.Entry{revocation.Session, "s1", revocation.Ended, time.Now().Add(time.Hour)})
		l := load(t, src)
		defer run(t, l)()
		src.change(func() { src.entries, src.epoch = nil, 1 })
		src.append(revocation.Entry{revocation.Session, "s2", revocation.Ended, time.Now().Add(time.Hour)})
		time.Sleep(10 * time.Second)
		if l.Before(revocation.Session, "s1") != revocation.Ended {
			t.Error("an entry that the store has lost was lost here too")
		}
		if l.Before(revocation.Session, "s2") != revocation.Ended {
			t.Error("the list stopped following")
		}
	})
}

func TestEntriesLeaveByExpiryOnly(t *testing.T) { // req 61
	synctest.Test(t, func(t *testing.T) {
		src := newSource()
		for i := range 5000 {
			src.entries = append(src.entries, revocation.Entry{revocation.Session, strconv.Itoa(i), revocation.Ended, time.Now().Add(time.Duration(i) * time.Second)})
		}
		src.entries = append(src.entries, revocation.Entry{revocation.Key, "k", revocation.Ended, time.Time{}})
		l := load(t, src)
		defer run(t, l)()
		if n := l.Stats().Entries; n != 5001 {
			t.Fatalf("%d entries", n)
		}
		time.Sleep(1000 * time.Second)
		for i := range 5000 {
			if gone := l.Before(revocation.Session, strconv.Itoa(i)) == 0; gone && i > 1000 {
				t.Fatalf("entry %d left before its time", i)
			}
		}
		if n := l.Stats().Entries; n > 4100 {
			t.Errorf("%d entries: those that expired were not dropped", n)
		}
		time.Sleep(2 * time.Hour)
		if n := l.Stats().Entries; n != 1 || l.Before(revocation.Key, "k") == 0 {
			t.Errorf("%d entries, want the key's alone", n)
		}
	})
}

func TestEntriesLeaveAfterTheClockWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set atomic.Int64 // by so much
		l := revocation.NewList(revocation.Config{Source: newSource(), Now: func() time.Time { return time.Now().Add(time.Duration(set.Load())) }})
		defer run(t, l)()
		for _, by := range []time.Duration{0, -24 * time.Hour, 365 * 24 * time.Hour} {
			time.Sleep(10 * time.Minute)
			set.Store(int64(by))
			l.Apply(revocation.Entry{revocation.Session, "s1", revocation.Ended, time.Now().Add(by + time.Minute)})
			time.Sleep(3 * time.Minute)
			if n := l.Stats().Entries; n != 0 {
				t.Errorf("%d entries three minutes after the clock was set by %s", n, by)
			}
		}
	})
}

func TestReadersBesideWriters(t *testing.T) {
	l := load(t, newSource())
	v := newMint(t).token(t, "alice", "s1", 1000)
	l.Apply(revocation.Entry{revocation.Session, "s1", revocation.Ended, time.Now().Add(time.Hour)})
	var group sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if revoked, _ := l.Revoked(v); !revoked {
					t.Error("a revoked token was let through beside a writer")
					return
				}
			}
		})
	}
	for i := range 5000 {
		l.Apply(revocation.Entry{revocation.Session, strconv.Itoa(i), revocation.Ended, time.Now().Add(time.Hour)})
	}
	close(stop)
	group.Wait()
	if n := l.Stats().Entries; n != 5001 {
		t.Errorf("%d entries, want 5001", n)
	}
}

func TestEntriesThatNameNothingAreNotValid(t *testing.T) {
	for name, test := range map[string]struct {
		entry revocation.Entry
		want  bool
	}{
		"a session":                  {revocation.Entry{Kind: revocation.Session, ID: "s", Before: revocation.Ended}, true},
		"everything":                 {revocation.Entry{Kind: revocation.Everything, Before: 1}, true},
		"no kind":                    {revocation.Entry{ID: "s", Before: 1}, false},
		"a kind that does not exist": {revocation.Entry{Kind: 9, ID: "s", Before: 1}, false},
		"a session without a name":   {revocation.Entry{Kind: revocation.Session, Before: 1}, false},
		"everything with a name":     {revocation.Entry{Kind: revocation.Everything, ID: "x", Before: 1}, false},
		"before nothing":             {revocation.Entry{Kind: revocation.Subject, ID: "x"}, false},
	} {
		if got := revocation.Check([]revocation.Entry{test.entry}) == nil; got != test.want {
			t.Errorf("%s: valid is %v, want %v", name, got, test.want)
		}
	}
}

func ExampleList() {
	ctx := context.Background()
	list := revocation.NewList(revocation.Config{Source: newSource()}) // a store in a real program
	if err := list.Load(ctx); err != nil {
		fmt.Println(err)
		return
	}
	list.Apply(revocation.Entry{
		Kind:    revocation.Session,
		ID:      "a session",
		Before:  revocation.Ended,
		Expires: time.Now().Add(time.Hour),
	})
	fmt.Println(list.Stats().Entries)
	// Output: 1
}
