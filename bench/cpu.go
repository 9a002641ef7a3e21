package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// work is how much processor time went where. It is zero where there is no /proc.
type work struct{ here, servers time.Duration }

func (w work) sub(v work) work { return work{w.here - v.here, w.servers - v.servers} }

// processorTime is what this process and its children, the servers, have used so far.
func processorTime() (w work) {
	type process struct {
		parent int
		used   time.Duration
	}
	all := make(map[int]process)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path) // it may have ended
		// The name, in brackets, may hold anything. Behind it: state, parent, and from the 12th on the
		// ticks in the program, in the system, and both of children that have ended.
		_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil || len(fields) < 15 {
			continue
		}
		var n [5]int64
		for i, at := range []int{1, 11, 12, 13, 14} {
			n[i], _ = strconv.ParseInt(fields[at], 10, 64)
		}
		const tick = 10 * time.Millisecond // for every program, whatever the kernel's own
		used := time.Duration(n[1]+n[2]) * tick
		if pid != os.Getpid() {
			used += time.Duration(n[3]+n[4]) * tick
		}
		all[pid] = process{int(n[0]), used}
	}
	for pid, p := range all {
		if pid == os.Getpid() {
			w.here = p.used
			continue
		}
		for above := p.parent; above > 1; above = all[above].parent {
			if above == os.Getpid() {
				w.servers += p.used
				break
			}
		}
	}
	return w
}
