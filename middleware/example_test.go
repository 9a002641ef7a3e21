package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// One guard serves many handlers, each with rules of its own.
func ExampleGuard() {
	login := newLogin() // in a program: writ.Open or writ.Follow
	guard, err := middleware.New(middleware.Config{Verifier: login.verifier})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.Handle("GET /me", guard.Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "hello,", t.Subject())
	}))
	mux.Handle("GET /admin", guard.Scope("admin").Handler(http.NotFoundHandler()))

	for _, path := range []string{"/me", "/admin"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+login.token("read"))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
	}

	// Output:
	// 200  hello, alice
	//
	// 403 Bearer error="insufficient_scope", scope="admin" {"code":"insufficient_scope","detail":"The token must have these scopes: admin.","status":403,"title":"Forbidden","type":"about:blank"}
}

// Require says who may pass; a rule that cannot tell says so, too.
func ExampleGuard_Require() {
	login := newLogin()
	guard := newGuard(middleware.Config{Verifier: login.verifier})
	noActors := guard.Require(func(t *token.Verified) error {
		if t.Actor() != "" {
			return fmt.Errorf("%w: %s acts for %s", middleware.ErrForbidden, t.Actor(), t.Subject())
		}
		return nil
	})
	r := httptest.NewRequest("POST", "/password", nil)
	raw := login.issue(token.Claims{Subject: "alice", Actor: "support"}, time.Now(), time.Minute)
	r.Header.Set("Authorization", "Bearer "+raw)
	_, err := noActors.Check(httptest.NewRecorder(), r)
	fmt.Println(err, middleware.Status(err))
	// Output: forbidden: support acts for alice 403
}

// The zero value of Cookies is right for pages.
func ExampleCookies() {
	w := httptest.NewRecorder()
	err := middleware.Cookies{}.Set(w, &token.Pair{Access: "ACCESS", Refresh: "REFRESH"})
	if err != nil {
		panic(err)
	}
	for _, line := range w.Header()["Set-Cookie"] {
		fmt.Println(line)
	}
	// Output:
	// __Host-access=ACCESS; Path=/; HttpOnly; Secure; SameSite=Lax
	// __Host-refresh=REFRESH; Path=/; HttpOnly; Secure; SameSite=Lax
}
