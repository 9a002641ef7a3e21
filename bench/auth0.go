package main

import (
	"context"
	"net/http"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/validator"
)

// auth0Claims also refuses a token without exp, which the validator accepts.
type auth0Claims struct {
	Expires int64 `json:"exp"`
	private
}

func (c *auth0Claims) Validate(context.Context) error {
	if c.Expires == 0 {
		return errNoExpiry
	}
	return nil
}

func auth0Door(s *suite) ([]door, error) {
	v, err := validator.New(
		func(context.Context) (any, error) { return s.public, nil },
		validator.SignatureAlgorithm(s.alg), issuer, []string{audience},
		validator.WithCustomClaims(func() validator.CustomClaims { return &auth0Claims{} }))
	if err != nil {
		return nil, err
	}
	// The default handler answers a request without a token with 400.
	refuse := jwtmiddleware.WithErrorHandler(func(w http.ResponseWriter, _ *http.Request, _ error) {
		http.Error(w, "no good token", http.StatusUnauthorized)
	})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
		answer(w, c.RegisteredClaims.Subject)
	})
	d, err := s.guarded("auth0/go-jwt-middleware", jwtmiddleware.New(v.ValidateToken, refuse).CheckJWT(handler), byHeader)
	return []door{d}, err
}
