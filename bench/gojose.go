package main

import (
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

type goJOSEClaims struct {
	jwt.Claims
	private
}

var errNoExpiry = errors.New("the token does not expire")

// goJOSE accepts a token without exp, so that is checked by hand.
func goJOSE(s *suite) ([]contender, error) {
	algorithms := []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.alg)}
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithms[0], Key: s.private},
		(&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", s.kid))
	if err != nil {
		return nil, err
	}
	return []contender{{
		name: "go-jose",
		verify: func(raw string) (string, error) {
			t, err := jwt.ParseSigned(raw, algorithms)
			if err != nil {
				return "", err
			}
			var c goJOSEClaims
			if err := t.Claims(s.public, &c); err != nil {
				return "", err
			}
			if c.Expiry == nil {
				return "", errNoExpiry
			}
			if err := c.ValidateWithLeeway(expected, 0); err != nil {
				return "", err
			}
			return c.Subject, nil
		},
		signer: "go-jose",
		sign: func() (string, error) {
			now := time.Now()
			return jwt.Signed(signer).Claims(goJOSEClaims{jwt.Claims{
				Issuer: issuer, Subject: subject, Audience: jwt.Audience{audience}, ID: newID(),
				Expiry: jwt.NewNumericDate(now.Add(lifetime)), NotBefore: jwt.NewNumericDate(now), IssuedAt: jwt.NewNumericDate(now),
			}, newPrivate(now)}).Serialize()
		},
	}}, nil
}
