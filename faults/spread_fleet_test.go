package faults_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/token"
)

// fleet is three nodes on one store, and an API that follows the last of them, each a process. link is what
// lies between the node in the middle and the store, feed between the API and its node.
type fleet struct {
	t          *testing.T
	server     server
	hangUp     func() // ends all connections to the server, which goes on
	setup      spreadSetup
	link, feed *wire
	nodes      []*spreadProcess
	api        *spreadProcess
	users      int
	all        []*signedIn
}

// signedIn is a session, and what the test knows of it.
type signedIn struct {
	subject, raw string
	everywhere   bool // it is ended by EndAll

	mu    sync.Mutex
	tried bool
	acked time.Time // when its logout had been acknowledged; zero: it never was
}

func (s *signedIn) state() (tried bool, acked time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tried, s.acked
}

// recovering is how soon everything must be well when a fault is over: what waits for an answer of the
// feed that was lost does so for fifteen seconds.
const recovering = 30 * time.Second

func newFleet(t *testing.T, store string) *fleet {
	f := &fleet{t: t, link: &wire{t: t}, feed: &wire{t: t}}
	f.setup = spreadSetup{Store: store, Name: fmt.Sprintf("t%x", rand.Uint64()), Listen: "127.0.0.1:0"}
	if store == "redis" {
		s := servers.Redis(t)
		f.server, f.setup.URL, f.hangUp = s, s.URL(), func() { hangUpRedis(t, s.URL()) }
	} else {
		s := servers.Postgres(t)
		f.server, f.setup.URL = s, s.URL()
		f.hangUp = func() {
			s.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
		}
	}
	through := f.setup
	through.URL = strings.Replace(f.setup.URL, f.server.Addr(), f.link.to(f.server.Addr()), 1)
	for i, s := range []spreadSetup{f.setup, through, f.setup} {
		f.nodes = append(f.nodes, newSpreadProcess(t, fmt.Sprintf("node %d", i), s))
	}
	f.api = newSpreadProcess(t, "the API", spreadSetup{
		Follow: "http://" + f.feed.to(f.nodes[2].setup.Listen), CacheDir: filepath.Join(t.TempDir(), "cache"),
	})
	return f
}

func hangUpRedis(t testing.TB, url string) {
	options, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := client.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Err(); err != nil {
		t.Errorf("CLIENT KILL: %v", err)
	}
}

func (f *fleet) everyone() []*spreadProcess { return append(f.nodes[:3:3], f.api) }

// signIn signs in so many users, and returns when everyone accepts them.
func (f *fleet) signIn(n int) []*signedIn {
	f.t.Helper()
	var some []*signedIn
	for range n {
		f.users++
		s := &signedIn{subject: subject(f.users), everywhere: f.users%3 == 0}
		err := again(f.t, "a sign-in", func() error {
			r, err := f.nodes[0].do(order{Verb: "start", Subject: s.subject})
			s.raw = r.Text
			return err
		})
		if err != nil {
			f.t.Fatal(err)
		}
		for _, p := range f.everyone() {
			p.watch(s.raw)
		}
		some = append(some, s)
	}
	f.all = append(f.all, some...)
	f.soon("everyone accepts who has signed in", f.everyone(), some, func(s sight, _ *signedIn) bool { return s.Status == http.StatusOK })
	return some
}

// soon waits until something is so of all tokens in all processes.
func (f *fleet) soon(what string, all []*spreadProcess, tokens []*signedIn, is func(sight, *signedIn) bool) {
	f.t.Helper()
	for _, p := range all {
		missing := 0
		ok := within(recovering, func() bool {
			missing = 0
			seen := p.see()
			for _, s := range tokens {
				if !is(seen[s.raw], s) {
					missing++
				}
			}
			return missing == 0
		})
		if !ok {
			f.t.Errorf("%s: it is not so that %s, for %d of %d tokens", p.name, what, missing, len(tokens))
		}
	}
}

// logOut ends a session at a node. Once it was acknowledged it must be refused for ever.
func (f *fleet) logOut(s *signedIn, at *spreadProcess) error {
	o := order{Verb: "revoke", Token: s.raw}
	if s.everywhere {
		o = order{Verb: "endAll", Subject: s.subject}
	}
	s.mu.Lock()
	s.tried = true
	s.mu.Unlock()
	r, err := at.do(o)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.acked = r.At
	} else if !errors.Is(err, token.ErrUnavailable) {
		f.t.Errorf("a logout: %v", err)
	}
	return err
}

// during has users log out before, while and after something is wrong, and then looks at everything. The
// last one does not log out.
func (f *fleet) during(what string, some []*signedIn, hurt func() (heal func())) {
	f.t.Helper()
	leaving := some[:len(some)-1]
	var users sync.WaitGroup
	for i, s := range leaving {
		users.Go(func() {
			time.Sleep(time.Duration(i) * 120 * time.Millisecond)
			f.logOut(s, f.nodes[i%len(f.nodes)])
		})
	}
	time.Sleep(300 * time.Millisecond)
	heal := hurt()
	time.Sleep(700 * time.Millisecond)
	heal()
	healed := time.Now()
	users.Wait()
	denied := 0
	for _, s := range leaving {
		if _, acked := s.state(); acked.IsZero() {
			denied++
			again(f.t, "a logout", func() error { return f.logOut(s, f.nodes[0]) })
		}
	}
	f.settled(what)
	f.t.Logf("%s: %d of %d logouts had to be tried again; all was well %s after the end", what, denied, len(leaving), time.Since(healed).Round(10*time.Millisecond))
}

// settled wants everyone to refuse who has logged out, and to accept who has not.
func (f *fleet) settled(what string) {
	f.t.Helper()
	f.soon("after "+what+" it judges rightly", f.everyone(), f.all, func(seen sight, s *signedIn) bool {
		switch tried, acked := s.state(); {
		case !acked.IsZero():
			return seen.Status == http.StatusUnauthorized && seen.Refused
		case !tried:
			return seen.Status == http.StatusOK
		}
		return true
	})
	f.lawful(what)
}

// lawful says what may never have been, at any time.
func (f *fleet) lawful(what string) {
	f.t.Helper()
	for _, p := range f.everyone() {
		seen := p.see()
		for _, s := range f.all {
			got := seen[s.raw]
			tried, acked := s.state()
			switch {
			case got.Other != "":
				f.t.Errorf("%s, %s: a look ends with %s", p.name, what, got.Other)
			case got.Readmitted, p.refused[s.raw] && !got.Accepted.IsZero():
				f.t.Errorf("%s, %s: what was refused is accepted", p.name, what)
			case !acked.IsZero() && got.Accepted.After(acked.Add(maxStale)):
				f.t.Errorf("%s, %s: it is accepted %s after the logout, MaxStale is %s", p.name, what, got.Accepted.Sub(acked), maxStale)
			case !tried && got.Refused:
				f.t.Errorf("%s, %s: somebody is refused who has not logged out", p.name, what)
			}
		}
	}
}

// kill ends a process with -9, and keeps in mind what it had refused by then.
func (f *fleet) kill(p *spreadProcess) {
	for raw, s := range p.see() {
		if s.Refused {
			p.refused[raw] = true
		}
	}
	p.kill()
}

// start starts it again.
func (f *fleet) start(p *spreadProcess) {
	f.t.Helper()
	p.mustStart()
	for _, s := range f.all {
		p.watch(s.raw)
	}
}

// restored waits until a node that begins now would refuse who has logged out.
func (f *fleet) restored() {
	f.t.Helper()
	ok := within(recovering, func() bool {
		store, err := f.setup.openStore(f.t.Context())
		if err != nil {
			return false
		}
		defer store.Close()
		m, err := writ.Open(f.t.Context(), writ.Config{Issuer: issuer, Store: store, Secret: testSecret})
		if err != nil {
			return false
		}
		for _, s := range f.all {
			_, err := m.Verify(f.t.Context(), s.raw)
			if _, acked := s.state(); !acked.IsZero() && !errors.Is(err, token.ErrRevoked) {
				return false
			}
		}
		return true
	})
	if !ok {
		f.t.Error("the store has not got back what it had lost")
	}
}
