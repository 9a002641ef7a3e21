package main

import (
	"testing"
	"time"
)

func TestSpansAreInTheirTwoLargestUnits(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0:                                      "0 s",
		45*time.Second + 999*time.Millisecond:  "45 s",
		time.Minute:                            "1 min",
		59*time.Minute + 40*time.Second:        "1 h",
		66 * time.Minute:                       "1 h 6 min",
		23*time.Hour + 59*time.Minute:          "23 h 59 min",
		day:                                    "1 day",
		day + 3*time.Hour + 29*time.Minute:     "1 day 3 h",
		9*day + 23*time.Hour:                   "9 days 23 h",
		29*day + 23*time.Hour + 59*time.Minute: "30 days",
		400 * day:                              "400 days",
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestMomentsAreLocalAndLeaveOutToday(t *testing.T) {
	local := time.Local
	time.Local = time.FixedZone("there", 2*60*60)
	defer func() { time.Local = local }()
	now := time.Date(2026, 7, 29, 20, 0, 0, 0, time.UTC)
	for want, at := range map[string]time.Time{
		"22:00, just now":                now,
		"23:06, in 1 h 6 min":            now.Add(66 * time.Minute),
		"2026-07-30 00:06, in 2 h 6 min": now.Add(126 * time.Minute),
		"2026-07-27 22:00, 2 days ago":   now.Add(-48 * time.Hour),
		"21:59, 1 min ago":               now.Add(-time.Minute),
		"2025-07-29 22:00, 365 days ago": now.Add(-365 * 24 * time.Hour),
		"22:00, in 1 s":                  now.Add(time.Second),
	} {
		if got := when(at, now); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
