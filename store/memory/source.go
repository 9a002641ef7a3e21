package memory

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/writ-go/writ/revocation"
)

// Snapshot implements revocation.Source. add is called outside the store's lock.
func (s *Store) Snapshot(ctx context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	entries, cursor, err := s.snapshot(ctx)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		add(e)
	}
	return cursor, nil
}

func (s *Store) snapshot(ctx context.Context) ([]revocation.Entry, revocation.Cursor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, "", err
	}
	entries := make([]revocation.Entry, 0, len(s.log.entries))
	for _, e := range s.log.entries {
		entries = append(entries, e)
	}
	return entries, s.log.cursor(s.log.head()), nil
}

// Tail implements revocation.Source: it waits until something comes, ctx ends or the store is closed.
func (s *Store) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	entries, next, changed, err := s.look(ctx, after)
	for err == nil && len(entries) == 0 {
		select {
		case <-ctx.Done():
			return nil, next, nil
		case <-changed:
		}
		entries, next, changed, err = s.look(context.WithoutCancel(ctx), next)
	}
	if err != nil {
		return nil, "", err
	}
	return entries, next, nil
}

// look returns what came after a cursor, and what is closed when there is more.
func (s *Store) look(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, "", nil, err
	}
	// Never ErrRegressed: a log of another instance is not an older copy, it is another log.
	instance, position, ok := parse(after)
	if !ok || instance != s.log.instance {
		return nil, "", nil, revocation.ErrGap
	}
	entries, ok := s.log.since(position)
	if !ok {
		return nil, "", nil, revocation.ErrGap
	}
	return entries, s.log.cursor(s.log.head()), s.log.changed, nil
}

func (l *log) cursor(position uint64) revocation.Cursor {
	return revocation.Cursor(fmt.Sprintf("%x.%x", l.instance, position))
}

func parse(c revocation.Cursor) (instance, position uint64, ok bool) {
	a, b, _ := strings.Cut(string(c), ".")
	instance, err1 := strconv.ParseUint(a, 16, 64)
	position, err2 := strconv.ParseUint(b, 16, 64)
	return instance, position, err1 == nil && err2 == nil
}
