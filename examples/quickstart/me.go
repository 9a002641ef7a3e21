package main

import (
	"net/http"
	"strings"

	"github.com/writ-go/writ/token"
)

// me tells who asks what their access token says.
func me(w http.ResponseWriter, r *http.Request, t *token.Verified) {
	about, err := token.Data[profile](t)
	if err != nil {
		http.Error(w, "This token says nothing about its user.", http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Subject   string  `json:"sub"`
		SessionID string  `json:"sid"`
		IssuedAt  int64   `json:"iat"` // seconds since 1970, as in the token
		ExpiresAt int64   `json:"exp"`
		Scope     string  `json:"scope"`
		Data      profile `json:"data"`
	}{t.Subject(), t.SessionID(), t.IssuedAt().Unix(), t.ExpiresAt().Unix(), strings.Join(t.Scopes(), " "), about})
}
