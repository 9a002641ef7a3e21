package main

import (
	"context"
	"net/http"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

const accessCookie = "__Host-access"

// The doors that others are held against.
const (
	funcHeader    = "writ Guard.Func, header, seen before"
	handlerHeader = "writ Guard.Handler, header, seen before"
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
	usual := []middleware.Source{middleware.Bearer(), middleware.Cookies{}}
	byCookie := byCookie(accessCookie)
	var doors []door
	for _, c := range []struct {
		verifier *token.Verifier
		from     []middleware.Source
		guard    func(*middleware.Guard) http.Handler
		request  func(string) *http.Request
		door
	}{
		{off, usual, guardFunc, byHeader, door{name: "writ Guard.Func, header, first sight"}},
		{on, usual, guardFunc, byHeader, door{name: funcHeader, goal: &goal{ns: 350}}},
		{on, usual, guardHandler, byHeader, door{name: handlerHeader, goal: &goal{ns: 500, allocs: 2}}},
		{on, usual, guardFunc, byCookie, door{
			name: "writ Guard.Func, cookie, seen before", goal: &goal{100, funcHeader, 0}, same: uncached}},
		{on, usual, guardHandler, byCookie, door{
			name: "writ Guard.Handler, cookie, seen before", goal: &goal{100, handlerHeader, 2}, same: uncached}},
		{on, append(usual[:2:2], middleware.Query{}), guardFunc, byQuery, door{name: "writ Guard.Func, query, seen before"}},
	} {
		g, err := middleware.New(middleware.Config{Verifier: c.verifier, From: c.from})
		if err != nil {
			return nil, err
		}
		d, err := s.guarded(c.name, c.guard(g), c.request)
		if err != nil {
			return nil, err
		}
		d.goal, d.same = c.goal, c.same
		if d.good.URL.RawQuery != "" {
			d.restore = restoring(d.good)
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
