package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// working calls do, and shows on a terminal that it goes on: an RSA key may take many seconds.
func (t *tool) working(what string, do func()) {
	if !isTerminal(t.stderr) {
		do()
		return
	}
	showWork(t.stderr, what, do)
}

// showWork says nothing about what takes less than a second.
func showWork(w io.Writer, what string, do func()) {
	done, shown := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for begun := false; ; begun = true {
			select {
			case <-done:
				if begun {
					fmt.Fprintln(w)
				}
				return
			case <-tick.C:
				if !begun {
					fmt.Fprint(w, what)
				}
				fmt.Fprint(w, ".")
			}
		}
	}()
	defer func() { close(done); <-shown }()
	do()
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
