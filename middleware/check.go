package middleware

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"time"

	"github.com/writ-go/writ/token"
)

// Check is for everything that is not net/http middleware. It writes no status and no body; when it
// refreshes it adds Set-Cookie and Cache-Control: no-store to w, which must then stay as they are,
// and replaces the cookies in r. Answer an error with Deny. The token is nil without an error only
// for an Optional guard.
//
// Errors: ErrNone, ErrAnonymous, ErrAmbiguous, ErrCrossOrigin, ErrScope, ErrNotFresh, token.ErrInvalid,
// token.ErrUnavailable, and those of the rules; see Status.
func (g *Guard) Check(w http.ResponseWriter, r *http.Request) (*token.Verified, error) {
	o, err := g.check(w, r)
	return o.token, err
}

// credential is what a request presents, and where.
type credential struct {
	from Source
	raw  string // empty if it must be refreshed first
}

// outcome is what a guard found out about a request. It goes into the request's context for guards
// inside; token.FromContext would not tell them who verified the token.
type outcome struct {
	verifier   Verifier
	refresher  Refresher
	credential credential
	token      *token.Verified
	err        error // why there is no token
	refreshed  bool  // w has new cookies
	at         time.Time
}

// outcomeAge is how long guards inside may rely on an outcome. They run at once; but a handler may keep
// the context, and present the same credential under it when it has expired or was revoked.
const outcomeAge = time.Second

func (g *Guard) check(w http.ResponseWriter, r *http.Request) (outcome, error) {
	o := g.judge(w, r)
	if o.token != nil && o.token.Anonymous() && !g.anonymous {
		o.token, o.err = nil, ErrAnonymous
	}
	err := o.err
	if o.token != nil {
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
	if o.credential, o.err = g.find(r); o.err != nil {
		return o
	}
	if o.credential.from.ambient() {
		if o.err = g.crossOrigin(r); o.err != nil {
			return o
		}
	}
	if seen, ok := r.Context().Value(outcomeKey{}).(*outcome); ok {
		if seen.token != nil && seen.credential.from != o.credential.from {
			o.err = ErrAmbiguous // the guard outside has judged somebody else
			return o
		}
		if seen.answers(&o) {
			o.token, o.err = seen.token, seen.err
			return o
		}
	}
	o.token, o.err = g.verify(r.Context(), o.credential.raw)
	if _, page := o.credential.from.(Cookies); page && g.refresher != nil && dead(o.err) {
		g.refresh(w, r, &o)
	}
	return o
}

// find returns the one credential of a request. A refresh cookie is one if there is nothing else.
func (g *Guard) find(r *http.Request) (found credential, err error) {
	count := 0
	for _, s := range g.from {
		if raw, n := s.find(r); n > 0 {
			count += n
			found = credential{s, raw}
		}
	}
	if count == 0 && g.refresher != nil {
		var raw string
		if raw, count = findCookie(r.Header, g.cookies.refreshName()); raw != "" {
			found = credential{from: g.cookies}
		}
	}
	switch {
	case count > 1:
		return credential{}, ErrAmbiguous
	case found.from == nil:
		return credential{}, ErrNone
	}
	return found, nil
}

// answers reports whether what a guard outside found out holds for a guard inside, too.
func (seen *outcome) answers(o *outcome) bool {
	return seen.credential == o.credential && seen.err != ErrAnonymous && same(seen.verifier, o.verifier) &&
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
	_, page := o.credential.from.(Cookies)
	return page && dead(o.err)
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
