package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/postgres"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/token"
)

// setupName is the variable that tells a process of this program what it is, in JSON.
const setupName = "WRIT_SPREAD_PROCESS"

// setup is what a process is: a node on a store, or an API that follows one.
type setup struct {
	Store    string // of a node
	URL      string
	Name     string // of the schema, or the prefix
	PollOnly bool
	Follow   string // of an API: the node's address
}

const issuer = "https://spread.example"

const (
	keysPath = "/keys"
	feedPath = "/revocations"
)

// peer is what a process can do. An API can only verify.
type peer struct {
	verify func(ctx context.Context, raw string) (*token.Verified, error)
	run    func(ctx context.Context) error
	node   *writ.Manager // nil: an API
}

func (s setup) open(ctx context.Context) (*peer, error) {
	if s.Follow != "" {
		f, err := writ.Follow(ctx, writ.FollowConfig{
			Issuer: issuer, Audience: issuer, KeysURL: s.Follow + keysPath, FeedURL: s.Follow + feedPath, AllowPlainLoopback: true,
		})
		if err != nil {
			return nil, err
		}
		return &peer{f.Verify, f.Run, nil}, f.Ready()
	}
	store, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	m, err := writ.Open(ctx, writ.Config{Issuer: issuer, Store: store, KeysInClear: true, FeedPublic: true})
	if err != nil {
		store.Close()
		return nil, err
	}
	return &peer{m.Verify, m.Run, m}, nil
}

func (s setup) openStore(ctx context.Context) (writ.Store, error) {
	switch s.Store {
	case "PostgreSQL":
		store, err := postgres.Open(ctx, postgres.Config{URL: s.URL, Schema: s.Name, PollOnly: s.PollOnly})
		if err != nil {
			return nil, err
		}
		return store, nil
	case "Redis":
		store, err := redis.Open(ctx, redis.Config{URL: s.URL, Prefix: s.Name, PollOnly: s.PollOnly})
		if err != nil {
			return nil, err
		}
		return store, nil
	}
	return nil, fmt.Errorf("no store is called %q", s.Store)
}

// handler serves what an API follows.
func (p *peer) handler() http.Handler {
	mux := http.NewServeMux()
	e := p.node.Endpoints()
	mux.Handle(keysPath, e.Keys)
	mux.Handle(feedPath, e.Revocations)
	return mux
}
