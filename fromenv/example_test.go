package fromenv_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/fromenv"
	"github.com/writ-go/writ/store/sqlite"
	"github.com/writ-go/writ/token"
)

// A program with WRIT_ISSUER=https://app.example, WRIT_STORE=sqlite:sessions.db and a WRIT_SECRET_FILE.
func ExampleOpen() {
	ctx := context.Background()
	sessions, err := fromenv.Open(ctx, fromenv.Stores{"sqlite": sqlite.OpenURL})
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
	go sessions.Run(ctx)

	http.Handle("GET /me", sessions.Guard().Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		w.Write([]byte(t.Subject()))
	}))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

// A service with WRIT_ISSUER=https://app.example and WRIT_AUDIENCE=https://app.example, and nothing else: no
// store, and no secret.
func ExampleFollow() {
	ctx := context.Background()
	issuer, err := fromenv.Follow(ctx)
	if err != nil {
		log.Fatal(err)
	}
	go issuer.Run(ctx)

	http.Handle("GET /notes", issuer.Guard().Scope("notes").Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "the notes of", t.Subject())
	}))
	http.Handle("GET /healthz", issuer.Health())
	log.Fatal(http.ListenAndServe("localhost:8081", nil))
}

// What the environment does not say is set between the two halves of Open.
func ExampleConfig() {
	ctx := context.Background()
	c, err := fromenv.Config(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	c.SignInPage = "/login"
	sessions, err := writ.Open(ctx, c)
	if err != nil {
		log.Fatal(err)
	}
	defer sessions.Close()
}
