package main

import (
	"context"
	"net/http"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

func writDoors(ctx context.Context, s *suite) ([]door, error) {
	off, err := newVerifier(s, -1)
	if err != nil {
		return nil, err
	}
	on, err := remembering(ctx, s)
	if err != nil {
		return nil, err
	}
	var doors []door
	for _, c := range []struct {
		name     string
		verifier *token.Verifier
		guard    func(*middleware.Guard) http.Handler
		request  func(string) *http.Request
	}{
		{"writ Guard.Func, header, first sight", off, guardFunc, byHeader},
		{"writ Guard.Func, header, seen before", on, guardFunc, byHeader},
		{"writ Guard.Handler, header, seen before", on, guardHandler, byHeader},
		{"writ Guard.Func, cookie, seen before", on, guardFunc, byCookie("__Host-access")},
	} {
		g, err := middleware.New(middleware.Config{
			Verifier: c.verifier, From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}})
		if err != nil {
			return nil, err
		}
		d, err := s.guarded(c.name, c.guard(g), c.request)
		if err != nil {
			return nil, err
		}
		doors = append(doors, d)
	}
	return doors, nil
}

func guardFunc(g *middleware.Guard) http.Handler {
	return g.Func(func(w http.ResponseWriter, _ *http.Request, t *token.Verified) { answer(w, t.Subject()) })
}

func guardHandler(g *middleware.Guard) http.Handler {
	return g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := token.FromContext(r.Context())
		answer(w, t.Subject())
	}))
}
