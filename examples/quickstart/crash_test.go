package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A process that is killed at any moment loses nothing that it has acknowledged: no session, no
// rotation, no revocation. Revoked tokens are refused from the first request on.
// req 47, req 60, req 63. Past failures: CVE-2022-41316, CVE-2026-9802.
//
// WRIT_CRASH_ROUNDS is how often the process is killed; default 15.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	rounds := 15
	if text := os.Getenv("WRIT_CRASH_ROUNDS"); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil || rounds < 1 {
			t.Fatal("WRIT_CRASH_ROUNDS must be a number above 0")
		}
	}
	program, dir := build(t), t.TempDir()
	run := func() *process {
		return start(t, program, dir, "WRIT_CLIENT_LATENCY=200ms", "WRIT_JAR_FLUSH=10ms", "WRIT_CLOCK_SKEW=10ms", "WRIT_RETRY_WINDOW=430ms")
	}
	clients := []*crashClient{
		{username: "alice", password: "wonderland"},
		{username: "alice", password: "wonderland"},
		{username: "alice", password: "wonderland"},
		{username: "bob", password: "builder", everywhere: true},
	}
	for range rounds {
		p := run()
		for _, c := range clients {
			c.url = p.url
			c.checkEnded(t) // before anything else is asked
		}
		for _, c := range clients {
			c.checkLive(t)
		}
		if t.Failed() {
			return
		}
		var group sync.WaitGroup
		for _, c := range clients {
			group.Go(func() { c.work(t) })
		}
		time.Sleep(50*time.Millisecond + rand.N(500*time.Millisecond)) // the random moment
		p.kill()
		group.Wait()
		p.keepsSecrets()
	}
	ended, rotated := 0, 0
	for _, c := range clients {
		ended, rotated = ended+len(c.ended), rotated+c.rotated
	}
	t.Logf("%d crashes, %d rotations, %d sign-outs", rounds, rotated, ended)
	if ended == 0 || rotated == 0 {
		t.Error("nothing was tried")
	}
	p := run()
	for _, c := range clients {
		c.url = p.url
		c.checkEnded(t)
	}
	p.stop()
	p.keepsSecrets()
}

// Keys, secret and databases are made at the first start. Killed while it makes them, the process
// starts all the same the next time.
func TestACrashOfTheFirstStartBreaksNothing(t *testing.T) {
	program := build(t)
	for range 10 {
		dir := t.TempDir()
		p := launch(t, program, dir)
		time.Sleep(rand.N(150 * time.Millisecond)) // the random moment
		p.kill()
		p = start(t, program, dir)
		c := &crashClient{username: "alice", password: "wonderland", url: p.url}
		if err := c.step(t); err != nil || c.live.Refresh == "" {
			t.Fatalf("nobody can sign in: %v", err)
		}
		p.kill()
	}
}

// crashClient does one thing after another, and remembers what was acknowledged.
type crashClient struct {
	username, password string
	everywhere         bool // signs out everywhere
	url                string

	live    tokens   // none: not signed in
	ending  bool     // a sign-out was asked for, and not acknowledged yet
	ended   []tokens // signed out, acknowledged
	rotated int
}

// work goes on until the process does not answer any more.
func (c *crashClient) work(t *testing.T) {
	for c.step(t) == nil {
	}
}

func (c *crashClient) step(t *testing.T) error {
	switch {
	case c.live.Refresh == "":
		status, got, err := c.post("/login", "", url.Values{"username": {c.username}, "password": {c.password}})
		if status == http.StatusOK {
			c.live = got
		}
		return unlessOneOf(t, "sign-in", err, status, 200, 503)
	case c.ending || rand.N(200) == 0:
		return c.end(t)
	default:
		return c.refresh(t)
	}
}

// end may be repeated until it is acknowledged. That the Bearer token does not work any more is how
// one learns that a sign-out was done whose answer was lost.
func (c *crashClient) end(t *testing.T) error {
	allowed := []int{http.StatusNoContent, http.StatusServiceUnavailable}
	if c.everywhere && c.ending {
		allowed = append(allowed, http.StatusUnauthorized)
	}
	c.ending = true
	path, access, form := "/logout", "", url.Values{"refresh_token": {c.live.Refresh}}
	if c.everywhere {
		path, access, form = "/logout-all", c.live.Access, url.Values{}
	}
	status, _, err := c.post(path, access, form)
	if status == http.StatusNoContent || status == http.StatusUnauthorized {
		c.ended = append(c.ended, c.live)
		c.live, c.ending = tokens{}, false
	}
	return unlessOneOf(t, "sign-out", err, status, allowed...)
}

func (c *crashClient) refresh(t *testing.T) error {
	status, got, err := c.post("/token", "", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.live.Refresh}})
	if status == http.StatusOK {
		c.live.Access = got.Access
		if got.Refresh != "" {
			c.live.Refresh = got.Refresh
			c.rotated++
		}
	}
	return unlessOneOf(t, "refresh", err, status, 200, 503)
}

// checkEnded wants every token of an ended session refused, because it was revoked.
func (c *crashClient) checkEnded(t *testing.T) {
	t.Helper()
	for _, v := range c.ended {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/api/me", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+v.Access)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 401 || !strings.Contains(resp.Header.Get("WWW-Authenticate"), "revoked") {
			t.Errorf("after an acknowledged sign-out of %s, the access token: %d", c.username, resp.StatusCode)
		}
		status := http.StatusServiceUnavailable
		for try := 0; try < 20 && status == http.StatusServiceUnavailable; try++ { // the store may be busy
			status, _, err = c.post("/token", "", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {v.Refresh}})
		}
		if status != http.StatusBadRequest {
			t.Errorf("after an acknowledged sign-out of %s, the refresh token: %d, %v", c.username, status, err)
		}
	}
}

// checkLive wants the newest acknowledged tokens of a live session to work.
func (c *crashClient) checkLive(t *testing.T) {
	t.Helper()
	if c.live.Refresh == "" || c.ending {
		return
	}
	for range 20 { // the store may be busy
		before := c.live.Access
		if err := c.refresh(t); err != nil {
			t.Errorf("an acknowledged session of %s is lost: %v", c.username, err)
			return
		}
		if c.live.Access != before {
			return
		}
	}
	t.Errorf("a session of %s could not be judged", c.username)
}

var errKilled = errors.New("the process does not answer")

// post sends a form. The status is 0 if no whole answer came: then nothing was acknowledged.
func (c *crashClient) post(path, access string, form url.Values) (status int, got tokens, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, got, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, got, errKilled
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, got, errKilled
	}
	if resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, &got)
	}
	return resp.StatusCode, got, err
}

// unlessOneOf passes err on, and makes one of a status that must not be.
func unlessOneOf(t *testing.T, what string, err error, status int, allowed ...int) error {
	if err != nil {
		return err
	}
	if slices.Contains(allowed, status) {
		return nil
	}
	t.Errorf("%s: status %d", what, status)
	return errors.New(what + " was refused")
}
