package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/writ-go/writ/token"
)

// Verifier is *token.Verifier or *writ.Manager. Its errors wrap token.ErrInvalid or
// token.ErrUnavailable, and a token never comes with one.
type Verifier interface {
	Verify(ctx context.Context, raw string) (*token.Verified, error)
}

// Refresher is *writ.Manager. With one, a page whose access cookie is missing or no good is
// refreshed before the handler runs. Its errors wrap token.ErrInvalid or token.ErrUnavailable.
type Refresher interface {
	Refresh(ctx context.Context, raw string, from token.Client) (*token.Pair, error)
}

// Config configures a Guard.
type Config struct {
	// Verifier judges tokens. Required.
	Verifier Verifier
	// From says where the credential may stand, each place once. Default: Bearer only.
	From []Source
	// Refresher refreshes pages. It needs a Cookies in From, without RefreshPath. Default: none, and
	// an expired cookie is refused. A handler that takes over the connection (WebSocket) must send
	// what w.Header() holds itself, or the browser does not get its new cookies.
	Refresher Refresher
	// TrustedOrigins are other origins ("https://app.example") whose requests may use the cookies.
	// Default: none.
	TrustedOrigins []string
	// Deny answers a refused request. If it writes nothing, the default answer is given. Default:
	// the challenges of RFC 6750 and RFC 9470 with a body of application/problem+json (RFC 9457), whose
	// member "code" is for programs; by the Accept header a page, a redirect to SignInPage, or text.
	Deny func(w http.ResponseWriter, r *http.Request, err error)
	// SignInPage is where a browser that asks for a page is sent instead of getting a 401: a path of
	// this site, such as "/login". It must not be behind the guard,
	// unless that is Optional. It gets what was asked for as
	// return_to, see ReturnPath; and prompt=login, with max_age in seconds and acr_values, if somebody is
	// signed in who has to do so again (see Guard.Fresh): it must ask for the password then, or the browser
	// goes in circles. Default: none.
	SignInPage string
	// Observe is called once for every request that the guard checks; t is nil if the request was
	// refused (err says why) or is anonymous (err is nil). It must not block. A guard inside another
	// observes the request too. Default: none.
	Observe func(r *http.Request, t *token.Verified, err error)
	// Now is the clock that Guard.Fresh goes by. Default time.Now.
	Now func() time.Time
}

// Guard checks requests. It is immutable; Scope, Fresh, Require, Optional and AllowAnonymous return
// stricter or looser copies.
//
// A guard nested in another with the same Verifier takes over what the other has just found out about
// the same credential, and applies its own rules. It refuses a credential from another place than the
// other's (ErrAmbiguous): one guard would judge one user, and the handler serve another.
type Guard struct {
	verifier    Verifier
	from        []placed
	jars        []Cookies // of from; one if there is a refresher
	pages       *placed   // that one
	refresher   Refresher
	crossOrigin func(*http.Request) error
	deny        func(http.ResponseWriter, *http.Request, error)
	signIn      signInPage
	observe     func(*http.Request, *token.Verified, error)
	now         func() time.Time

	optional  bool
	anonymous bool
	scopes    []string
	rules     []func(*token.Verified) error
}

// New refuses a Config without Verifier, with one place named twice in From, with a Source that does
// not add up (Cookies that hold no access token, say), with a Refresher that has no cookies to refresh
// from, with a malformed origin, or with a SignInPage that is not a path of this site.
func New(c Config) (*Guard, error) {
	if c.Verifier == nil {
		return nil, errors.New("middleware: Config.Verifier is required")
	}
	g := &Guard{
		verifier:  c.Verifier,
		refresher: c.Refresher,
		deny:      c.Deny,
		observe:   c.Observe,
		now:       c.Now,
	}
	if g.now == nil {
		g.now = time.Now
	}
	from := c.From
	if len(from) == 0 {
		from = []Source{Bearer()}
	}
	for _, s := range from {
		if err := g.addSource(s); err != nil {
			return nil, err
		}
	}
	err := g.checkRefresher()
	if err != nil {
		return nil, err
	}
	if g.signIn, err = newSignInPage(c.SignInPage); err != nil {
		return nil, err
	}
	if g.crossOrigin, err = CrossOrigin(c.TrustedOrigins); err != nil {
		return nil, err
	}
	return g, nil
}

// placed is a Source with what a guard asks about it at every request.
type placed struct {
	Source
	name    string
	cookies bool
	ambient bool
	inURL   bool
	// cacheable: of the Authorization header caches know that the answer is one user's own (RFC 9111
	// section 3.5), and an answer to a token in the URL has a rule of its own.
	cacheable bool
}

func (g *Guard) addSource(s Source) error {
	if s == nil {
		return errors.New("middleware: Config.From holds a nil Source")
	}
	s, err := s.checked()
	if err != nil {
		return err
	}
	p := placed{Source: s, name: s.place(), ambient: s.ambient(), cacheable: true}
	for _, other := range g.from {
		if p.name == other.name {
			return fmt.Errorf("middleware: Config.From names %s twice", p.name)
		}
	}
	switch s := s.(type) {
	case Cookies:
		p.cookies = true
		g.jars = append(g.jars, s)
	case Query:
		p.inURL, p.cacheable = true, false
	case bearer:
		p.cacheable = false
	}
	g.from = append(g.from, p)
	return nil
}

func (g *Guard) checkRefresher() error {
	switch {
	case g.refresher == nil:
		return nil
	case len(g.jars) != 1:
		return errors.New("middleware: Config.Refresher needs exactly one Cookies in Config.From")
	case g.jars[0].RefreshPath != "":
		return errors.New("middleware: pages cannot be refreshed with Cookies.RefreshPath, which keeps the " +
			"refresh cookie from them: drop it, or Config.Refresher")
	}
	for i := range g.from {
		if g.from[i].cookies {
			g.pages = &g.from[i]
		}
	}
	return nil
}

// Scope requires every scope named, beside those required already: 403 insufficient_scope. It panics
// without names, because a rule that requires nothing is a mistake.
func (g *Guard) Scope(names ...string) *Guard {
	if len(names) == 0 {
		panic("middleware: Guard.Scope needs the name of a scope")
	}
	stricter := *g
	stricter.scopes = slices.Concat(g.scopes, names)
	return &stricter
}

// Fresh requires a sign-in not older than maxAge, in whole seconds, and one of the acr values if any
// are named: 401 insufficient_user_authentication (RFC 9470). A token that does not say when its
// subject signed in is not fresh. It panics if maxAge is under a second.
func (g *Guard) Fresh(maxAge time.Duration, acr ...string) *Guard {
	if maxAge < time.Second {
		panic("middleware: Guard.Fresh needs an age of at least a second")
	}
	acr = slices.Clone(acr)
	refusal := &freshError{maxAge: int(maxAge / time.Second), acr: acr}
	return g.Require(func(t *token.Verified) error {
		signedIn := t.AuthTime()
		if signedIn.IsZero() || g.now().Sub(signedIn) > maxAge || len(acr) > 0 && !slices.Contains(acr, t.ACR()) {
			return refusal
		}
		return nil
	})
}

// Require adds a rule of your own. The rule returns nil to let the request pass, ErrForbidden (or an
// error that wraps it) to refuse it with 403, and an error that wraps token.ErrUnavailable if it
// cannot tell now: 503. Any other error is taken for a fault of the rule: 500. The text of the error
// goes to Observe and Deny, and by default never to the client.
//
// Rules see tokens only: a request that Optional lets through without one does not meet them.
func (g *Guard) Require(rule func(*token.Verified) error) *Guard {
	if rule == nil {
		panic("middleware: Guard.Require needs a rule")
	}
	stricter := *g
	stricter.rules = append(slices.Clip(g.rules), rule)
	return &stricter
}

// AllowAnonymous lets the sessions of visitors through, to which nobody has signed in: see
// token.Verified.Anonymous. Other guards refuse them with ErrAnonymous, so that a visitor is nowhere
// taken for a user.
func (g *Guard) AllowAnonymous() *Guard {
	looser := *g
	looser.anonymous = true
	return &looser
}

// Optional lets a request without a credential, with dead cookies, or of a visitor (see
// AllowAnonymous) through with a nil token. A bad credential in any other place is still refused, and so
// is a token that breaks a rule, and everything while tokens cannot be judged.
func (g *Guard) Optional() *Guard {
	looser := *g
	looser.optional = true
	return &looser
}
