package main

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
)

// scsDoor has sessions on the server, in memory: a random ID in a cookie, and no token.
func scsDoor(*suite) ([]door, error) {
	sessions := scs.New()
	sessions.Store = memstore.NewWithCleanupInterval(0)
	ctx, err := sessions.Load(context.Background(), "")
	if err != nil {
		return nil, err
	}
	p := newPrivate(time.Now())
	sessions.Put(ctx, "subject", subject)
	sessions.Put(ctx, "scope", p.Scope)
	sessions.Put(ctx, "data", []byte(p.Data))
	id, _, err := sessions.Commit(ctx)
	if err != nil {
		return nil, err
	}
	request := byCookie(sessions.Cookie.Name)
	return []door{{
		name: "scs, memory, cookie",
		handler: sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer(w, sessions.GetString(r.Context(), "subject"))
		})),
		good: request(id),
		bad:  []attempt{nothing(), {"an ID of no session", request("unknown")}},
	}}, nil
}
