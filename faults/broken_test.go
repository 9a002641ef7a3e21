package faults_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
)

// How a broken store fails.
type failure int32

const (
	works   failure = iota
	refuses         // it does nothing
	forgets         // it works, and its answer is lost
	hangs           // it does nothing, and answers when nobody waits any more
	delays          // it works when nobody waits any more
)

var failures = []failure{refuses, forgets, hangs, delays}

var errBroken = errors.New("the store is broken")

// broken is a store that fails, now and then, as one does behind a network.
type broken struct {
	writ.Store
	how  atomic.Int32
	late sync.WaitGroup
}

// do calls f as the failure has it. Half of the calls succeed.
func (s *broken) do(ctx context.Context, f func(context.Context) error) error {
	how := failure(s.how.Load())
	if rand.IntN(2) == 0 {
		how = works
	}
	switch how {
	case refuses:
		return errBroken
	case forgets:
		if err := f(ctx); err != nil {
			return err
		}
		return errBroken
	case hangs:
		<-ctx.Done()
		return ctx.Err()
	case delays:
		late := time.Duration(rand.IntN(100)) * time.Millisecond
		s.late.Go(func() {
			<-ctx.Done()
			time.Sleep(late)
			f(context.WithoutCancel(ctx)) // nobody is there to hear of an error
		})
		<-ctx.Done()
		return ctx.Err()
	}
	return f(ctx)
}

func (s *broken) Load(ctx context.Context, id string) (row writ.Row, err error) {
	if failure(s.how.Load()) == delays { // a read that comes late is one that hangs
		return s.Store.Load(ctx, id)
	}
	err = s.do(ctx, func(ctx context.Context) (err error) { row, err = s.Store.Load(ctx, id); return err })
	return row, err
}

func (s *broken) Save(ctx context.Context, row writ.Row, entries ...revocation.Entry) (writ.Row, error) {
	saved := make(chan writ.Row, 1)
	err := s.do(ctx, func(ctx context.Context) error {
		row, err := s.Store.Save(ctx, row, entries...)
		saved <- row
		return err
	})
	if err != nil {
		return writ.Row{}, err
	}
	return <-saved, nil
}

func (s *broken) Append(ctx context.Context, entries ...revocation.Entry) error {
	return s.do(ctx, func(ctx context.Context) error { return s.Store.Append(ctx, entries...) })
}

// faults are the ways in which one or several stores break.
func brokenFaults(stores ...*broken) []fault {
	var all []fault
	for _, how := range failures {
		all = append(all, fault{inject: func(r *rand.Rand) func() {
			one := r.IntN(len(stores) + 1) // or all of them
			for i, s := range stores {
				if one == i || one == len(stores) {
					s.how.Store(int32(how))
				}
			}
			time.Sleep(time.Duration(300+r.IntN(1000)) * time.Millisecond)
			return func() {
				for _, s := range stores {
					s.how.Store(int32(works))
				}
			}
		}})
	}
	return all
}
