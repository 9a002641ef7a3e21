package main

import (
	"fmt"
	"time"
)

// moment is a time in the zone of whoever reads it, without the date if it is the same day as now.
func moment(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// when is a moment, and how far off it is.
func when(t, now time.Time) string { return moment(t, now) + ", " + relative(t, now) }

func relative(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d >= time.Second:
		return "in " + span(d)
	case d <= -time.Second:
		return span(-d) + " ago"
	}
	return "just now"
}

// span is a duration in its two largest units, rounded.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 10*day:
		d = d.Round(day)
	case d >= day:
		d = d.Round(time.Hour)
	case d >= time.Minute:
		d = d.Round(time.Minute)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < day:
		return two(d/time.Hour, "h", d%time.Hour/time.Minute, "min")
	}
	return two(d/day, days(d/day), d%day/time.Hour, "h")
}

func days(n time.Duration) string {
	if n == 1 {
		return "day"
	}
	return "days"
}

func two(large time.Duration, of string, small time.Duration, ofSmall string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, of)
	}
	return fmt.Sprintf("%d %s %d %s", large, of, small, ofSmall)
}
