package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

const heading = "# How soon a logout is known everywhere"

// writeHead says what was measured on what. before is what loadAverage was then.
func writeHead(w io.Writer, command, before string, took time.Duration) {
	fmt.Fprintf(w, "%s\n\nMade by `%s` in this directory, in %s; do not edit.\n\n", heading, command, took.Round(time.Second))
	fmt.Fprintf(w, "- date: %s\n- machine: %s, %d cores\n- Go: %s\n", time.Now().UTC().Format(time.DateOnly), processor(), runtime.NumCPU(), runtime.Version())
	fmt.Fprintf(w, "- load average over a minute: %s before, %s after; far over the number of cores, processes waited for a core, and the times are too long\n",
		before, loadAverage())
}

func write(w io.Writer, all [][]*series, missing []error) {
	fmt.Fprint(w, "\n| store | logouts | known to | measured | p50 | p99 | max | p99 from the answer | p99 is to be | |\n|---|---|---|--:|--:|--:|--:|--:|--:|---|\n")
	var looks []time.Duration
	void := 0
	for _, group := range all {
		for _, s := range group {
			writeRow(w, s, "other nodes", &s.nodes)
			writeRow(w, s, "the API", &s.api)
			looks = append(append(looks, s.nodes.looks...), s.api.looks...)
			void += s.void
		}
	}
	fmt.Fprintln(w)
	for _, err := range missing {
		fmt.Fprintf(w, "- %v\n", err)
	}
	for _, note := range []string{
		"Three nodes and an API (writ.Follow, the feed of one of the nodes), each a process, on a PostgreSQL (synchronous_commit on) and a Redis (appendfsync always) on the same machine. Each group has a store of its own. All groups work at the same time.",
		"A user signs in at one node, all accept the access token, and it is revoked at another node: at each in turn. The others look at it all the while. Times are from the call of Revoke, and so with what the store takes to bring it to the disk, until the look that refused it has ended. From the answer: since Revoke returned; 0 where it was refused before.",
		fmt.Sprintf("Now and then: each after a pause of up to %s at random. One after another: with none.", pollEvery),
		fmt.Sprintf("Between the last look that accepted it, and the end of the one that refused it: %s, p99 %s. So much a time may be too long.", milli(quantile(looks, 50)), milli(quantile(looks, 99))),
		fmt.Sprintf("All clocks are this machine's. Rounds left out because it was set meanwhile: %d.", void),
	} {
		fmt.Fprintf(w, "- %s\n", note)
	}
}

func writeRow(w io.Writer, s *series, who string, t *times) {
	how, most := "now and then", target
	if s.pause == 0 {
		how = "one after another"
	}
	if s.pollOnly {
		how, most = how+", PollOnly", target+pollEvery
	}
	if len(t.called) == 0 {
		fmt.Fprintf(w, "| %s | %s | %s | 0 | | | | | %s | not measured in time |\n", s.store, how, who, milli(most))
		return
	}
	verdict := "met"
	if quantile(t.called, 99) > most {
		verdict = "**missed**"
	}
	fmt.Fprintf(w, "| %s | %s | %s | %d | %s | %s | %s | %s | %s | %s |\n", s.store, how, who, len(t.called),
		milli(quantile(t.called, 50)), milli(quantile(t.called, 99)), milli(slices.Max(t.called)), milli(quantile(t.done, 99)), milli(most), verdict)
}

// quantile is the least of the values that so many of a hundred do not exceed; 0 of none.
func quantile(values []time.Duration, percent int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[(len(values)*percent+99)/100-1]
}

func milli(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	if ms == math.Trunc(ms) || ms >= 100 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // not everywhere
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, ok := strings.Cut(string(text), " ")
	if !ok {
		return "unknown"
	}
	return first
}
