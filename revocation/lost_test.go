package revocation_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// told is what a list said that its log has lost.
type told struct {
	mu    sync.Mutex
	calls int
	lost  map[revocation.Entry]bool
	err   error
}

func (w *told) hear(_ context.Context, entries []revocation.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.err != nil {
		return w.err
	}
	for _, e := range entries {
		if w.lost == nil {
			w.lost = make(map[revocation.Entry]bool)
		}
		e.Expires = time.Time{}
		w.lost[e] = true
	}
	return nil
}

func (w *told) want(t *testing.T, calls int, lost ...revocation.Entry) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls != calls || len(w.lost) != len(lost) {
		t.Errorf("told %d times of %d entries, want %d times of %d", w.calls, len(w.lost), calls, len(lost))
	}
	for _, e := range lost {
		e.Expires = time.Time{}
		if !w.lost[e] {
			t.Errorf("an entry of kind %s that was lost is not told", e.Kind)
		}
	}
}

func TestWhatTheLogHasLostIsTold(t *testing.T) {
	entry := func(id string, before int64) revocation.Entry {
		return revocation.Entry{revocation.Session, id, before, time.Now().Add(time.Hour)}
	}
	for name, test := range map[string]func(t *testing.T, src *source, l *revocation.List, w *told){
		"all that a log which was put back does not have": func(t *testing.T, src *source, l *revocation.List, w *told) {
			src.change(func() { src.entries, src.epoch = src.entries[:1], 1 })
			src.append()
			time.Sleep(6 * time.Second)
			w.want(t, 1, entry("s2", 2), entry("s3", 3))
		},
		"an entry that has become less": func(t *testing.T, src *source, l *revocation.List, w *told) {
			src.append(entry("s1", 10))
			time.Sleep(6 * time.Second)
			src.change(func() { src.entries, src.epoch = src.entries[:3], 1 })
			src.append()
			time.Sleep(6 * time.Second)
			w.want(t, 1, entry("s1", 10))
		},
		"nothing that has expired": func(t *testing.T, src *source, l *revocation.List, w *told) {
			time.Sleep(2 * time.Hour)
			src.change(func() { src.entries, src.epoch = nil, 1 })
			src.append()
			time.Sleep(6 * time.Second)
			w.want(t, 0)
		},
		"nothing where the log was only trimmed": func(t *testing.T, src *source, l *revocation.List, w *told) {
			src.change(func() { src.epoch = 1 })
			src.append(entry("s4", 4))
			time.Sleep(6 * time.Second)
			w.want(t, 0)
		},
		"that it was put back, even if it lacks nothing": func(t *testing.T, src *source, l *revocation.List, w *told) {
			src.change(func() { src.epoch, src.putBack = 1, true })
			src.append()
			time.Sleep(6 * time.Second)
			w.want(t, 1)
		},
		"what this node wrote and the log never tells": func(t *testing.T, src *source, l *revocation.List, w *told) {
			l.Apply(entry("mine", 5))
			time.Sleep(11 * time.Second)
			w.want(t, 1, entry("mine", 5))
		},
		"nothing that this node wrote and the log tells": func(t *testing.T, src *source, l *revocation.List, w *told) {
			for range 5 {
				l.Apply(entry("mine", 5))
				src.append(entry("mine", 5))
				time.Sleep(11 * time.Second)
			}
			w.want(t, 0)
		},
		"nothing that the log told before this node knew that it had written it": func(t *testing.T, src *source, l *revocation.List, w *told) {
			src.append(entry("mine", 5))
			time.Sleep(time.Second)
			l.Apply(entry("mine", 5))
			time.Sleep(11 * time.Second)
			w.want(t, 0)
		},
		"nothing that the log tells in a greater form": func(t *testing.T, src *source, l *revocation.List, w *told) {
			l.Apply(entry("mine", 5))
			src.append(entry("mine", 7))
			time.Sleep(11 * time.Second)
			w.want(t, 0)
		},
		"again, until it has been written": func(t *testing.T, src *source, l *revocation.List, w *told) {
			w.mu.Lock()
			w.err = errors.New("down")
			w.mu.Unlock()
			l.Apply(entry("mine", 5))
			time.Sleep(11 * time.Second)
			w.mu.Lock()
			w.err, w.calls = nil, 0
			w.mu.Unlock()
			time.Sleep(2 * time.Second)
			w.want(t, 1, entry("mine", 5))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				src, w := newSource(entry("s1", 1), entry("s2", 2), entry("s3", 3)), &told{}
				l := revocation.NewList(revocation.Config{Source: src, Lost: w.hear})
				if err := l.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer run(t, l)()
				time.Sleep(10 * time.Second)
				test(t, src, l, w)
			})
		})
	}
}

// A store that loses a write while another node follows it: that node has read it.
func TestEveryListThatHasReadAnEntryTellsThatItIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, a, b := newSource(), &told{}, &told{}
		for _, w := range []*told{a, b} {
			l := revocation.NewList(revocation.Config{Source: src, Lost: w.hear})
			defer run(t, l)()
		}
		time.Sleep(time.Second)
		e := revocation.Entry{revocation.Key, "k", revocation.Ended, time.Time{}}
		src.append(e)
		time.Sleep(time.Second)
		src.change(func() { src.entries, src.epoch = nil, 1 })
		src.append()
		time.Sleep(6 * time.Second)
		a.want(t, 1, e)
		b.want(t, 1, e)
	})
}

func TestAListThatIsFullDoesNotGrowByWhatItRefuses(t *testing.T) {
	src, w := newSource(), &told{}
	l := revocation.NewList(revocation.Config{Source: src, Lost: w.hear})
	l.SetLimit(10)
	for i := range 1000 {
		l.Apply(revocation.Entry{revocation.Session, strconv.Itoa(i), revocation.Ended, time.Now().Add(time.Hour)})
	}
	if n := l.Unconfirmed(); n > 10 {
		t.Errorf("%d entries are kept beside the list", n)
	}
}
