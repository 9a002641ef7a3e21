package token

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
)

// MaxSize is the longest token, in bytes, that a Verifier looks at. An Issuer signs none that would
// not fit a header line of that length.
const MaxSize = jws.MaxSize

// maxIssued leaves room for "Authorization: Bearer " in a line of 8 KiB, which is what many proxies
// allow a header.
const maxIssued = MaxSize - 64

// SigningKey gives the key to sign with now. keys.Ring is one. An error means that none can be had
// at the moment.
type SigningKey interface {
	Signing() (*keys.Private, error)
}

// IssuerConfig configures an Issuer. All fields are required. Low-level: writ.Open makes one.
type IssuerConfig struct {
	Issuer   string // "iss", exactly
	Audience string // "aud"
	Keys     SigningKey
}

// Issuer signs access tokens (RFC 9068).
type Issuer struct {
	config IssuerConfig
	prefix atomic.Pointer[prefix]
}

// prefix is what all tokens under one key begin with.
type prefix struct {
	key  *keys.Private
	text string
}

// NewIssuer refuses an empty issuer, audience or key.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	var missing []error
	if c.Issuer == "" {
		missing = append(missing, errors.New("token: IssuerConfig.Issuer is empty: name who signs"))
	}
	if c.Audience == "" {
		missing = append(missing, errors.New("token: IssuerConfig.Audience is empty: name who the tokens are for"))
	}
	if c.Keys == nil {
		missing = append(missing, errors.New("token: IssuerConfig.Keys is nil: give a keys.Ring"))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	return &Issuer{config: c}, nil
}

// Issue signs c as an access token that is good from issued until expires, both cut to the second.
// stamp is the issue stamp, in microseconds since 1970, that revocations are compared with: at least
// issued, and above every cutoff that has been in force for the subject.
//
// An empty ClientID becomes the issuer. ErrUnavailable: there is no key to sign with now. Any other
// error is a mistake in the claims, and its text says which.
func (i *Issuer) Issue(c Claims, issued, expires time.Time, stamp int64) (string, error) {
	if c.ClientID == "" {
		c.ClientID = i.config.Issuer
	}
	if err := i.check(c, stamp); err != nil {
		return "", err
	}
	key, err := i.config.Keys.Signing()
	if err != nil {
		return "", fmt.Errorf("token: no signing key: %w: %v", ErrUnavailable, err)
	}
	if key == nil {
		return "", fmt.Errorf("%w: the SigningKey returned neither a key nor an error", ErrUnavailable)
	}
	ttl := MaxTTL
	if limit := key.MaxTTL(); limit > 0 {
		ttl = min(ttl, limit)
	}
	from, until := issued.Unix(), expires.Unix()
	if until <= from || until-from > int64(ttl/time.Second) {
		return "", fmt.Errorf("token: it would live %d seconds; it must live at least one and at most %s (the key's limit)",
			until-from, ttl)
	}
	w := wire{
		Issuer:    i.config.Issuer,
		Subject:   c.Subject,
		Audience:  audience{i.config.Audience},
		Expires:   float64(until),
		NotBefore: float64(from),
		IssuedAt:  float64(from),
		ID:        newID(),
		ClientID:  c.ClientID,
		SessionID: c.SessionID,
		Scope:     strings.Join(c.Scope, " "),
		ACR:       c.ACR,
		AMR:       c.AMR,
		Stamp:     stamp,
		object:    string(compact(jsontext.Value(c.Data))),
	}
	if !c.AuthTime.IsZero() {
		w.AuthTime = float64(c.AuthTime.Unix())
	}
	if c.Actor != "" {
		w.Actor = &actor{c.Actor}
	}
	if err := w.check(Foreign{}); err != nil {
		return "", fmt.Errorf("token: no Verifier would accept it: %v", err) // the mistake is the program's: not ErrInvalid
	}
	return i.sign(w, key)
}

// check refuses claims that would say something else to a verifier than to the program.
func (i *Issuer) check(c Claims, stamp int64) error {
	switch {
	case c.Subject == "":
		return errors.New("token: Claims.Subject is empty")
	case c.Subject == c.ClientID || c.Subject == i.config.Issuer: // RFC 9700 section 4.15
		return errors.New("token: Claims.Subject is the name of a client; a person must not be mistaken for one")
	case IsAnonymous(c.Subject) && c.Subject != Anonymous(c.SessionID):
		return fmt.Errorf("token: Claims.Subject begins with %q, which is kept for anonymous sessions", anonymousPrefix)
	case stamp <= 0 || stamp >= maxStamp:
		return errors.New("token: the issue stamp is not in microseconds since 1970")
	}
	for _, s := range c.Scope {
		if !validScope(s) {
			return errors.New("token: Claims.Scope: a scope has no spaces, quotes or characters beyond ASCII, and is not empty")
		}
	}
	if len(c.Data) > 0 {
		if d := jsontext.Value(c.Data); !d.IsValid() || d.Kind() != '{' {
			return errors.New("token: Claims.Data is not a JSON object without duplicate names")
		}
	}
	return nil
}

func (i *Issuer) sign(w wire, key *keys.Private) (string, error) {
	p := i.prefix.Load()
	if p == nil || p.key != key {
		text, err := jws.Prefix(key, accessToken)
		if err != nil {
			return "", err
		}
		p = &prefix{key, text}
		i.prefix.Store(p)
	}
	payload, err := w.encode()
	if err != nil {
		return "", fmt.Errorf("token: claims are not valid UTF-8: %w", err)
	}
	raw, err := jws.Sign(p.text, payload, key)
	if err != nil {
		return "", fmt.Errorf("token: signing: %w: %v", ErrUnavailable, err)
	}
	if len(raw) > maxIssued {
		return "", fmt.Errorf("token: it would have %d bytes, and %d is the limit: put less into the claims; the biggest: %s",
			len(raw), maxIssued, Largest(raw))
	}
	return raw, nil
}

// compact takes white space out of an object that was checked.
func compact(object jsontext.Value) jsontext.Value {
	if bytes.ContainsAny(object, " \n\r\t") {
		object = slices.Clone(object)
		object.Compact()
	}
	return object
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
