package main

import (
	"strings"
	"testing"
	"time"
)

// start is when most timelines begin.
var start = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

func TestTimelines(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	const day = 24 * time.Hour
	retired := bar{"AAAAAAAA ES256", start, start, after(30 * day), after(30*day + 2*time.Hour)}
	active := bar{"BBBBBBBB ES256", after(30*day - 2*time.Hour), after(30 * day), time.Time{}, time.Time{}}
	pending := bar{"CCCCCCCC EdDSA", after(31 * day), after(32 * day), time.Time{}, time.Time{}}
	until := active
	until.verifies, until.isRemoved = pending.signs, after(32*day+2*time.Hour)
	for _, test := range []struct {
		name  string
		bars  []bar
		now   time.Time
		width int
		g     glyphs
		want  string
	}{
		{"one key that has just been made", []bar{{"AAAAAAAA ES256", start, start, time.Time{}, time.Time{}}}, start, 60, unicodeGlyphs, `
AAAAAAAA ES256  |███████████████████████████████████████████
                now
                · published  █ signs  ░ verifies only  × removed  (not to scale)
`},
		{"a key that signs and one that only verifies", []bar{retired, active}, after(30*day + time.Hour), 80, unicodeGlyphs, `
AAAAAAAA ES256  ██████████████████████████████████████████████████░░|░░×
BBBBBBBB ES256                                                  ··██|███████████
                07-01 12:00                                         now
                · published  █ signs  ░ verifies only  × removed  (not to scale)
`},
		{"every state at once", []bar{retired, until, pending}, after(31*day + time.Hour), 80, unicodeGlyphs, `
AAAAAAAA ES256  ██████████████████████████████████████████░░×    |
BBBBBBBB ES256                                          ··███████|██░░░×
CCCCCCCC EdDSA                                                 ··|··████████████
                07-01 12:00                                      now
                · published  █ signs  ░ verifies only  × removed  (not to scale)
`},
		{"a terminal without Unicode", []bar{retired, active}, after(30*day + time.Hour), 80, asciiGlyphs, `
AAAAAAAA ES256  ##################################################--|--x
BBBBBBBB ES256                                                  ..##|###########
                07-01 12:00                                         now
                . published  # signs  - verifies only  x removed  (not to scale)
`},
		{"a narrow terminal", []bar{retired, until, pending}, after(31*day + time.Hour), 40, unicodeGlyphs, `
AAAAAAAA ES256  █████████░░×   |
BBBBBBBB ES256         ··██████|█░░░×
CCCCCCCC EdDSA               ··|·███████
                07-01 12:00    now
                · published  █ signs  ░ verifies only  × removed  (not to scale)
`},
		{"over a year", []bar{{"AAAAAAAA ES256", start, start, after(400 * day), after(401 * day)}}, after(40 * day), 80, unicodeGlyphs, `
AAAAAAAA ES256  ███████|████████████████████████████████████████████████████░░░×
                       now                                            2027-08-06
                · published  █ signs  ░ verifies only  × removed  (not to scale)
`},
	} {
		got := "\n" + drawTimeline(test.bars, test.now, test.width, test.g)
		if got != test.want {
			t.Errorf("%s: got%s\nwant%s", test.name, got, test.want)
		}
	}
}

// Whatever is drawn, no line is wider than it may be, and a phase of a key that lasts is seen.
func TestATimelineShowsEveryPhaseWithinItsWidth(t *testing.T) {
	var bars []bar
	for i := range 12 {
		begin := after(time.Duration(i) * 30 * 24 * time.Hour)
		next := begin.Add(30 * 24 * time.Hour)
		bars = append(bars, bar{"AAAAAAAA ES256", begin.Add(-time.Hour), begin, next, next.Add(2 * time.Hour)})
	}
	for width := 40; width <= 200; width += 7 {
		for n := 1; n <= len(bars); n++ {
			out := drawTimeline(bars[:n], after(99*time.Hour), width, unicodeGlyphs)
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			for _, line := range lines[:len(lines)-1] {
				if got := len([]rune(line)); got > width {
					t.Fatalf("%d keys, width %d: a line of %d", n, width, got)
				}
			}
			if n > 4 || width < 80 {
				continue
			}
			for i, line := range lines[:n] {
				for _, g := range "·█░×" {
					if !strings.ContainsRune(line, g) {
						t.Errorf("%d keys, width %d: key %d has no %c", n, width, i, g)
					}
				}
			}
		}
	}
}
