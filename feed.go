package writ

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// feedRow keeps the key under which IDs leave in the feed. It is the same on every node.
const feedRow = "writ:feed"

// newFeed makes the handler of the feed, if there is to be one.
func (m *Manager) newFeed(ctx context.Context) (http.Handler, error) {
	c := m.config
	if !c.FeedPublic && c.FeedAllow == nil {
		return http.NotFoundHandler(), nil
	}
	key, err := feedKey(ctx, c.Store)
	if err != nil {
		return nil, fmt.Errorf("writ: the feed's key cannot be had from the store: %w", err)
	}
	h, err := revocation.NewHandler(revocation.HandlerConfig{
		List:     m.list,
		Key:      key,
		Keys:     signingKey{m},
		Issuer:   c.Issuer,
		Allow:    c.FeedAllow,
		Public:   c.FeedPublic,
		MaxStale: c.MaxStale,
		Skew:     c.Rotation.Skew,
		MaxTTL:   token.MaxTTL,
	})
	if err != nil {
		return nil, fmt.Errorf("writ: the feed: %w", err)
	}
	return h, nil
}

// feedKey reads the key, and makes it if there is none. Of several nodes that start at once one makes it.
func feedKey(ctx context.Context, s Store) ([]byte, error) {
	row, err := s.Load(ctx, feedRow)
	if errors.Is(err, ErrNotFound) {
		key := make([]byte, 32)
		rand.Read(key)
		if row, err = s.Save(ctx, Row{ID: feedRow, Data: key}); errors.Is(err, ErrConflict) {
			row, err = s.Load(ctx, feedRow)
		}
	}
	return row.Data, err
}

// Drain ends the waiting of those who follow the feed, now and from now on: give it to
// http.Server.RegisterOnShutdown, because Shutdown waits for requests that wait.
func (m *Manager) Drain() {
	if h, ok := m.feed.(*revocation.Handler); ok {
		h.Drain()
	}
}
