package redis_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/redis"
)

func TestNumbersAreExactToTheLast(t *testing.T) {
	t.Parallel()
	s := open(t, shared(t))
	numbers := []int64{1, 2, 9, 10, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<62 - 1, math.MaxInt64 - 1, math.MaxInt64}
	for i, before := range numbers { // each is greater than the one before it
		e := revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: before, Expires: time.UnixMicro(before)}
		if before > 1<<62 {
			e.Expires = time.Time{} // and 1<<62 is already in the year 148108
		}
		appendTo(t, s, e)
		if i > 0 {
			appendTo(t, s, revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: numbers[i-1], Expires: time.UnixMicro(numbers[i-1])})
		}
		all, _ := snapshot(t, s)
		if got := all["alice"]; got.Before != before || !got.Expires.Equal(e.Expires) {
			t.Errorf("before %d, expires %v; want %d, %v", got.Before, got.Expires, before, e.Expires)
		}
		row := save(t, s, writ.Row{ID: fmt.Sprint(i), Owner: "alice", Expires: e.Expires})
		if row.Cutoff != before {
			t.Errorf("cutoff %d, want %d", row.Cutoff, before)
		}
		if got, err := s.Load(t.Context(), row.ID); err != nil || !got.Expires.Equal(e.Expires) || got.Cutoff != before {
			t.Errorf("Load: expires %v, cutoff %d, error %v; want %v, %d", got.Expires, got.Cutoff, err, e.Expires, before)
		}
		row.Cutoff--
		if _, err := s.Save(t.Context(), row); !errors.Is(err, writ.ErrConflict) {
			t.Errorf("Save with a cutoff of one less than %d: error %v, want ErrConflict", before, err)
		}
	}
}

func TestTimesBefore1970AndBeyondMicrosecondsAreKeptInOrder(t *testing.T) {
	t.Parallel()
	s := open(t, shared(t))
	old := time.Date(-9999, 1, 1, 0, 0, 0, 0, time.UTC)
	save(t, s, writ.Row{ID: "oldest", Expires: time.Date(-290_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	save(t, s, writ.Row{ID: "old", Expires: old})
	save(t, s, writ.Row{ID: "last", Expires: time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	if _, err := s.Purge(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), "oldest"); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("the oldest: error %v, want ErrNotFound", err)
	}
	for _, id := range []string{"old", "last"} {
		if _, err := s.Load(t.Context(), id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestATailThatLiesTooFarBehindIsAGap(t *testing.T) { // req 61
	t.Parallel()
	s := open(t, shared(t))
	_, cursor := snapshot(t, s)
	for n := range 3 {
		batch := make([]revocation.Entry, 10_000)
		for i := range batch {
			batch[i] = entry(fmt.Sprint(n, "-", i))
		}
		appendTo(t, s, batch...)
		entries, err := now(s, cursor)
		if n < 2 && (err != nil || len(entries) != (n+1)*10_000) {
			t.Errorf("%d entries, error %v; want %d", len(entries), err, (n+1)*10_000)
		}
		if n == 2 && (!errors.Is(err, revocation.ErrGap) || errors.Is(err, revocation.ErrRegressed)) {
			t.Errorf("error %v, want ErrGap and not ErrRegressed: nothing was lost", err)
		}
	}
	if all, _ := snapshot(t, s); len(all) != 30_000 {
		t.Errorf("%d entries in the snapshot, want 30,000", len(all))
	}
}

func TestACursorOlderThanTheTrailIsAGap(t *testing.T) { // req 61
	t.Parallel()
	c := shared(t)
	s := open(t, c)
	_, cursor := snapshot(t, s)
	appendTo(t, s, entry("s1"))
	appendTo(t, s, entry("s2"))
	a := admin(t, servers.SharedRedis(t).Addr())
	do(t, a, "XTRIM", "{"+c.Prefix+"}:trail", "MAXLEN", 1)
	if _, err := now(s, cursor); !errors.Is(err, revocation.ErrGap) || errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("error %v, want ErrGap and not ErrRegressed: it may have been trimmed", err)
	}
}

func TestTheTrailIsTrimmed(t *testing.T) {
	t.Parallel()
	c := shared(t)
	s := open(t, c)
	a := admin(t, servers.SharedRedis(t).Addr())
	trail, head := "{"+c.Prefix+"}:trail", "{"+c.Prefix+"}:head"
	do(t, a, "EVAL", `for i = 2, 70000 do redis.call('XADD', KEYS[1], i .. '-0', 't', 'x') end
		redis.call('HSET', KEYS[2], 'seq', '70000') return 1`, 2, trail, head)
	appendTo(t, s, entry("s1"))
	if n := do(t, a, "XLEN", trail).(int64); n < 65_536 || n > 66_000 {
		t.Errorf("the trail has %d places, want about 65,536", n)
	}
}

// req 61: the log lost a place that it had given out.
func TestAStorePutBackToAnOlderCopyHasRegressed(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	appendTo(t, s, entry("kept"))
	_, kept := snapshot(t, s)
	server.Copy()
	until(t, "Append", func() error { return s.Append(t.Context(), entry("lost"), entry("lost too"), entry("and this")) })
	_, lost := snapshot(t, s)
	server.PutBack()

	var entries []revocation.Entry
	until(t, "Tail from a place that is there", func() (err error) {
		ctx, cancel := contextOf(300 * time.Millisecond)
		defer cancel()
		entries, _, err = s.Tail(ctx, kept)
		return err
	})
	if len(entries) != 0 {
		t.Errorf("%d entries, want none", len(entries))
	}
	for _, meanwhile := range [][]revocation.Entry{
		nil,                                  // the head is lower
		{entry("a")},                         // still
		{entry("b"), entry("c"), entry("d")}, // the place lies between two
		{entry("e")},
	} {
		if len(meanwhile) > 0 {
			appendTo(t, s, meanwhile...)
		}
		if _, err := now(s, lost); !errors.Is(err, revocation.ErrRegressed) {
			t.Errorf("error %v, want ErrRegressed", err)
		}
	}
	if entries, err := now(s, kept); err != nil || len(entries) != 5 {
		t.Errorf("Tail from a place that is there: %d entries, error %v; want 5", len(entries), err)
	}
	all, cursor := snapshot(t, s)
	if len(all) != 6 {
		t.Errorf("%d entries in the snapshot, want 6", len(all))
	}
	appendTo(t, s, entry("lost"))
	if entries, err := now(s, cursor); err != nil || len(entries) != 1 {
		t.Errorf("%d entries, error %v; want the one that was appended again", len(entries), err)
	}
}

func TestOfTwoLogsThatPartedThePlacesAreTold(t *testing.T) { // req 61
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	server.Copy()
	until(t, "Append", func() error { return s.Append(t.Context(), entry("one way")) })
	_, lost := snapshot(t, s)
	server.PutBack()
	until(t, "Append", func() error { return s.Append(t.Context(), entry("the other way")) })
	for range 2 { // as the head, and before it
		if _, err := now(s, lost); !errors.Is(err, revocation.ErrRegressed) {
			t.Errorf("error %v, want ErrRegressed: the place has the same number and another tag", err)
		}
		appendTo(t, s, entry("more"))
	}
}

func TestAnEmptiedServerIsNoAnswer(t *testing.T) { // req 60, 61
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))
	_, cursor := snapshot(t, s)
	do(t, admin(t, server.Addr()), "FLUSHALL")

	_, err := s.Load(t.Context(), "s1")
	wantBroken(t, "Load", err)
	_, err = s.Save(t.Context(), row)
	wantBroken(t, "Save", err)
	_, err = s.List(t.Context(), "alice", "", 10)
	wantBroken(t, "List", err)
	wantBroken(t, "Append", s.Append(t.Context(), entry("s2")))
	_, err = s.Purge(t.Context(), time.Now())
	wantBroken(t, "Purge", err)
	if _, err := now(s, cursor); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail: error %v, want ErrRegressed", err)
	}

	all, _ := snapshot(t, s) // what a follower does then; it begins the log anew
	if len(all) != 0 {
		t.Errorf("%d entries, want none", len(all))
	}
	if _, err := s.Load(t.Context(), "s1"); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("Load: error %v, want ErrNotFound", err)
	}
	if _, err := now(s, cursor); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail: error %v, want ErrRegressed", err)
	}
	appendTo(t, s, entry("s1"), entry("s2"), entry("s3"))
	if _, err := now(s, cursor); !errors.Is(err, revocation.ErrRegressed) {
		t.Errorf("Tail: error %v, want ErrRegressed", err)
	}
}

func TestALogThatLostItsHeadAloneGoesOnAboveWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := shared(t)
	s := open(t, c)
	appendTo(t, s, entry("s1"), entry("s2"))
	do(t, admin(t, servers.SharedRedis(t).Addr()), "DEL", "{"+c.Prefix+"}:head")
	all, cursor := snapshot(t, s)
	if len(all) != 2 {
		t.Errorf("%d entries, want 2", len(all))
	}
	appendTo(t, s, entry("s3"))
	if entries, err := now(s, cursor); err != nil || len(entries) != 1 || entries[0].ID != "s3" {
		t.Errorf("%d entries, error %v; want the new one", len(entries), err)
	}
}

func TestTheBeatIsRenewedByTheServersClock(t *testing.T) { // req 62
	t.Parallel()
	c := shared(t)
	s := open(t, c)
	_, cursor := snapshot(t, s)
	a := admin(t, servers.SharedRedis(t).Addr())
	head := "{" + c.Prefix + "}:head"
	clock := a.Time(t.Context()).Val().Unix()
	for _, c := range []struct {
		name  string
		beat  int64
		renew bool
	}{
		{"an old one is", clock - 6, true},
		{"one from a clock that is ahead is", clock + 60, true},
		{"a young one is not", clock - 2, false},
	} {
		do(t, a, "HSET", head, "beat", c.beat)
		ctx, cancel := contextOf(100 * time.Millisecond)
		_, _, err := s.Tail(ctx, cursor)
		cancel()
		if err != nil {
			t.Fatalf("Tail: %v", err)
		}
		got, err := a.HGet(t.Context(), head, "beat").Int64()
		if err != nil || (got != c.beat) != c.renew || c.renew && (got < clock || got > clock+30) {
			t.Errorf("%s renewed: the beat %d became %d, error %v", c.name, c.beat, got, err)
		}
	}
}
