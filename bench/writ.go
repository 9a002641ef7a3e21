package main

import (
	"context"
	"errors"
	"time"

	"github.com/writ-go/writ/token"
)

// newVerifier allows no leeway, as no other contender does, and knows no revocations, as no other
// can. bytes is its cache; negative: none.
func newVerifier(s *suite, bytes int64) (*token.Verifier, error) {
	return token.NewVerifier(token.VerifierConfig{
		Issuer: issuer, Audience: audience, Keys: s.ring, UntilExpiry: true, Leeway: -1, CacheBytes: bytes})
}

// remembering is a verifier that has seen the suite's token.
func remembering(ctx context.Context, s *suite) (*token.Verifier, error) {
	v, err := newVerifier(s, 0)
	if err != nil {
		return nil, err
	}
	go v.Run(ctx)
	return v, remember(ctx, v, []string{s.good})
}

// remember has v verify the tokens until it gives each of them out twice: it has a cache that may
// drop what comes fast.
func remember(ctx context.Context, v *token.Verifier, tokens []string) error {
	for range 1000 {
		var missed []string
		for _, raw := range tokens {
			first, err := v.Verify(ctx, raw)
			if err != nil {
				return err
			}
			if again, err := v.Verify(ctx, raw); err != nil {
				return err
			} else if again != first {
				missed = append(missed, raw)
			}
		}
		if len(missed) == 0 {
			return nil
		}
		tokens = missed
		time.Sleep(5 * time.Millisecond) // it takes in what it was given in a goroutine of its own
	}
	return errors.New("writ does not remember every token")
}

// Of some tokens as many as these, a cache of so few bytes remembers hardly one.
const (
	strangers     = 1000
	strangerBytes = 64 << 10
)

func writTokens(ctx context.Context, s *suite) ([]contender, error) {
	off, err := newVerifier(s, -1)
	if err != nil {
		return nil, err
	}
	on, err := remembering(ctx, s)
	if err != nil {
		return nil, err
	}
	i, err := token.NewIssuer(token.IssuerConfig{Issuer: issuer, Audience: audience, Keys: s.ring})
	if err != nil {
		return nil, err
	}
	p := newPrivate(time.Now())
	return []contender{{
		name:   "writ, first sight",
		verify: verifyBy(ctx, off),
		signer: "writ, Issuer.Issue",
		sign: func() (string, error) {
			now := time.Now()
			return i.Issue(token.Claims{
				Subject: subject, SessionID: p.SessionID, ClientID: p.ClientID, Scope: []string{"read", "write"}, Data: p.Data,
			}, now, now.Add(lifetime), now.UnixMicro())
		},
	}, {
		name:   "writ, seen before",
		verify: verifyBy(ctx, on),
	}}, nil
}

func verifyBy(ctx context.Context, v *token.Verifier) func(string) (string, error) {
	return func(raw string) (string, error) {
		t, err := v.Verify(ctx, raw)
		if err != nil {
			return "", err
		}
		return t.Subject(), nil
	}
}

// strangersRow is the first sight of tokens while the cache runs: each is looked for, not found,
// verified and put in.
func strangersRow(ctx context.Context, s *suite) (row, error) {
	v, err := newVerifier(s, strangerBytes)
	if err != nil {
		return row{}, err
	}
	go v.Run(ctx)
	tokens := make([]string, strangers)
	for i := range tokens {
		if tokens[i], err = s.token(s.header(), newClaims(time.Now().Add(-time.Minute))); err != nil {
			return row{}, err
		}
	}
	next := 0
	return row{"writ, first sight, cache running", func() error {
		next = (next + 1) % len(tokens)
		_, err := v.Verify(ctx, tokens[next])
		return err
	}}, nil
}
