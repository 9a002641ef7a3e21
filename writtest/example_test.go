package writtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

// A handler test, from the outside.
func ExampleSignIn() {
	_ = func(t *testing.T) { // func TestMe(t *testing.T) {
		sessions := writtest.New(t, writ.Config{})
		handler := app(sessions) // what main serves

		req := httptest.NewRequest("GET", "/me", nil)
		writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, req)
		if rec.Code != http.StatusOK || rec.Body.String() != "ada" {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
	}
}

// A page that wants the session in cookies.
func ExampleNew() {
	_ = func(t *testing.T) { // func TestMeInABrowser(t *testing.T) {
		var cookies middleware.Cookies
		sessions := writtest.New(t, writ.Config{Cookies: cookies, SignInPage: "/login"})

		pair, err := sessions.Start(t.Context(), writ.Login{Subject: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		login := httptest.NewRecorder()
		if err := cookies.Set(login, pair); err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest("GET", "/me", nil)
		for _, c := range login.Result().Cookies() {
			req.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		app(sessions).ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			t.Errorf("%d", rec.Code)
		}
	}
}

// A function that takes a token, without HTTP around it.
func ExampleVerified() {
	mayWrite := func(v *token.Verified) bool { return v.HasScope("write") }

	_ = func(t *testing.T) { // func TestMayWrite(t *testing.T) {
		if mayWrite(writtest.Verified(t, token.Claims{Scope: []string{"read"}})) {
			t.Error("a reader may write")
		}
	}
}
