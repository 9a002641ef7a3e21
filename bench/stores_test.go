package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// What the tables of the stores say is only worth something if each operation does what it is called.
func TestEveryStoreIsMeasuredAsItSays(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			p := b.start(t)
			for name, check := range map[string]func(*testing.T, *place){
				"a refresh rotates":             refreshRotates,
				"a logout ends the session":     logoutEnds,
				"a crowd is of sessions":        crowdIsOfSessions,
				"a yardstick writes every time": yardstickWrites,
				"round trips are counted":       roundTripsAreCounted,
			} {
				t.Run(name, func(t *testing.T) { check(t, p) })
			}
		})
	}
}

func openSiteOn(t *testing.T, p *place, name string) *site {
	t.Helper()
	store, err := p.open(t.Context(), p.address, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, err := openSite(t.Context(), store, newClock(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func startAll(t *testing.T, s *site, n int) []string {
	t.Helper()
	raws, d, err := s.startMany(t.Context(), 4, times(n))
	if err != nil || d.n != n || len(raws) != n {
		t.Fatalf("%d of %d sign-ins, %d tokens, error %v", d.n, n, len(raws), err)
	}
	return raws
}

func refreshRotates(t *testing.T, p *place) {
	s := openSiteOn(t, p, "refresh")
	raws := startAll(t, s, 40)
	s.enqueue(raws, 4)
	const turns = 5
	if d, err := together(4, times(turns*len(raws)), func(int) error { return s.refreshNext(t.Context()) }); err != nil || d.n != turns*len(raws) {
		t.Fatalf("%d refreshes, error %v", d.n, err)
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
	// That all have rotated more than once, the first tokens show: they are too old for an honest client.
	if _, err := s.Refresh(t.Context(), raws[0], client); !errors.Is(err, token.ErrReused) {
		t.Errorf("the first token of a session gives %v, and should be taken for stolen", err)
	}
	if s.check() == nil {
		t.Error("the theft raised no alarm: one in the middle of a run would not be noticed")
	}
}

func TestARefreshTooSoonIsNoticed(t *testing.T) {
	s := openSiteOn(t, startMemory(t), "")
	raws := startAll(t, s, 1)
	if _, err := s.rotate(t.Context(), raws[0]); err == nil {
		t.Error("a refresh that repeats is counted as one that rotates")
	}
}

func logoutEnds(t *testing.T, p *place) {
	s := openSiteOn(t, p, "logout")
	raws := startAll(t, s, 20)
	if d, err := s.logoutAll(t.Context(), 4, raws); err != nil || d.n != len(raws) {
		t.Fatalf("%d logouts, error %v", d.n, err)
	}
	s.clock.advance(window)
	for _, raw := range raws {
		if _, err := s.Refresh(t.Context(), raw, client); !errors.Is(err, token.ErrRevoked) {
			t.Fatalf("a refresh after the logout gives %v", err)
		}
	}
}

func crowdIsOfSessions(t *testing.T, p *place) {
	const size = 200
	ctx := t.Context()
	if err := p.hurry(ctx); err != nil {
		t.Fatal(err)
	}
	c, stop, err := openCrowd(ctx, p, "crowd", size)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.settle(ctx); err != nil {
		t.Error(err)
	}
	has := func(subject string, want int) {
		t.Helper()
		if list, err := c.site.Sessions(ctx, subject); err != nil || len(list) != want {
			t.Errorf("%s has %d sessions, error %v, want %d", subject, len(list), err, want)
		}
	}
	for i := range size / ofEach {
		has(c.subject(i), ofEach)
	}
	// As many as there may be: each session once, each subject once.
	for range size / 2 {
		if err := c.refresh(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range size / ofEach / 2 {
		if err := c.signIn(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i := range size / ofEach {
		has(c.subject(i), ofEach)
	}
	if err := errors.Join(c.start(ctx), c.list(ctx)); err != nil {
		t.Error(err)
	}
	has("user-0000000001", 1)

	if err := c.die(ctx); err != nil {
		t.Fatal(err)
	}
	dead := c.row(2 * size)
	if _, err := c.site.store.Load(ctx, dead.ID); err != nil {
		t.Errorf("an expired row before the purge: %v", err)
	}
	if err := c.purge(ctx); err != nil {
		t.Error(err)
	}
	if _, err := c.site.store.Load(ctx, dead.ID); !errors.Is(err, writ.ErrNotFound) {
		t.Errorf("an expired row after the purge: %v", err)
	}
	has(c.subject(0), ofEach)
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func yardstickWrites(t *testing.T, p *place) {
	y, err := p.yardstick(t.Context(), 4, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer y.close()
	const n = rawRows + 100
	if d, err := together(4, times(n), func(int) error { return y.do(t.Context()) }); err != nil || d.n != n {
		t.Errorf("%d swaps, error %v", d.n, err)
	}
}

func roundTripsAreCounted(t *testing.T, p *place) {
	trips, err := countTrips(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]float64{"refresh": trips.refresh, "sign-in": trips.start, "logout": trips.logout, "list": trips.list} {
		if p.address == "" && n != 0 || p.address != "" && (n < 1 || n > 4) {
			t.Errorf("%s: %v round trips", what, n)
		}
	}
}

func TestWithoutItsServerAStoreIsNotMeasured(t *testing.T) {
	h := &host{}
	missing := backend{name: "nowhere", title: "Nowhere", start: func(t testing.TB) *place { t.Skipf("nowhere is not installed"); return nil }}
	s, err := openStand(t.Context(), h, missing)
	if err != nil || !errors.Is(s.missing, errMissing) {
		t.Fatalf("error %v, missing %v", err, s.missing)
	}
	var out strings.Builder
	for _, write := range []func(*strings.Builder){
		func(w *strings.Builder) { writeRefreshes(w, []*stand{s}) },
		func(w *strings.Builder) { writeVisits(w, []*stand{s}) },
		func(w *strings.Builder) { writeTrips(w, []*stand{s}) },
		func(w *strings.Builder) { crowded(t.Context(), w, missing, 1, []int{100}) },
	} {
		out.Reset()
		if write(&out); !strings.Contains(out.String(), "not measured: nowhere is not installed") {
			t.Errorf("the table says:\n%s", &out)
		}
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

func TestAFailureOfAServerIsAnError(t *testing.T) {
	h := &host{}
	if err := h.on(func(t testing.TB) { t.Fatalf("it %s", "fell") }); err == nil || errors.Is(err, errMissing) {
		t.Errorf("error %v", err)
	}
	h.Cleanup(func() { h.Fatal("it fell again") })
	if err := h.close(); err == nil {
		t.Error("what fails at the end is not told")
	}
}

func TestTogetherCountsWhatWasDone(t *testing.T) {
	failed := errors.New("the seventh")
	d, err := together(3, times(100), func(i int) error {
		if i == 6 {
			return failed
		}
		return nil
	})
	if !errors.Is(err, failed) || d.n < 6-2 || d.n > 100 {
		t.Errorf("%d done, error %v", d.n, err)
	}
	if d, err := together(3, lasting(0), func(int) error { return nil }); err != nil || d.n == 0 {
		t.Errorf("%d done in no time, error %v", d.n, err)
	}
	if d, err := together(3, times(100), func(int) error { return nil }); err != nil || d.n != 100 || d.took <= 0 {
		t.Errorf("%d of 100 done in %v, error %v", d.n, d.took, err)
	}
}
