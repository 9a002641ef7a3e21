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

// process is what the kernel says of one.
type process struct {
	pid, parent    int
	used, children time.Duration // children are those that have ended
}

// processorTime is what this process and its children, the servers, have used so far.
func processorTime() (w work) {
	all := make(map[int]process)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		if p, ok := readProcess(path); ok {
			all[p.pid] = p
		}
	}
	for pid, p := range all {
		if pid == os.Getpid() {
			w.here = p.used
			continue
		}
		for above := p.parent; above > 1; above = all[above].parent {
			if above == os.Getpid() {
				w.servers += p.used + p.children
				break
			}
		}
	}
	return w
}

// ownTime is processorTime().here, for less.
func ownTime() time.Duration {
	p, _ := readProcess("/proc/self/stat")
	return p.used
}

// readProcess is not ok if there is none, or none any more.
func readProcess(path string) (p process, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return p, false
	}
	// The name, in brackets, may hold anything. Behind it: state, parent, and from the 12th on the
	// ticks in the program, in the system, and both of children that have ended.
	id, _, _ := strings.Cut(string(text), " ")
	_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return p, false
	}
	var n [5]int64
	for i, at := range []int{1, 11, 12, 13, 14} {
		n[i], _ = strconv.ParseInt(fields[at], 10, 64)
	}
	const tick = 10 * time.Millisecond // for every program, whatever the kernel's own
	p.pid, err = strconv.Atoi(id)
	p.parent, p.used, p.children = int(n[0]), time.Duration(n[1]+n[2])*tick, time.Duration(n[3]+n[4])*tick
	return p, err == nil
}
