package main

import (
	"net/http"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// accountPage is what the account page needs.
type accountPage struct {
	Title       string
	Name        string
	Username    string
	Admin       bool
	SignedIn    time.Time
	Until       time.Time
	Note        string
	LongestNote int
	Devices     []device
}

// device is a session as its user sees it.
type device struct {
	ID       string
	Name     string
	Addr     string
	Current  bool
	SignedIn time.Time
	LastSeen time.Time
}

// home is the account page for who is signed in, and the sign-in form for everybody else.
func (a *app) home(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	if t == nil {
		page := signInPage{Title: "Sign in", ReturnTo: middleware.ReturnPath(r)}
		if _, had := a.cookies.RefreshToken(r); had {
			page.Notice = "You have been signed out. Please sign in again."
		}
		render(w, http.StatusOK, "signin", page)
		return
	}
	sessions, err := a.sessions.Sessions(r.Context(), t.Subject())
	if err != nil {
		a.sessions.Deny(w, r, err)
		return
	}
	about, err := token.Data[profile](t)
	if err != nil {
		a.broken(w, r, err)
		return
	}
	page := accountPage{
		Title:       about.Name,
		Name:        about.Name,
		Username:    t.Subject(),
		Admin:       t.HasScope("admin"),
		SignedIn:    t.AuthTime(),
		LongestNote: longestNote,
	}
	if page.Note, err = a.db.note(r.Context(), t.Subject()); err != nil {
		a.broken(w, r, err)
		return
	}
	for _, s := range sessions {
		current := s.ID == t.SessionID()
		if current {
			page.Until = s.Expires
		}
		page.Devices = append(page.Devices, device{
			ID:       s.ID,
			Name:     s.Label,
			Addr:     s.LastSeen.Addr.String(),
			Current:  current,
			SignedIn: s.Created,
			LastSeen: s.Renewed,
		})
	}
	render(w, http.StatusOK, "account", page)
}
