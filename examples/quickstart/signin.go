package main

import (
	"net/http"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
)

const wrongPassword = "That name and password do not go together."

// signInPage is what the sign-in form needs.
type signInPage struct {
	Title    string
	Notice   string
	Error    string
	Username string
	Remember bool
	ReturnTo string
}

// signIn takes a name and a password, and gives cookies to a browser and tokens to an app.
func (a *app) signIn(w http.ResponseWriter, r *http.Request) {
	if !parseForm(w, r) {
		return
	}
	username, remember := r.PostForm.Get("username"), r.PostForm.Get("remember") != ""
	ok, err := a.users.check(r.Context(), username, r.PostForm.Get("password"))
	switch {
	case err != nil:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "Too many people are signing in. Try again in a moment.", http.StatusServiceUnavailable)
		return
	case !ok && prefersJSON(r):
		writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_grant", "error_description": wrongPassword})
		return
	case !ok:
		render(w, http.StatusUnauthorized, "signin", signInPage{
			Title: "Sign in", Error: wrongPassword, Username: username, Remember: remember, ReturnTo: middleware.ReturnPath(r)})
		return
	}
	login := writ.Login{Subject: username, Label: deviceName(r.UserAgent()), Remember: remember}
	if prefersJSON(r) {
		err = a.sessions.Grant(w, r, login)
	} else if err = a.sessions.SignIn(w, r, login); err == nil {
		http.Redirect(w, r, middleware.ReturnPath(r), http.StatusSeeOther)
	}
	if err != nil {
		a.sessions.Deny(w, r, err)
	}
}
