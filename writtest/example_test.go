package writtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

// A handler test, from the outside.
func ExampleNew() {
	inTest(func(t testing.TB) { // func TestMe(t *testing.T) {
		sessions := writtest.New(t, writ.Config{})
		handler := app(sessions) // what main serves

		req := httptest.NewRequest("GET", "/me", nil)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		fmt.Println(rec.Code)

		writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
		rec = httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		fmt.Println(rec.Code, rec.Body)
	})
	// Output:
	// 401
	// 200 ada
}

// A function that takes a token, without HTTP around it.
func ExampleVerified() {
	mayWrite := func(v *token.Verified) bool { return v.HasScope("write") }

	inTest(func(t testing.TB) { // func TestMayWrite(t *testing.T) {
		fmt.Println(mayWrite(writtest.Verified(t, token.Claims{Scope: []string{"read"}})))
		fmt.Println(mayWrite(writtest.Verified(t, token.Claims{Scope: []string{"read", "write"}})))
	})
	// Output:
	// false
	// true
}

// A page that wants the session in cookies, over TLS.
func ExampleNewBrowser() {
	inTest(func(t testing.TB) { // func TestMeInABrowser(t *testing.T) {
		sessions := writtest.New(t, writ.Config{SignInPage: "/login"})
		server := httptest.NewTLSServer(app(sessions))
		defer server.Close()
		browser := writtest.NewBrowser(t, server)
		get := func() {
			res, err := browser.Get(server.URL + "/me")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode == http.StatusSeeOther {
				body = []byte("to the login page")
			}
			fmt.Printf("%d %s\n", res.StatusCode, body)
		}
		get()
		browser.SignIn(sessions, writ.Login{Subject: "ada"})
		get()
		for _, c := range browser.Cookies() {
			fmt.Println(c.Name, c.Secure, c.HttpOnly)
		}
	})
	// Output:
	// 303 to the login page
	// 200 ada
	// __Host-access true true
	// __Host-refresh true true
}

// The same in a bubble: an access token expires, and the page does not notice.
func ExampleNewServer() {
	_ = func(t *testing.T) { // func TestMeAfterAWhile(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			sessions := writtest.New(t, writ.Config{})
			server := writtest.NewServer(t, app(sessions))
			browser := writtest.NewBrowser(t, server)
			browser.SignIn(sessions, writ.Login{Subject: "ada"})

			time.Sleep(11 * time.Minute)
			res, err := browser.Get(server.URL + "/me")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("%d", res.StatusCode)
			}
		})
	}
}

// A service that follows an issuer, its revocations included.
func ExampleNewIssuer() {
	inTest(func(t testing.TB) { // func TestAPI(t *testing.T) {
		issuer := writtest.NewIssuer(t, writ.Config{Audience: "https://api.example"})

		// What the service does in production, with another config.
		api, err := writ.Follow(t.Context(), issuer.FollowConfig("https://api.example"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go api.Run(ctx)
		handler := api.Guard().Scope("read").Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
			fmt.Fprint(w, "hello, ", t.Subject())
		})

		ask := func(raw string) *httptest.ResponseRecorder {
			req := httptest.NewRequest("GET", "/", nil)
			req.Header.Set("Authorization", "Bearer "+raw)
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, req)
			return rec
		}
		ada := issuer.Issue(writtest.Token{Claims: token.Claims{Subject: "ada", Scope: []string{"read"}}})
		rec := ask(ada)
		fmt.Println(rec.Code, rec.Body)
		fmt.Println(ask(issuer.Issue(writtest.Token{Claims: token.Claims{Subject: "bob"}})).Code)

		if err := issuer.Manager.EndAll(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		for ask(ada).Code == http.StatusOK { // news travels, for some milliseconds
			time.Sleep(time.Millisecond)
		}
		fmt.Println(ask(ada).Code)
	})
	// Output:
	// 200 hello, ada
	// 403
	// 401
}

// Tokens that a service must refuse.
func ExampleIssuer_Issue() {
	inTest(func(t testing.TB) { // func TestRefused(t *testing.T) {
		issuer := writtest.NewIssuer(t, writ.Config{Audience: "https://api.example"})
		verifier, err := token.NewVerifier(issuer.VerifierConfig("https://api.example"))
		if err != nil {
			t.Fatal(err)
		}
		thiefs, err := keys.Generate(keys.ES256)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []writtest.Token{
			{IssuedAt: time.Now().Add(-time.Hour)},
			{IssuedAt: time.Now().Add(time.Hour)},
			{Audience: "https://other.example"},
			{Key: thiefs},
			{Header: map[string]any{"kid": thiefs.Public().ID()}},
			{Header: map[string]any{"typ": "JWT"}},
			{Payload: map[string]any{"iss": "https://evil.example"}},
			{Payload: map[string]any{"exp": nil}},
		} {
			_, err := verifier.Verify(t.Context(), issuer.Issue(k))
			fmt.Println(err)
		}
	})
	// Output:
	// token invalid: expired
	// token invalid: not yet valid
	// token invalid: wrong audience
	// token invalid: signature
	// token invalid: unknown key
	// token invalid: wrong type
	// token invalid: wrong issuer
	// token invalid: malformed: claim "exp" is missing or no date
}

// An issuer that is not writ: a Keycloak realm.
func ExampleToken() {
	inTest(func(t testing.TB) { // func TestKeycloak(t *testing.T) {
		issuer := writtest.NewIssuer(t, writ.Config{Issuer: "https://127.0.0.1/realms/demo"})
		certs := "/realms/demo/protocol/openid-connect/certs"
		issuer.Mux.Handle(certs, issuer.Manager.Endpoints().Keys)

		c := issuer.FollowConfig("https://api.example")
		c.KeysURL = issuer.URL + "/protocol/openid-connect/certs"
		c.UntilExpiry = true
		c.Foreign = token.Foreign{TypeJWT: true, WithoutStamp: true, WithoutClientID: true}
		api, err := writ.Follow(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		v, err := api.Verify(t.Context(), issuer.Issue(writtest.Token{
			Header: map[string]any{"typ": "JWT"},
			Payload: map[string]any{
				"aud":          []string{"https://api.example", "account"},
				"ist":          nil,
				"client_id":    nil,
				"azp":          "web",
				"realm_access": map[string]any{"roles": []string{"notes"}},
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(v.Subject(), v.ClientID(), issuer.Requests(certs))
	})
	// Output: user web 1
}

// A service whose issuer is down.
func ExampleIssuer_Fail() {
	inTest(func(t testing.TB) { // func TestStart(t *testing.T) {
		issuer := writtest.NewIssuer(t, writ.Config{})
		issuer.Fail(http.StatusServiceUnavailable)
		_, err := writ.Follow(t.Context(), issuer.FollowConfig("https://api.example"))
		fmt.Println(errors.Is(err, keys.ErrUnavailable))
		issuer.Recover()
		_, err = writ.Follow(t.Context(), issuer.FollowConfig("https://api.example"))
		fmt.Println(err)
	})
	// Output:
	// true
	// <nil>
}

// Time that passes for a Manager, and for nothing else.
func ExampleClock() {
	inTest(func(t testing.TB) { // func TestExpiry(t *testing.T) {
		var clock writtest.Clock
		sessions := writtest.New(t, writ.Config{Now: clock.Now})
		pair, err := sessions.Start(t.Context(), writ.Login{Subject: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		clock.Advance(t, 11*time.Minute, sessions)
		_, err = sessions.Verify(t.Context(), pair.Access)
		fmt.Println(err)
		pair, err = sessions.Refresh(t.Context(), pair.Refresh, token.Client{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sessions.Verify(t.Context(), pair.Access)
		fmt.Println(err)
	})
	// Output:
	// token invalid: expired
	// <nil>
}
