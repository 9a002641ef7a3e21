package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// bar is one key's line. The zero time is one that is not known yet: then what comes before it goes
// on to the end of the line.
type bar struct {
	label                                 string
	published, signs, verifies, isRemoved time.Time
}

// glyphs are what a timeline is drawn with.
type glyphs struct{ published, signs, verifies, removed, now rune }

var (
	unicodeGlyphs = glyphs{'·', '█', '░', '×', '|'}
	asciiGlyphs   = glyphs{'.', '#', '-', 'x', '|'}
)

// terminalGlyphs are those that the locale promises to show.
func terminalGlyphs() glyphs {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // POSIX: the first that is not empty counts
		if locale := os.Getenv(name); locale != "" {
			locale = strings.ToLower(locale)
			if strings.HasSuffix(locale, "utf-8") || strings.HasSuffix(locale, "utf8") {
				return unicodeGlyphs
			}
			break
		}
	}
	return asciiGlyphs
}

// terminalWidth is what the shell says, within what can be drawn and read.
func terminalWidth() int {
	n, err := strconv.Atoi(os.Getenv("COLUMNS"))
	if err != nil {
		n = 80
	}
	return min(max(n, 40), 200)
}

// drawTimeline draws the bars over one axis. The axis is not to scale: a month of signing would leave
// no room for the hour before it. Every two neighbouring events stand at least two columns apart if
// there is room, and what is left is shared out by time.
func drawTimeline(bars []bar, now time.Time, width int, g glyphs) string {
	margin := 0
	for _, b := range bars {
		margin = max(margin, utf8.RuneCountInString(b.label)+2)
	}
	a := newAxis(bars, now, max(width-margin, 10))
	var out strings.Builder
	line := func(label string, cells []rune) {
		label += strings.Repeat(" ", margin-utf8.RuneCountInString(label))
		out.WriteString(strings.TrimRight(label+string(cells), " ") + "\n")
	}
	for _, b := range bars {
		line(b.label, a.row(b, now, g))
	}
	line("", a.labels(now))
	line("", []rune(string(g.published)+" published  "+string(g.signs)+" signs  "+string(g.verifies)+" verifies only  "+
		string(g.removed)+" removed  (not to scale)"))
	return out.String()
}

// axis says in which column a time stands.
type axis struct {
	width   int
	events  []time.Time // in order, each once
	columns []int       // of events
}

func newAxis(bars []bar, now time.Time, width int) *axis {
	a := &axis{width: width, events: []time.Time{now}}
	open := false
	for _, b := range bars {
		for _, t := range []time.Time{b.published, b.signs, b.verifies, b.isRemoved} {
			if !t.IsZero() {
				a.events = append(a.events, t)
			}
		}
		open = open || b.isRemoved.IsZero()
	}
	slices.SortFunc(a.events, time.Time.Compare)
	a.events = slices.CompactFunc(a.events, time.Time.Equal)

	last := width - 1 // the column of the last event
	if open {
		last -= width / 8
	}
	gaps := len(a.events) - 1
	least := 2
	for least*gaps > last {
		least--
	}
	total := a.events[gaps].Sub(a.events[0])
	for i, t := range a.events {
		shared := 0.0
		if total > 0 {
			shared = float64(t.Sub(a.events[0])) / float64(total) * float64(last-least*gaps)
		}
		a.columns = append(a.columns, least*i+int(shared))
	}
	return a
}

// column is that of a time; the end of the line for one that is not known.
func (a *axis) column(t time.Time) int {
	i, found := slices.BinarySearchFunc(a.events, t, time.Time.Compare)
	if t.IsZero() || !found {
		return a.width
	}
	return a.columns[i]
}

func (a *axis) row(b bar, now time.Time, g glyphs) []rune {
	cells := []rune(strings.Repeat(" ", a.width))
	fill := func(from, to time.Time, with rune) {
		if from.IsZero() {
			return
		}
		for i := a.column(from); i < a.column(to); i++ {
			cells[i] = with
		}
	}
	fill(b.published, b.signs, g.published)
	fill(b.signs, b.verifies, g.signs)
	fill(b.verifies, b.isRemoved, g.verifies)
	if !b.isRemoved.IsZero() {
		// One that never signed, or stopped at once, goes all the same.
		for i := a.column(b.isRemoved); i < a.width; i++ {
			cells[i] = ' '
		}
		cells[a.column(b.isRemoved)] = g.removed
	}
	cells[a.column(now)] = g.now
	return cells
}

// labels names as many events as there is room for: now first, then the outermost.
func (a *axis) labels(now time.Time) []rune {
	cells := []rune(strings.Repeat(" ", a.width))
	put := func(text string, column int) {
		from := max(min(column, a.width-len(text)), 0)
		before, after := max(from-2, 0), min(from+len(text)+2, a.width)
		if strings.TrimSpace(string(cells[before:after])) == "" {
			copy(cells[from:], []rune(text))
		}
	}
	put("now", a.column(now))
	layout := "01-02 15:04"
	if a.events[len(a.events)-1].Sub(a.events[0]) > 300*24*time.Hour {
		layout = time.DateOnly
	}
	order := append([]time.Time{a.events[0], a.events[len(a.events)-1]}, a.events...)
	for _, t := range order {
		if !t.Equal(now) {
			put(t.Local().Format(layout), a.column(t))
		}
	}
	return cells
}
