package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

// alone is one API node and one issuer node, 10 ms apart, whose work costs nothing.
func alone(change ...func(*setup)) (setup, costs) {
	s := usual("alone")
	s.nodes, s.issuers, s.rate, s.live = 1, 1, 0, 0
	s.near, s.far = 10*time.Millisecond, 10*time.Millisecond
	s.first, s.length = 10*time.Second, 100*time.Second
	for _, f := range change {
		f(&s)
	}
	return s, costs{recordBytes: 20, answerBytes: 1000}
}

func near(t *testing.T, what string, got, want, off float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > off {
		t.Errorf("%s: %g, want %g", what, got, want)
	}
}

func TestWhoHearsNothingAsksEveryTwoSeconds(t *testing.T) {
	r := newWorld(alone()).run()
	period := (feedWait + 20*time.Millisecond).Seconds()
	near(t, "requests/s", r.requests, 1/period, 0.02) // one more or less in 100 s
	near(t, "bytes/s", r.bytes, 1000/period, 20)
	near(t, "bytes/s of the node", r.nodeBytes, 1000/period, 20)
	if r.hits+r.missed > 0 || r.failed > 0 || r.taken > 0 {
		t.Errorf("hits %d, misses %d, snapshots %d and %d that failed", r.hits, r.missed, r.taken, r.failed)
	}
	if oldest := slices.Max(r.ages.y); oldest < 3 || oldest > 4.2 {
		t.Errorf("the list was as of %.1f s ago", oldest)
	}
}

func TestWhoWaitsHearsAtOnce(t *testing.T) {
	r := newWorld(alone(func(s *setup) { s.rate = 0.5 })).run()
	way := (10*time.Millisecond + gather).Seconds()
	near(t, "the shortest way", r.delay.at(0), way, 0.0002)
	near(t, "the usual way", r.delay.at(500), way, 0.0002)
	if r.delay.at(1000) > 0.056 { // the logout that comes when others just have waits for a round, there and back
		t.Errorf("the longest way is %g s", r.delay.at(1000))
	}
}

func TestWhoAlwaysHearsAsksOnceARound(t *testing.T) {
	busy := func(s *setup) { s.rate = 5000 }
	r := newWorld(alone(busy)).run()
	near(t, "requests/s", r.requests, 1/together.Seconds(), 0.1)
	near(t, "answers made a second", r.encodes, 40, 0.1)
	near(t, "bytes/s", r.bytes, 40*1000+5000*20, 1000)

	far := func(s *setup) { s.near, s.far = 100*time.Millisecond, 100*time.Millisecond }
	r = newWorld(alone(busy, far)).run()
	trip := 0.200 // there and back, and what came meanwhile is shown
	near(t, "requests/s from afar", r.requests, 1/trip, 0.2)
	near(t, "bytes/s from afar", r.bytes, 1000/trip+5000*20, 1000)
}

// The more follow, the longer a round is.
func TestANodeGivesOnlySoManyAnswers(t *testing.T) {
	s, c := alone(func(s *setup) { s.nodes, s.rate, s.length = 5000, 2000, 2*time.Second })
	r := newWorld(s, c).run()
	near(t, "requests/s", r.requests, float64(time.Second/eachTakes), 5000)
	if r.encodes > 2*1/(5000*eachTakes).Seconds() {
		t.Errorf("%g answers made a second", r.encodes)
	}
}

// Those who want a snapshot at the same moment get it some at a time, and all do.
func TestAdmission(t *testing.T) {
	s, c := alone(func(s *setup) {
		s.nodes, s.live, s.resnap, s.admit, s.network.issuer, s.length = 300, 100_000, true, 5, 12.5e6, 120*time.Second
	})
	r := newWorld(s, c).run()
	if r.taken != 300 || r.load.at(1000) < 48 || r.load.at(1000) > 80 || r.wasted > 0 { // 2 MB each, at 12.5 MB/s
		t.Errorf("%d taken, the last after %g s, %g B/s wasted", r.taken, r.load.at(1000), r.wasted)
	}
}

func TestOneAnswerIsMadeForAllWhoWait(t *testing.T) {
	s, c := alone(func(s *setup) { s.nodes, s.rate, s.length = 500, 0.2, 50*time.Second })
	w := newWorld(s, c)
	r := w.run()
	logouts := len(w.log)
	made := int(w.all[0].encodes)
	// Without news an answer is made once a second at most.
	if most := 2*logouts + int((s.first + s.length).Seconds()); made > most {
		t.Errorf("%d answers made for %d logouts and %d nodes, want %d at most", made, logouts, s.nodes, most)
	}
	if math.IsInf(r.delay.at(1000), 1) {
		t.Error("somebody has not heard")
	}
}

func TestASnapshotTakesItsBytes(t *testing.T) {
	const entries = 100_000 // five pages' worth are eight pages
	resnap := func(s *setup) { s.live, s.resnap = entries, true }
	direct := newWorld(alone(resnap)).run()
	if direct.taken != 1 || direct.failed != 0 {
		t.Fatalf("%d taken, %d failed", direct.taken, direct.failed)
	}
	// At 12.5 MB/s, and the first of eight pages over three connections that are opened.
	near(t, "seconds", direct.load.at(1000), entries*20/12.5e6, 0.25)
	near(t, "bytes", direct.bytes*100, 9*1000+entries*20+100/feedWait.Seconds()*1000, 10_000)

	s, c := alone(resnap, func(s *setup) { s.cached, s.nodes = true, 50 })
	r := newWorld(s, c).run()
	if got := r.hits + r.missed; got != 50*9 {
		t.Errorf("the cache was asked %d times, want %d", got, 50*9)
	}
	if r.missed != 9 || r.taken != 50 {
		t.Errorf("%d misses, %d taken", r.missed, r.taken)
	}
}

func TestAnOutage(t *testing.T) {
	for name, test := range map[string]struct {
		outage
		snapshots int
	}{
		"the issuer begins anew":              {outage{length: time.Hour, forgotten: true}, 1},
		"the way is cut":                      {outage{length: time.Hour, silent: true, rate: 50}, 0},
		"the way is cut, and too much passes": {outage{length: time.Hour, silent: true, rate: 100}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newWorld(alone(func(s *setup) { s.live, s.outage, s.length = 1000, test.outage, 2*shown })).run()
			first, last := r.stale()
			if first != last || first < (maxStale-feedWait-pollWait-feedWait).Seconds() || first > maxStale.Seconds()+0.5 {
				t.Errorf("503 from %g to %g s", first, last)
			}
			if r.taken != test.snapshots || r.recovered <= 0 || r.recovered > (feedWait+timeout+mostRetry).Seconds()+1 {
				t.Errorf("%d snapshots, fresh after %g s", r.taken, r.recovered)
			}
		})
	}
}

func TestARunCanBeRepeated(t *testing.T) {
	run := func() *result {
		s := usual("repeated")
		s.nodes, s.spread, s.length = 300, true, 3*time.Second
		return newWorld(s, costs{sign: 30_000, record: 100, reuse: 20_000, recordBytes: 21, answerBytes: 800}).run()
	}
	a, b := run(), run()
	if !slices.Equal(a.delay, b.delay) || a.bytes != b.bytes || a.encodes != b.encodes {
		t.Error("two runs differ")
	}
}

func TestALinkSharesByWeight(t *testing.T) {
	l := link{rate: 2}
	light, heavy := &job{size: 100, weight: 1}, &job{size: 100, weight: 3}
	l.begin(0, light)
	l.begin(0, heavy)
	at, ok := l.next()
	if !ok || at < 66 || at > 68 { // at 1.5 a ns
		t.Fatalf("the first is done at %d", at)
	}
	if l.done(at) != heavy {
		t.Fatal("the wrong one is done")
	}
	if at, _ = l.next(); at < 99 || at > 102 { // what is left of 200 bytes at 2 a ns
		t.Fatalf("the second is done at %d", at)
	}
	l.drop(at-10, light)
	if _, ok := l.next(); ok || l.wasted < 70 || l.wasted > 90 {
		t.Errorf("%g bytes wasted, and more to come: %t", l.wasted, ok)
	}
}

func TestTheListOfADay(t *testing.T) {
	sessions, cutoffs := day()
	near(t, "at midnight", sessions.y[0], usualRate*retention.Seconds(), 1)
	near(t, "after the burst", sessions.y[burstAt+burstFor], usualRate*retention.Seconds()+(burst-usualRate)*burstFor*60, 1)
	near(t, "in the wave", sessions.y[waveAt], usualRate*retention.Seconds()+waveSize, 1)
	near(t, "at the end", sessions.y[len(sessions.y)-1], usualRate*retention.Seconds(), 1)
	near(t, "cutoffs of a day", cutoffs.y[len(cutoffs.y)-1], 86_400, 100)
	near(t, "cutoffs of 1,000 days", cutoffsAfter(1, 1000), (longestCookie + retention).Seconds(), 1)
}

func TestQuantiles(t *testing.T) {
	q := quantilesOf([]float64{3, 1, 2}, 1)
	if q.at(0) != 1 || q.at(500) != 2 || !math.IsInf(q.at(1000), 1) {
		t.Errorf("%g %g %g", q.at(0), q.at(500), q.at(1000))
	}
	for x, want := range map[float64]string{0.5: "0.5", 99: "99", 1234: "1,230", 1234567: "1,230,000"} {
		if got := number(x); got != want {
			t.Errorf("%g is %s", x, got)
		}
	}
}
