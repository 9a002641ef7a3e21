package faults_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/token"
)

// node is a Manager, of this process or of another.
type node interface {
	start(subject string) (*token.Pair, error)
	refresh(raw string) (*token.Pair, error)
	end(subject, sid string) error
	endAll(subject string) error
	revoke(raw string) error
	verify(raw string) error
	reads() bool    // whether it can read from its store
	now() time.Time // what its clock says
	inTime() bool   // whether its calls return in time: not those of a process that is paused
}

// local is a node of this process.
type local struct {
	*writ.Manager
	clock func() time.Time
}

func (n local) now() time.Time { return n.clock() }
func (n local) inTime() bool   { return true }

func (n local) start(subject string) (*token.Pair, error) {
	return n.Start(context.Background(), writ.Login{Subject: subject})
}

func (n local) refresh(raw string) (*token.Pair, error) {
	return n.Refresh(context.Background(), raw, token.Client{})
}

func (n local) end(subject, sid string) error { return n.End(context.Background(), subject, sid) }
func (n local) endAll(subject string) error   { return n.EndAll(context.Background(), subject) }
func (n local) revoke(raw string) error       { return n.Revoke(context.Background(), raw) }

func (n local) reads() bool {
	_, err := n.Sessions(context.Background(), "nobody")
	return err == nil
}

func (n local) verify(raw string) error {
	_, err := n.Verify(context.Background(), raw)
	return err
}

// aheadBy is a clock that is ahead of another.
func aheadBy(c *clock, d time.Duration) func() time.Time {
	return func() time.Time { return c.Now().Add(d) }
}

// wayward says what is wrong with an error of a Manager: each is exactly one of the two.
func wayward(err error) error {
	invalid, unavailable := errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrUnavailable)
	if err == nil || invalid != unavailable {
		return nil
	}
	return fmt.Errorf("an error is neither or both of ErrInvalid and ErrUnavailable: %w", err)
}
