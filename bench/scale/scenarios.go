package main

import "time"

const (
	burst = 2000               // logouts a second
	wave  = 1_000_000.0 / 60.0 // everybody of a million sessions within a minute
)

// What the plot and the text name.
const (
	idleName        = "nearly nobody signs out: 1 in 10 s"
	usualName       = "100 logouts/s"
	usualSpreadName = "100/s, balanced by request"
	usualNearName   = "100/s, all within 1 ms"
	nearSpreadName  = "100/s, all within 1 ms, balanced by request"
	burstName       = "2,000/s"
	burstSpreadName = "2,000/s, balanced by request"
	waveName        = "1 M sessions in 60 s"
	waveSpreadName  = "1 M in 60 s, balanced by request"
	slowName        = "2,000/s, 1 % slow links"
	restartName     = "100/s, 5 % of the nodes restart"

	anewName       = "issuer nodes begin anew"
	anewSlowName   = "the same, 1 Gbit/s each"
	anewSpreadName = "begin anew, balanced by request"
	cutName        = "only the way was cut, meanwhile 50 logouts/s"
	cutMoreName    = "the same, 100 logouts/s"

	resnapName      = "directly"
	resnapSlowName  = "directly, 1 Gbit/s each"
	resnapCacheName = "through a cache, 1 Gbit/s each"

	calmName     = "100/s; rounds of 100 ms"
	calmNearName = "100/s, all within 1 ms; rounds of 100 ms"
	slowestName  = "100/s; rounds of 1 s"
	proposedName = "2,000/s, balanced by request; rounds of 100 ms"
	crowdName    = "begin anew, 1 Gbit/s; everybody admitted"

	polledName = "2,000/s, cursors as they are"
)

// tables are the scenarios, by the table that they are in.
type tables struct{ traffic, outage, again, proposals, cache []setup }

func scenarios() (t tables) {
	of := func(name string, changes ...func(*setup)) setup {
		s := usual(name)
		for _, change := range changes {
			change(&s)
		}
		return s
	}
	rate := func(r float64) func(*setup) { return func(s *setup) { s.rate = r } }
	length := func(d time.Duration) func(*setup) { return func(s *setup) { s.length = d } }
	back := func(d time.Duration) func(*setup) { return length(shown + d) } // so long after an outage
	down := func(o outage) func(*setup) { return func(s *setup) { s.outage = o } }
	spread := func(s *setup) { s.spread = true }
	slow := func(s *setup) { s.slow = 0.01 }
	gigabit := func(s *setup) { s.network.issuer = 125e6 }
	near := func(s *setup) { s.near, s.far = 100*time.Microsecond, time.Millisecond }
	calm := func(s *setup) { s.round, s.pause = 100*time.Millisecond, 90*time.Millisecond }
	settled := func(s *setup) { s.first, s.length = 10*time.Second, 20*time.Second } // where delays may grow
	quiet := rate(1)                                                                 // where it is about something else
	const minute, more = 61 * time.Second, 181 * time.Second

	t.traffic = []setup{
		of(idleName, rate(0.1), length(40*time.Second)),
		of(usualName),
		of(usualNearName, near),
		of(usualSpreadName, spread),
		of(nearSpreadName, near, spread),
		of(burstName, rate(burst)),
		of(burstSpreadName, rate(burst), spread, settled),
		of(waveName, rate(wave)),
		of(waveSpreadName, rate(wave), spread, settled),
		of("100/s, 1 % slow links", slow),
		of(slowName, rate(burst), slow),
		of(restartName, func(s *setup) { s.restart = 0.05 }),
	}
	hour := outage{length: time.Hour, forgotten: true}
	cut := func(rate float64) outage { return outage{length: time.Hour, silent: true, rate: rate} }
	t.outage = []setup{
		of(anewName, quiet, down(hour), back(minute)),
		of(anewSlowName, quiet, down(hour), back(more), gigabit),
		of(anewSpreadName, quiet, down(hour), back(minute), spread),
		of(cutName, quiet, down(cut(50)), back(minute)),
		of(cutMoreName, quiet, down(cut(100)), back(minute)),
	}
	resnap := func(s *setup) { s.resnap = true }
	t.again = []setup{
		of(resnapName, quiet, resnap, length(40*time.Second)),
		of(resnapSlowName, quiet, resnap, length(more), gigabit),
		of(resnapCacheName, quiet, resnap, length(30*time.Second), gigabit, func(s *setup) { s.cached = true }),
	}
	t.proposals = []setup{
		of(calmName, calm),
		of(calmNearName, near, calm),
		of(slowestName, func(s *setup) { s.round, s.pause = time.Second, 900*time.Millisecond }),
		of(proposedName, rate(burst), spread, calm, settled),
		of(crowdName, quiet, down(hour), back(more), gigabit, func(s *setup) { s.admit = 1 << 16 }),
	}
	polled := func(s *setup) { s.tails, s.pause, s.spread, s.first = polls, time.Second, true, 60*time.Second }
	rounded := func(s *setup) { s.tails = rounds }
	t.cache = []setup{
		of("100/s, cursors as they are", polled),
		of(polledName, rate(burst), polled),
		of("100/s, cursors in whole seconds", polled, rounded),
		of("2,000/s, cursors in whole seconds", rate(burst), polled, rounded),
	}
	return t
}
