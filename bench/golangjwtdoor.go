package main

import (
	"context"
	"net/http"
	"strings"
)

// golangJWTDoor is what one writes by hand around golang-jwt.
func golangJWTDoor(s *suite) ([]door, error) {
	library, err := golangJWT(s)
	if err != nil {
		return nil, err
	}
	type key struct{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sub, _ := r.Context().Value(key{}).(string)
		answer(w, sub)
	})
	d, err := s.guarded("golang-jwt, by hand", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			http.Error(w, "no token", http.StatusUnauthorized)
			return
		}
		sub, err := library[0].verify(raw)
		if err != nil {
			http.Error(w, "no good token", http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, sub)))
	}), byHeader)
	return []door{d}, err
}
