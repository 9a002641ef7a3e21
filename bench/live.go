package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// revoked is a log of sessions that ended, none of which is one of ours. Nothing is added to it.
type revoked int

func (n revoked) Snapshot(_ context.Context, add func(revocation.Entry)) (revocation.Cursor, error) {
	expires := time.Now().Add(time.Hour)
	for range n {
		add(revocation.Entry{Kind: revocation.Session, ID: newID(), Before: revocation.Ended, Expires: expires})
	}
	return "", nil
}

func (revoked) Tail(ctx context.Context, after revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	<-ctx.Done()
	return nil, after, nil
}

// liveRows are the tokens of many sessions, seen before and in random order, each checked against
// so many revocations.
func liveRows(ctx context.Context, s *suite, revocations revoked, sizes ...int) ([]row, error) {
	list := revocation.NewList(revocation.Config{Source: revocations})
	if err := list.Load(ctx); err != nil {
		return nil, err
	}
	go list.Run(ctx)
	var rows []row
	for _, size := range sizes {
		v, err := token.NewVerifier(token.VerifierConfig{
			Issuer: issuer, Audience: audience, Keys: s.ring, Revocations: list, Leeway: -1, CacheBytes: 512 << 20})
		if err != nil {
			return nil, err
		}
		go v.Run(ctx)
		tokens, err := s.sessions(size)
		if err != nil {
			return nil, err
		}
		if err := remember(ctx, v, tokens); err != nil {
			return nil, err
		}
		rand.Shuffle(size, func(i, j int) { tokens[i], tokens[j] = tokens[j], tokens[i] })
		next := 0
		rows = append(rows, row{fmt.Sprintf("writ, seen before, live tokens: %s", count(size)), func() error {
			if next++; next == size {
				next = 0
			}
			_, err := v.Verify(ctx, tokens[next])
			return err
		}})
	}
	return rows, nil
}

// sessions are n tokens, each of another user and session.
func (s *suite) sessions(n int) ([]string, error) {
	tokens := make([]string, n)
	for i := range tokens {
		c := newClaims(time.Now().Add(-time.Minute))
		c.Subject, c.SessionID = fmt.Sprintf("user-%010d", i), newID()
		var err error
		if tokens[i], err = s.token(s.header(), c); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}
