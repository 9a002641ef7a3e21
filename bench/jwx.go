package main

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

var errClaims = errors.New("the claims are not good")

// jwxTokens has two: jwt.Parse with every check that it offers, and what its documentation gives to
// those to whom speed matters: jws.Verify, and a struct whose claims are checked by hand.
func jwxTokens(s *suite) ([]contender, error) {
	alg, ok := jwa.LookupSignatureAlgorithm(s.alg)
	if !ok {
		return nil, errors.New("jwx does not know " + s.alg)
	}
	// As this option is for the whole process, so is its documentation's advice to set it once.
	jwt.RegisterCustomField("data", json.RawMessage{})
	parse := []jwt.ParseOption{jwt.WithKey(alg, s.public), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithRequiredClaim(jwt.ExpirationKey)}
	verify := jws.WithKey(alg, s.public)
	head := jws.NewHeaders()
	if err := errors.Join(head.Set(jws.TypeKey, "at+jwt"), head.Set(jws.KeyIDKey, s.kid)); err != nil {
		return nil, err
	}
	sign := jws.WithKey(alg, s.private, jws.WithProtectedHeaders(head))
	signJWT := jwt.WithKey(alg, s.private, jws.WithProtectedHeaders(head))
	return []contender{{
		name: "jwx, jwt.Parse",
		verify: func(raw string) (string, error) {
			t, err := jwt.Parse([]byte(raw), parse...)
			if err != nil {
				return "", err
			}
			sub, _ := t.Subject()
			return sub, nil
		},
		signer: "jwx, jwt.Sign",
		sign: func() (string, error) {
			now := time.Now()
			p := newPrivate(now)
			t, err := jwt.NewBuilder().Issuer(issuer).Subject(subject).Audience([]string{audience}).JwtID(newID()).
				Expiration(now.Add(lifetime)).NotBefore(now).IssuedAt(now).
				Claim("client_id", p.ClientID).Claim("sid", p.SessionID).Claim("scope", p.Scope).
				Claim("ist", p.Stamp).Claim("data", p.Data).Build()
			if err != nil {
				return "", err
			}
			raw, err := jwt.Sign(t, signJWT)
			return string(raw), err
		},
	}, {
		name: "jwx, jws.Verify and a struct",
		verify: func(raw string) (string, error) {
			payload, err := jws.Verify([]byte(raw), verify)
			if err != nil {
				return "", err
			}
			var c claims
			if err := json.Unmarshal(payload, &c); err != nil {
				return "", err
			}
			now := time.Now().Unix()
			if c.Issuer != issuer || c.Audience != audience || now >= c.Expires || now < c.NotBefore || now < c.IssuedAt {
				return "", errClaims
			}
			return c.Subject, nil
		},
		signer: "jwx, jws.Sign and a struct",
		sign: func() (string, error) {
			payload, err := json.Marshal(newClaims(time.Now()))
			if err != nil {
				return "", err
			}
			raw, err := jws.Sign(payload, sign)
			return string(raw), err
		},
	}}, nil
}
