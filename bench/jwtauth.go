package main

import (
	"net/http"

	"github.com/go-chi/jwtauth/v5"
	"github.com/lestrrat-go/jwx/v2/jwt"
)

// jwtauthDoor needs both of its handlers: Verifier alone lets everybody through.
func jwtauthDoor(s *suite) ([]door, error) {
	auth := jwtauth.New(s.alg, nil, s.public, jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithRequiredClaim(jwt.ExpirationKey))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, c, _ := jwtauth.FromContext(r.Context())
		sub, _ := c["sub"].(string)
		answer(w, sub)
	})
	d, err := s.guarded("go-chi/jwtauth", jwtauth.Verifier(auth)(jwtauth.Authenticator(auth)(handler)), byHeader)
	return []door{d}, err
}
