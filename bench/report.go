package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// writeHead says what was measured on what. before is what loadAverage was then.
func writeHead(w io.Writer, heading, command, before string, took time.Duration) {
	fmt.Fprintf(w, "%s\n\nMade by `%s` in this directory, in %s; do not edit.\n\n", heading, command, took.Round(time.Second))
	fmt.Fprintf(w, "- date: %s\n- machine: %s, %d cores, %s\n- Go: %s, GOMAXPROCS %d\n", time.Now().UTC().Format(time.DateOnly),
		processor(), runtime.NumCPU(), system(), runtime.Version(), runtime.GOMAXPROCS(0))
	fmt.Fprintf(w, "- load average over a minute: %s before, %s after; far over 1, others used the machine too, and the times are too long\n",
		before, loadAverage())
	var modules []string
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			version := m.Version
			if m.Replace != nil {
				version = "this tree"
			}
			modules = append(modules, m.Path+" "+version)
		}
	}
	fmt.Fprintf(w, "- modules: %s\n", strings.Join(modules, ", "))
}

// write prints the table in Markdown.
func (t *table) write(w io.Writer) {
	fmt.Fprintf(w, "\n## %s\n\n| | ns/op | ratio | B/op | allocs/op | spread |\n|---|--:|--:|--:|--:|--:|\n", t.title)
	for i, c := range t.cells {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %d | %.0f %% |\n",
			t.rows[i].name, figure(c.ns), ratio(c.ratio), count(c.bytes), c.allocs, c.spread*100)
	}
}

func writeNotes(w io.Writer, notes []string) {
	fmt.Fprintln(w)
	for _, n := range notes {
		fmt.Fprintf(w, "- %s\n", n)
	}
}

// writeVerdicts prints what each contender refuses.
func writeVerdicts(w io.Writer, m *match) {
	fmt.Fprint(w, "\n## What each refuses\n\nFound out in this run, before anything was timed. If one accepted a token of the upper part, ",
		"or refused the good one, the run would have failed.\n\n| a token in which |")
	for _, c := range m.contenders {
		fmt.Fprintf(w, " %s |", c.name)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(m.contenders)))
	for i, p := range m.probes {
		if i > 0 && m.probes[i-1].required && !p.required {
			fmt.Fprintf(w, "|%s\n", strings.Repeat(" |", len(m.contenders)+1))
		}
		fmt.Fprintf(w, "| %s |", p.name)
		for _, c := range m.contenders {
			verdict := "**accepts**"
			if m.refused[c.name][i] {
				verdict = "refuses"
			}
			fmt.Fprintf(w, " %s |", verdict)
		}
		fmt.Fprintln(w)
	}
}

// figure writes a time in nanoseconds, or a rate.
func figure(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return count(int64(math.Round(v)))
}

func count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func ratio(v float64) string {
	if v < 0.1 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func processor() string {
	if name := field("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return runtime.GOARCH
}

func system() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		name += " " + strings.TrimSpace(string(release))
	}
	return name
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, ok := strings.Cut(string(text), " ")
	if !ok {
		return "unknown"
	}
	return first
}

// field is the value of the first line "key : value" of a file; empty if there is none.
func field(path, key string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
