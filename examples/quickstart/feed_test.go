package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/store/memory"
)

// Services that follow wait for 25 s at most, which is longer than the server lets a request finish.
func TestWhoFollowsDoesNotKeepTheServerFromEnding(t *testing.T) {
	sessions, err := writ.Open(t.Context(), writ.Config{Issuer: "https://app.test", Store: memory.Open(), KeysInClear: true, FeedPublic: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sessions.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{})
	app := newApp(sessions, middleware.Cookies{}, testUsers(t), nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("wait") {
				close(arrived)
			}
			app.ServeHTTP(w, r)
		}), sessions.Drain)
	}()
	feed := "http://" + listener.Addr().String() + "/.well-known/revocations"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	waited := make(chan int)
	cursor := cursorOf(t, client, feed)
	go func() {
		defer close(waited)
		if answer, err := client.Get(feed + "?wait=25&after=" + cursor); err == nil {
			answer.Body.Close()
			waited <- answer.StatusCode
		}
	}()
	<-arrived
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the server ends with %v", err)
	}
	if status := <-waited; status != 200 {
		t.Errorf("who waited: status %d", status)
	}
}

// cursorOf is from where one follows on who has taken a snapshot. It stands in the payload of a JWS.
func cursorOf(t *testing.T, client *http.Client, feed string) string {
	t.Helper()
	answer, err := client.Get(feed)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(body), ".", 3)
	var claims struct {
		Cursor string `json:"cursor"`
	}
	if answer.StatusCode != 200 || len(parts) != 3 {
		t.Fatalf("the feed: status %d", answer.StatusCode)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Cursor == "" {
		t.Fatal("the feed's answer has no cursor")
	}
	return claims.Cursor
}
