package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a part of the picture.
type chart struct {
	title, x, y    string
	lines          []line
	fromX, toX     float64
	fromY, toY     float64
	logX, logY     bool
	ticksX, ticksY []float64
	label          func(float64) string // of y

}

type line struct {
	name string
	series
	dashed bool
}

// colours are told apart on white, also by most of the colour-blind.
var colours = []string{"#0060a8", "#c8500a", "#00805a", "#a0348c", "#8a6a00", "#444444"}

const (
	chartWide, chartHigh = 560.0, 380.0
	left, right          = 76.0, 16.0
	top, bottom          = 34.0, 46.0
)

func (c chart) place(x, y float64) (px, py float64) {
	part := func(v, from, to float64, log bool) float64 {
		if log {
			v, from, to = math.Log10(max(v, from)), math.Log10(from), math.Log10(to)
		}
		return (min(max(v, from), to) - from) / (to - from)
	}
	return left + part(x, c.fromX, c.toX, c.logX)*(chartWide-left-right),
		chartHigh - bottom - part(y, c.fromY, c.toY, c.logY)*(chartHigh-top-bottom)
}

func (c chart) draw(b *strings.Builder, atX, atY float64) {
	text := func(x, y float64, anchor, more, s string) {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>`+"\n", x, y, anchor, more, html.EscapeString(s))
	}
	fmt.Fprintf(b, `<g transform="translate(%.0f %.0f)">`+"\n", atX, atY)
	text(left, 20, "start", ` font-weight="bold" font-size="15"`, c.title)
	for _, v := range c.ticksX {
		x, y := c.place(v, c.fromY)
		fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke="#ddd"/>`+"\n", x, y, top)
		text(x, y+17, "middle", "", fmt.Sprintf("%.4g", v))
	}
	for _, v := range c.ticksY {
		x, y := c.place(c.fromX, v)
		fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1f" stroke="#ddd"/>`+"\n", x, y, chartWide-right)
		text(x-6, y+4, "end", "", c.label(v))
	}
	fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1fH%.1f" stroke="#555" fill="none"/>`+"\n", left, top, chartHigh-bottom, chartWide-right)
	text((left+chartWide-right)/2, chartHigh-8, "middle", "", c.x)
	middle := (top + chartHigh - bottom) / 2
	text(14, middle, "middle", fmt.Sprintf(` transform="rotate(-90 14 %.1f)"`, middle), c.y)
	for i, l := range c.lines {
		var path strings.Builder
		lastX, lastY := math.NaN(), math.NaN()
		for at := range l.x {
			x, y := c.place(l.x[at], l.y[at])
			if l.x[at] < c.fromX || l.x[at] > c.toX || math.IsInf(l.x[at], 0) || math.Abs(x-lastX) < 0.5 && math.Abs(y-lastY) < 0.5 {
				continue
			}
			fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[path.Len() == 0], x, y)
			lastX, lastY = x, y
		}
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="6 4"`
		}
		fmt.Fprintf(b, `<path d="%s" stroke="%s" stroke-width="2" fill="none"%s/>`+"\n", path.String(), colours[i%len(colours)], dash)
	}
	fmt.Fprintln(b, "</g>")
}

// legend is beneath a chart, so that it covers no line.
func (c chart) legend(b *strings.Builder, atX, atY float64) {
	for i, l := range c.lines {
		x, y := atX+left+float64(i%2)*245, atY+float64(i/2)*18
		dash := ""
		if l.dashed {
			dash = ` stroke-dasharray="6 4"`
		}
		fmt.Fprintf(b, `<path d="M%.1f %.1fh24" stroke="%s" stroke-width="3"%s/><text x="%.1f" y="%.1f">%s</text>`+"\n",
			x, y-4, colours[i%len(colours)], dash, x+30, y, html.EscapeString(l.name))
	}
}

// picture puts charts side by side, two in a row.
func picture(charts []chart) string {
	const legend = 66.0
	var b strings.Builder
	rows := (len(charts) + 1) / 2
	wide, high := 2*chartWide+20, float64(rows)*(chartHigh+legend)+10
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="sans-serif" font-size="12" fill="#222">`+"\n", wide, high, wide, high)
	fmt.Fprintf(&b, `<title>The feed of revocations, simulated</title>`+"\n"+`<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	for i, c := range charts {
		x, y := float64(i%2)*(chartWide+10), float64(i/2)*(chartHigh+legend)
		c.draw(&b, x, y)
		c.legend(&b, x, y+chartHigh+12)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func percent(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) }

// charts are the four of the page.
func charts(all map[string]*result) []chart {
	spread := func(name, label string, dashed bool) line {
		l := line{name: label, dashed: dashed}
		for i, x := range all[name].delay {
			l.add(x, float64(i)/1000)
		}
		return l
	}
	since := func(s series) (moved series) {
		for i := range s.x {
			moved.add(s.x[i]-shown.Seconds(), s.y[i])
		}
		return moved
	}
	smooth := func(s series) (out series) { // over a second
		for i := 3; i < len(s.x); i++ {
			out.add(s.x[i], (s.y[i]+s.y[i-1]+s.y[i-2]+s.y[i-3])/4)
		}
		return out
	}
	outages := []struct{ name, label string }{
		{anewName, "by connection, 10 Gbit/s each"},
		{anewSlowName, "by connection, 1 Gbit/s each"},
		{anewSpreadName, "balanced by request, 10 Gbit/s"},
		{crowdName, "1 Gbit/s, everybody admitted"},
	}
	var fresh, traffic []line
	for i, o := range outages {
		r := all[o.name]
		fresh = append(fresh, line{o.label, since(r.fresh), i == 3})
		traffic = append(traffic, line{o.label, smooth(since(r.traffic)), i == 3})
	}
	sessions, cutoffs := day()
	part := []float64{0, 0.25, 0.5, 0.75, 1}
	return []chart{
		{
			title: "From logout to refusal", x: "seconds (logarithmic)", y: "part of nodes and logouts",
			fromX: 0.01, toX: 30, logX: true, fromY: 0, toY: 1, ticksX: []float64{0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30}, ticksY: part, label: percent,
			lines: []line{
				spread(usualName, "100 logouts/s", false),
				spread(burstName, "2,000 logouts/s", false),
				spread(slowName, "2,000/s, 1 % slow links", true),
				spread(burstSpreadName, "2,000/s, balanced by request", false),
				spread(waveSpreadName, "16,700/s, balanced by request", false),
				spread(proposedName, "2,000/s, balanced, rounds of 100 ms", true),
			},
		},
		{
			title: "The list over a day", x: "hours; 2,000 logouts/s for 10 minutes at 6, a million in a minute at 14", y: "entries (millions)",
			fromX: 0, toX: 24, fromY: 0, toY: 2e6, ticksX: []float64{0, 4, 8, 12, 16, 20, 24}, ticksY: []float64{0, 5e5, 1e6, 1.5e6, 2e6},
			label: func(v float64) string { return fmt.Sprintf("%.3g M", v/1e6) },
			lines: []line{
				{"sessions that ended", sessions, false},
				{"cutoffs at an issuer node, of this day", cutoffs, true},
			},
		},
		{
			title: "An hour's outage: lists within MaxStale", x: "seconds before and after the issuers are back (the hour is cut short)", y: "part of the nodes",
			fromX: -75, toX: 240, fromY: 0, toY: 1, ticksX: []float64{-60, 0, 60, 120, 180, 240}, ticksY: part, label: percent, lines: fresh,
		},
		{
			title: "The same: what the four issuer nodes send", x: "seconds before and after the issuers are back", y: "GB/s (mean of a second)",
			fromX: -75, toX: 240, fromY: 0, toY: 6e9, ticksX: []float64{-60, 0, 60, 120, 180, 240}, ticksY: []float64{0, 1e9, 2e9, 3e9, 4e9, 5e9, 6e9},
			label: func(v float64) string { return fmt.Sprintf("%.0f", v/1e9) }, lines: traffic,
		},
	}
}
