package faults_test

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// hold takes the answer of a successful operation.
func (m *machine) hold(r *rapid.T, s *sitting, pair *token.Pair, until time.Time) *accessToken {
	if pair.SessionID != s.id {
		r.Fatalf("the answer is of another session")
	}
	if !pair.AccessExpires.Equal(until.Truncate(time.Second)) {
		r.Fatalf("the access token expires at %v, want %v", pair.AccessExpires, until)
	}
	if !pair.RefreshExpires.Equal(s.line.abs) {
		r.Fatalf("the session expires at %v, want %v", pair.RefreshExpires, s.line.abs)
	}
	a := &accessToken{raw: pair.Access, of: s, expires: until.Truncate(time.Second), scope: s.scope, data: s.data, keySteps: m.keySteps}
	a.name = fmt.Sprintf("an access token of session %d", s.number)
	if s.end != nil {
		a.by = append(a.by, s.end)
	}
	for _, k := range m.killings {
		if k.lost && k.matches(a) {
			a.by = append(a.by, k) // the other node had not heard of it
		}
	}
	m.tokens = append(m.tokens, a)
	return a
}

// until is when an access token ends that is issued now.
func (m *machine) until(s *sitting, now time.Time) time.Time {
	if until := now.Add(m.access); until.Before(s.line.abs) {
		return until
	}
	return s.line.abs
}

// read is the paper that a refresh token is. The counters stand in it; see the design.
func read(r *rapid.T, raw string) *paper {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(raw, rotation.Prefix))
	if err != nil || len(b) != 64 {
		r.Fatalf("a refresh token has not its form")
	}
	return &paper{raw, ticket{binary.BigEndian.Uint64(b[20:]), binary.BigEndian.Uint32(b[28:])}}
}

// classify names what an error of the Manager is, and wants it to be exactly one thing.
func classify(r *rapid.T, err error) string {
	switch no, later := errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrUnavailable); {
	case err == nil:
		return "nil"
	case no && later:
		r.Fatalf("an error is both final and not: %v", err)
		return ""
	case no:
		return "invalid"
	case later:
		return "unavailable"
	case errors.Is(err, writ.ErrNotFound):
		return "not found"
	case errors.Is(err, writ.ErrRefused):
		return "refused"
	case errors.Is(err, writ.ErrTooManySessions):
		return "too many"
	}
	return "something else: " + err.Error()
}

// expect fails unless err is what it should be.
func expect(r *rapid.T, what string, err error, want string) {
	if got := classify(r, err); got != want {
		r.Fatalf("%s: %s (%v), want %s", what, got, err, want)
	}
}

// drawMishap is perhaps a call that fails.
func drawMishap(r *rapid.T, one int, calls ...string) *mishap {
	if !chance(r, "mishap", one) {
		return nil
	}
	f := &mishap{call: rapid.SampledFrom(calls).Draw(r, "call"), when: beforeWork}
	f.nth = rapid.SampledFrom([]int{1, 1, 2}).Draw(r, "nth")
	if (f.call == "Save" || f.call == "Append") && rapid.Bool().Draw(r, "after the work") {
		f.when = afterWork
	}
	return f
}
