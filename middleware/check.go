package middleware

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/writ-go/writ/token"
)

// Check is for what cannot be an http.Handler. An adapter for a router does better to wrap Guard.Handler,
// which keeps its promises about the answer's header by itself, and tells guards inside what it found out.
//
// Check writes no status and no body; it may add Set-Cookie, Cache-Control and Referrer-Policy to the header
// of w, and where it does they must stay as they are. In r it replaces the cookies that it has refreshed,
// and takes out what Query and Form found. Answer an error with Deny. The token is nil without an error only
// for an Optional guard.
//
// Errors: ErrNone, ErrAnonymous, ErrAmbiguous, ErrForm, ErrTooLarge, ErrCrossOrigin, ErrScope, ErrNotFresh,
// token.ErrInvalid, token.ErrUnavailable, and those of the rules; see Status.
func (g *Guard) Check(w http.ResponseWriter, r *http.Request) (*token.Verified, error) {
	o, err := g.check(w, r)
	if o.rule != 0 {
		o.rule.apply(w.Header())
	}
	return o.token, err
}

// credential is what a request presents, and where.
type credential struct {
	from *placed // nil for none
	raw  string  // empty if it must be refreshed first
}

func (c credential) isCookie() bool { return c.from != nil && c.from.cookies }

// outcome is what a guard found out about a request. It goes into the request's context for guards
// inside; token.FromContext would not tell them who verified the token.
type outcome struct {
	verifier   Verifier
	refresher  Refresher
	credential credential
	token      *token.Verified
	err        error // why there is no token
	rule       rule  // for the header of the answer
	at         time.Time
}

// outcomeAge is how long guards inside may rely on an outcome. They run at once; but a handler may keep
// the context, and present the same credential under it when it has expired or was revoked.
const outcomeAge = time.Second

func (g *Guard) check(w http.ResponseWriter, r *http.Request) (outcome, error) {
	o := g.judge(w, r)
	if errors.Is(o.err, ErrAmbiguous) {
		g.clearFormer(w, r)
	}
	if o.token != nil && o.token.Anonymous() && !g.anonymous {
		o.token, o.err = nil, ErrAnonymous
	}
	err := o.err
	if o.token != nil {
		keepFromCaches(w, o.credential)
		err = g.permit(o.token)
	} else if g.tolerates(o) {
		err = nil
	}
	if err != nil {
		o.token = nil
	}
	if g.observe != nil {
		g.observe(r, o.token, err)
	}
	return o, err
}

// judge finds the credential and has it verified, or refreshed.
func (g *Guard) judge(w http.ResponseWriter, r *http.Request) outcome {
	o := outcome{verifier: g.verifier, refresher: g.refresher}
	if o.err = g.find(r, &o); o.err != nil {
		return o
	}
	if o.credential.from.ambient {
		if o.err = g.crossOrigin(r); o.err != nil {
			return o
		}
	}
	if seen, ok := r.Context().Value(outcomeKey{}).(*outcome); ok {
		if seen.token != nil && seen.credential.from.name != o.credential.from.name {
			// The guard outside has judged somebody else.
			o.err = &ambiguousError{[]string{seen.credential.from.name, o.credential.from.name}}
			return o
		}
		if seen.answers(&o) {
			o.token, o.err = seen.token, seen.err
			return o
		}
	}
	o.token, o.err = g.verify(r.Context(), o.credential.raw)
	if o.credential.isCookie() && g.refresher != nil && dead(o.err) {
		g.refresh(w, r, &o)
	}
	return o
}

// find finds the one credential of a request. A refresh cookie is one if there is nothing else.
func (g *Guard) find(r *http.Request, o *outcome) error {
	count := 0
	var failed error
	for i := range g.from { // all of them: each takes out of r what must not go on
		s := &g.from[i]
		raw, n, err := s.find(r)
		if failed == nil {
			failed = err
		}
		if n == 0 {
			continue
		}
		count += n
		o.credential = credential{s, raw}
		if s.inURL {
			o.rule |= inURL
		}
	}
	if failed != nil || count > 1 {
		o.credential = credential{}
	}
	if failed != nil {
		return failed
	}
	if count > 1 {
		return g.ambiguous(r)
	}
	if count == 0 && g.refresher != nil {
		raw, n := g.jars[0].findRefresh(r.Header)
		if n > 1 {
			return errTwoRefreshCookies
		}
		if raw != "" {
			count = 1
			o.credential = credential{from: g.pages}
		}
	}
	if count == 0 {
		return ErrNone
	}
	return nil
}

// ambiguous says where there are credentials. What was taken out of r is still found.
func (g *Guard) ambiguous(r *http.Request) error {
	e := &ambiguousError{}
	for i := range g.from {
		_, n, _ := g.from[i].find(r)
		for range min(n, 2) {
			e.places = append(e.places, g.from[i].name)
		}
	}
	return e
}

var errTwoRefreshCookies = &ambiguousError{[]string{"two refresh cookies"}}

// clearFormer removes older cookies that have the name of a present one, of which the request has two.
// Otherwise that browser would be refused for as long as it keeps them.
func (g *Guard) clearFormer(w http.ResponseWriter, r *http.Request) {
	for _, jar := range g.jars {
		jar.ClearFormer(w, r)
	}
}

// answers reports whether what a guard outside found out holds for a guard inside, too.
func (seen *outcome) answers(o *outcome) bool {
	return seen.credential.from != nil && seen.credential.from.name == o.credential.from.name &&
		seen.credential.raw == o.credential.raw && seen.err != ErrAnonymous && same(seen.verifier, o.verifier) &&
		(seen.token != nil || same(seen.refresher, o.refresher)) && time.Since(seen.at) < outcomeAge
}

// same compares interfaces whose values need not be comparable.
func same(a, b any) bool { return reflect.ValueOf(a).Comparable() && a == b }

func (g *Guard) verify(ctx context.Context, raw string) (*token.Verified, error) {
	if raw == "" {
		return nil, token.ErrMalformed
	}
	t, err := g.verifier.Verify(ctx, raw)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, errors.New("middleware: the Verifier returned neither a token nor an error")
	}
	return t, nil
}

// tolerates reports whether a guard that does not insist lets a request through that has no token.
func (g *Guard) tolerates(o outcome) bool {
	if !g.optional {
		return false
	}
	if o.err == ErrNone || o.err == ErrAnonymous {
		return true
	}
	return o.credential.isCookie() && dead(o.err)
}

// permit applies the guard's rules.
func (g *Guard) permit(t *token.Verified) error {
	for _, s := range g.scopes {
		if !t.HasScope(s) {
			return &scopeError{g.scopes}
		}
	}
	for _, rule := range g.rules {
		if err := rule(t); err != nil {
			return err
		}
	}
	return nil
}
