package main

import "time"

// hours is a day's traffic, with what happens in it.
const (
	usualRate  = 100.0     // logouts a second
	burstAt    = 6 * 60    // minute
	burstFor   = 10        // minutes
	waveAt     = 14 * 60   // minute, in which a wave comes
	waveSize   = 1_000_000 // sessions
	everywhere = 0.01      // part of the logouts that are from all devices: a subject's cutoff beside the session
)

// day is the size of the list in every minute of the second of two days. A cutoff outlives them all.
func day() (sessions, cutoffs series) {
	const minutes = 24 * 60
	ends := func(minute int) float64 {
		at := (minute%minutes + minutes) % minutes
		rate := usualRate * 60
		if minute >= 0 && at >= burstAt && at < burstAt+burstFor {
			rate = burst * 60
		}
		if minute >= 0 && at == waveAt {
			rate += waveSize
		}
		return rate
	}
	kept := retention.Minutes()
	for minute := range minutes {
		n := 0.0
		for back := 0; float64(back) < kept; back++ {
			n += ends(minute-back) * min(1, kept-float64(back))
		}
		x := float64(minute) / 60
		sessions.add(x, n)
		cutoffs.add(x, usualRate*everywhere*float64(minute)*60)
	}
	return sessions, cutoffs
}

// cutoffsAfter is how many there are after so many days, each of another subject.
func cutoffsAfter(rate float64, days int) float64 {
	return rate * min(time.Duration(days)*24*time.Hour, longestCookie+retention).Seconds()
}
