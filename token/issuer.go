package token

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

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
	return &Issuer{c}, nil
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
		return "", fmt.Errorf("token: no signing key: %w: %w", ErrUnavailable, err)
	}
	ttl := MaxTTL
	if limit := key.MaxTTL(); limit > 0 {
		ttl = min(ttl, limit)
	}
	from, until := issued.Unix(), expires.Unix()
	if until <= from || time.Duration(until-from)*time.Second > ttl {
		return "", fmt.Errorf("token: it would live %s; it must live at least a second and at most %s (the key's limit)",
			time.Duration(until-from)*time.Second, ttl)
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
		Data:      jsontext.Value(c.Data),
	}
	if !c.AuthTime.IsZero() {
		w.AuthTime = float64(c.AuthTime.Unix())
	}
	if c.Actor != "" {
		w.Actor = &actor{c.Actor}
	}
	return sign(w, key)
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

func sign(w wire, key *keys.Private) (string, error) {
	public := key.Public()
	head, err := header{Algorithm: public.Algorithm().Name(), KeyID: public.ID(), Type: tokenType}.encode()
	if err != nil {
		return "", fmt.Errorf("token: header: %w", err)
	}
	payload, err := jsonv2.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("token: claims are not valid UTF-8 or not JSON: %w", err)
	}
	b := make([]byte, 0, len(head)+2+base64.RawURLEncoding.EncodedLen(len(payload))+128)
	b = append(append(b, head...), '.')
	b = base64.RawURLEncoding.AppendEncode(b, payload)
	signature, err := key.Sign(b)
	if err != nil {
		return "", fmt.Errorf("token: signing: %w: %w", ErrUnavailable, err)
	}
	b = append(b, '.')
	b = base64.RawURLEncoding.AppendEncode(b, signature)
	if len(b) > MaxSize {
		return "", fmt.Errorf("token: it would have %d bytes, and %d is the limit: keep less in Claims.Data or Scope", len(b), MaxSize)
	}
	return string(b), nil
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
