package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// done is what some callers did at the same time.
type done struct {
	n    int
	took time.Duration
	cpu  work
}

func (d done) perSecond() float64 { return float64(d.n) / d.took.Seconds() }

// together calls f from so many goroutines, each time with the next number, while there is more to do.
// It ends at the first error.
func together(callers int, more func(i int) bool, f func(i int) error) (done, error) {
	var next, finished atomic.Int64
	var failed atomic.Bool
	var wait sync.WaitGroup
	errs := make([]error, callers)
	before, began := processorTime(), time.Now()
	for caller := range callers {
		wait.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if !more(i) {
					return
				}
				if err := f(i); err != nil {
					errs[caller] = err
					failed.Store(true)
					return
				}
				finished.Add(1)
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	return done{int(finished.Load()), took, processorTime().sub(before)}, errors.Join(errs...)
}

// lasting is for as long as that, from when it is first asked, and at least once.
func lasting(d time.Duration) func(int) bool {
	end := sync.OnceValue(func() time.Time { return time.Now().Add(d) })
	return func(i int) bool { return time.Now().Before(end()) || i == 0 }
}

// times is so often.
func times(n int) func(int) bool { return func(i int) bool { return i < n } }
