package writ_test

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
	"github.com/writ-go/writ/store/sqlite"
	"github.com/writ-go/writ/token"
)

// password stands for what a program knows of its users.
func password(r *http.Request) (name string, ok bool) {
	return r.FormValue("username"), r.FormValue("password") == "wonderland"
}

var signInForm = template.Must(template.New("").Parse(`<form method="post" action="/login">
<input name="username"> <input name="password" type="password">
<input name="return_to" type="hidden" value="{{.}}"> <button>Sign in</button>
</form>`))

// A program with pages: sign in, guard, refresh, sign out. A page whose access token has expired is
// refreshed before its handler runs.
func Example_pages() {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, "sessions.db")
	if err != nil {
		log.Fatal(err)
	}
	secret, err := writ.SecretFile("sessions.secret")
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := writ.Open(ctx, writ.Config{
		Issuer:     "https://app.example",
		Store:      store,
		Secret:     secret,
		SignInPage: "/login",
	})
	if err != nil {
		log.Fatal(err)
	}
	go sessions.Run(ctx)

	http.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		signInForm.Execute(w, middleware.ReturnPath(r))
	})
	http.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		name, ok := password(r)
		if !ok {
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
		} else if err := sessions.SignIn(w, r, writ.Login{Subject: name}); err != nil {
			sessions.Deny(w, r, err)
		} else {
			http.Redirect(w, r, middleware.ReturnPath(r), http.StatusSeeOther)
		}
	})
	http.Handle("POST /logout", sessions.Endpoints().Logout)
	http.Handle("GET /me", sessions.Guard().Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "hello,", t.Subject())
	}))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

// A program for apps, which keep their tokens themselves: both in the answer to the sign-in, and the
// token endpoint of RFC 6749 to refresh them.
func Example_apps() {
	ctx := context.Background()
	sessions, err := writ.Open(ctx, writ.Config{
		Issuer:      "https://app.example",
		Store:       memory.Open(), // signs everybody out when the program ends
		KeysInClear: true,          // and so do the keys
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go sessions.Run(ctx)

	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		name, ok := password(r)
		if !ok {
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
			return
		}
		login := writ.Login{Subject: name, Claims: token.Claims{Scope: []string{"notes"}}}
		if err := sessions.Grant(w, r, login); err != nil {
			sessions.Deny(w, r, err)
		}
	})
	mux.Handle("POST /token", sessions.Endpoints().Token)
	mux.Handle("GET /notes", sessions.Guard().Scope("notes").Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "the notes of", t.Subject())
	}))

	server := httptest.NewServer(mux)
	defer server.Close()
	answer, err := http.Post(server.URL+"/login", "application/x-www-form-urlencoded", strings.NewReader("username=alice&password=wonderland"))
	if err != nil {
		log.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.Status, strings.Contains(string(body), "refresh_token"))
	// Output: 200 OK true
}

// A single-page application: the access token goes into the answer's body, and the refresh token into a
// cookie that only /auth gets.
func Example_spa() {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, "sessions.db")
	if err != nil {
		log.Fatal(err)
	}
	secret, err := writ.SecretFile("sessions.secret")
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := writ.Open(ctx, writ.Config{
		Issuer:  "https://app.example",
		Store:   store,
		Secret:  secret,
		Cookies: middleware.Cookies{RefreshOnly: true, RefreshPath: "/auth"},
	})
	if err != nil {
		log.Fatal(err)
	}
	go sessions.Run(ctx)

	http.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) {
		name, ok := password(r)
		if !ok {
			http.Error(w, "wrong name or password", http.StatusUnauthorized)
		} else if err := sessions.SignIn(w, r, writ.Login{Subject: name}); err != nil {
			sessions.Deny(w, r, err)
		}
	})
	e := sessions.Endpoints()
	http.Handle("POST /auth/refresh", e.Refresh)
	http.Handle("POST /auth/logout", e.Logout)
	http.Handle("GET /api/me", sessions.Guard().Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "hello,", t.Subject())
	}))
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}

// What is known of a session is asked at every refresh: a changed role reaches the next token, and a
// locked account gets none.
func ExampleConfig_onIssue() {
	roles := map[string][]string{"alice": {"notes", "admin"}}
	config := writ.Config{
		OnIssue: func(_ context.Context, s *writ.Session) error {
			scope, known := roles[s.Claims.Subject]
			if !known {
				return writ.ErrRefused // ends the session
			}
			s.Claims.Scope = scope
			return nil
		},
	}
	fmt.Println(config.OnIssue(context.Background(), &writ.Session{Claims: token.Claims{Subject: "bob"}}))
	// Output: writ: session refused
}

// One device of many is signed out; the user's other sessions go on.
// An API that takes the tokens of a provider such as Keycloak, and asks for one of its roles.
func ExampleFollowConfig_foreign() {
	ctx := context.Background()
	provider, err := writ.Follow(ctx, writ.FollowConfig{
		Issuer:      "https://login.example/realms/demo",
		Audience:    "https://api.example",
		KeysURL:     "https://login.example/realms/demo/protocol/openid-connect/certs",
		UntilExpiry: true, // it has no feed of revocations
		Foreign: token.Foreign{
			TypeJWT: true, WithoutStamp: true, WithoutClientID: true,
			Claims: []string{"realm_access"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	go provider.Run(ctx)

	editor := func(t *token.Verified) error {
		realm, err := token.Claim[struct {
			Roles []string `json:"roles"`
		}](t, "realm_access")
		if err != nil {
			return fmt.Errorf("%w: %w", middleware.ErrForbidden, err)
		}
		if !slices.Contains(realm.Roles, "editor") {
			return middleware.ErrForbidden
		}
		return nil
	}
	http.Handle("POST /notes", provider.Guard().Require(editor).Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
		fmt.Fprintln(w, "a note of", t.Subject())
	}))
}

func ExampleManager_End() {
	ctx := context.Background()
	sessions, err := writ.Open(ctx, writ.Config{Issuer: "https://app.example", Store: memory.Open(), KeysInClear: true})
	if err != nil {
		log.Fatal(err)
	}
	phone, _ := sessions.Start(ctx, writ.Login{Subject: "alice", Label: "phone"})
	laptop, _ := sessions.Start(ctx, writ.Login{Subject: "alice", Label: "laptop"})
	if err := sessions.End(ctx, "alice", phone.SessionID); err != nil {
		log.Fatal(err)
	}
	_, err = sessions.Verify(ctx, phone.Access)
	fmt.Println(err)
	_, err = sessions.Verify(ctx, laptop.Access)
	fmt.Println(err)
	// Output:
	// token invalid: revoked
	// <nil>
}

// A visitor has a basket, signs in, and keeps it: in a new session, under a new ID.
func ExampleLogin_visitor() {
	ctx := context.Background()
	sessions, err := writ.Open(ctx, writ.Config{Issuer: "https://shop.example", Store: memory.Open(), KeysInClear: true})
	if err != nil {
		log.Fatal(err)
	}
	login := func(w http.ResponseWriter, r *http.Request, t *token.Verified) { // behind Guard().AllowAnonymous().Optional()
		l := writ.Login{Subject: "alice"}
		if t != nil && t.Anonymous() {
			l.Visitor = t
		}
		if err := sessions.SignIn(w, r, l); err != nil {
			sessions.Deny(w, r, err)
		}
	}
	visitor, err := sessions.Start(ctx, writ.Login{Anonymous: true, Private: []byte("two books")})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/login", nil)
	r.Header.Set("Authorization", "Bearer "+visitor.Access)
	sessions.Guard().AllowAnonymous().Optional().Func(login).ServeHTTP(httptest.NewRecorder(), r)

	alices, err := sessions.Sessions(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	_, err = sessions.Verify(ctx, visitor.Access)
	fmt.Printf("alice has %s; the visitor: %v\n", alices[0].Private, err)
	// Output: alice has two books; the visitor: token invalid: revoked
}

// After a change of password every other session ends, wherever it is. This one gets a new token.
func ExampleManager_EndOthers() {
	ctx := context.Background()
	sessions, err := writ.Open(ctx, writ.Config{Issuer: "https://app.example", Store: memory.Open(), KeysInClear: true})
	if err != nil {
		log.Fatal(err)
	}
	thief, _ := sessions.Start(ctx, writ.Login{Subject: "alice"})
	mine, _ := sessions.Start(ctx, writ.Login{Subject: "alice"})

	t, err := sessions.Verify(ctx, mine.Access) // a handler has it from its guard
	if err != nil {
		log.Fatal(err)
	}
	next, err := sessions.EndOthers(ctx, t) // a browser gets it by Cookies.Set
	if err != nil {
		log.Fatal(err)
	}
	_, err = sessions.Verify(ctx, thief.Access)
	fmt.Println(err)
	_, err = sessions.Verify(ctx, next.Access)
	fmt.Println(err)
	// Output:
	// token invalid: revoked
	// <nil>
}
