package main

import (
	"errors"
	"time"

	"github.com/kataras/jwt"
)

// kataras has its keys by their kid, for its plain Verify accepts no header with kid or typ.
// Leeway(0) is how it is told to refuse a token without exp.
func kataras(s *suite) ([]contender, error) {
	alg, ok := map[string]jwt.Alg{"EdDSA": jwt.EdDSA, "ES256": jwt.ES256, "RS256": jwt.RS256, "HS256": jwt.HS256}[s.alg]
	if !ok {
		return nil, errors.New("kataras/jwt does not know " + s.alg)
	}
	keys := jwt.Keys{}
	keys.Register(alg, s.kid, s.public, s.private)
	checks := []jwt.TokenValidator{jwt.Expected{Issuer: issuer, Audience: jwt.Audience{audience}}, jwt.Leeway(0)}
	return []contender{{
		name: "kataras",
		verify: func(raw string) (string, error) {
			t, err := jwt.VerifyWithHeaderValidator(nil, nil, []byte(raw), keys.ValidateHeader, checks...)
			if err != nil {
				return "", err
			}
			var p private
			if err := t.Claims(&p); err != nil {
				return "", err
			}
			return t.StandardClaims.Subject, nil
		},
		signer: "kataras",
		sign: func() (string, error) {
			raw, err := jwt.SignWithHeader(alg, s.private, newClaims(time.Now()), s.header())
			return string(raw), err
		},
	}}, nil
}
