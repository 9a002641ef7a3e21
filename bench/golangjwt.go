package main

import (
	"time"

	"github.com/golang-jwt/jwt/v5"
)

type golangJWTClaims struct {
	jwt.RegisteredClaims
	private
}

// golangJWT has one parser with every check that it offers.
func golangJWT(s *suite) ([]contender, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{s.alg}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding())
	key := func(*jwt.Token) (any, error) { return s.public, nil }
	method := jwt.GetSigningMethod(s.alg)
	return []contender{{
		name: "golang-jwt",
		verify: func(raw string) (string, error) {
			var c golangJWTClaims
			if _, err := parser.ParseWithClaims(raw, &c, key); err != nil {
				return "", err
			}
			return c.Subject, nil
		},
		signer: "golang-jwt",
		sign: func() (string, error) {
			now := time.Now()
			t := jwt.NewWithClaims(method, golangJWTClaims{jwt.RegisteredClaims{
				Issuer: issuer, Subject: subject, Audience: jwt.ClaimStrings{audience}, ID: newID(),
				ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)), NotBefore: jwt.NewNumericDate(now), IssuedAt: jwt.NewNumericDate(now),
			}, newPrivate(now)})
			t.Header["kid"], t.Header["typ"] = s.kid, "at+jwt"
			return t.SignedString(s.private)
		},
	}}, nil
}
