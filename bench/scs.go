package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	goredis "github.com/redis/go-redis/v9"

	"github.com/writ-go/writ/internal/servers"
)

// scsDoors have sessions on the server: a random ID in a cookie, and no token. absent says which of them
// are not compared, and why.
func scsDoors(ctx context.Context, h *host) (doors []door, absent []string, err error) {
	memory, err := scsDoor(ctx, "scs, memory, cookie", memstore.NewWithCleanupInterval(0))
	if err != nil {
		return nil, nil, err
	}
	const onRedis = "scs, Redis, cookie"
	client, err := h.redis()
	if errors.Is(err, errMissing) {
		return []door{memory}, []string{fmt.Sprintf("%s: %v.", onRedis, err)}, nil
	} else if err != nil {
		return nil, nil, err
	}
	redis, err := scsDoor(ctx, onRedis, goredisstore.New(client))
	redis.redis = true
	return []door{memory, redis}, nil, err
}

func scsDoor(ctx context.Context, name string, store scs.Store) (door, error) {
	sessions := scs.New()
	sessions.Store = store
	ctx, err := sessions.Load(ctx, "")
	if err != nil {
		return door{}, err
	}
	p := newPrivate(time.Now())
	sessions.Put(ctx, "subject", subject)
	sessions.Put(ctx, "scope", p.Scope)
	sessions.Put(ctx, "data", []byte(p.Data))
	id, _, err := sessions.Commit(ctx)
	request := byCookie(sessions.Cookie.Name)
	return door{
		name: name,
		handler: sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(w, sessions.GetString(r.Context(), "subject"))
		})),
		good: request(id),
		bad:  []attempt{nothing(), {"an ID of no session", request("unknown")}},
	}, err
}

// redis is a client, with the settings that it comes with, of a server that ends with h. errMissing:
// there is no program to start.
func (h *host) redis() (client *goredis.Client, err error) {
	err = h.on(func(t testing.TB) {
		client = goredis.NewClient(&goredis.Options{Addr: servers.Redis(t).Addr()})
		t.Cleanup(func() { client.Close() })
	})
	return client, err
}
