package faults_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/writ-go/writ/token"
)

var blackHole = []string{
	`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
	`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`,
}

// A logout that was acknowledged reaches every node, and an API that follows one, each a process of its own,
// whatever is wrong meanwhile. req 58, 62, 63
func TestALogoutReachesEveryProcess(t *testing.T) {
	for _, store := range []string{"postgres", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			for i := range rounds(1, 10) {
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					f := newFleet(t, store)
					f.onWires()
					f.withoutServer()
					f.withoutConnections()
					f.withoutProcesses()
					f.putBack()
					f.cutOff()
					f.startedAlone()
				})
			}
		})
	}
}

// onWires: what lies between a node and the store, and between the API and its node, is slow or broken.
func (f *fleet) onWires() {
	for _, toxic := range []struct{ what, json string }{
		{"a delay", `{"type":"latency","stream":"downstream","attributes":{"latency":400,"jitter":100}}`},
		{"resets", `{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`},
	} {
		f.during(toxic.what, f.signIn(7), func() func() {
			f.link.add(toxic.json)
			f.feed.add(toxic.json)
			return func() {
				f.link.heal()
				f.feed.heal()
			}
		})
	}
}

func (f *fleet) withoutServer() {
	f.during("a crash of the server", f.signIn(7), func() func() {
		f.server.Kill()
		return f.server.Start
	})
}

// withoutConnections: the server ends them, and with them what the push hears by, again and again.
func (f *fleet) withoutConnections() {
	f.during("the end of connections", f.signIn(7), func() func() {
		for range 5 {
			f.hangUp()
			time.Sleep(100 * time.Millisecond)
		}
		return func() {}
	})
}

func (f *fleet) withoutProcesses() {
	f.during("a crash of a node and of the API", f.signIn(7), func() func() {
		f.kill(f.nodes[1])
		f.kill(f.api)
		return func() {
			f.start(f.nodes[1])
			f.start(f.api)
		}
	})
}

// putBack: the store loses what it has acknowledged. The sessions are in the copy, their ends are not.
func (f *fleet) putBack() {
	some := f.signIn(7)
	f.server.Copy()
	again(f.t, "a logout", func() error { return f.logOut(some[0], f.nodes[1]) })
	f.settled("the copy")
	f.during("an older copy", some[1:], func() func() {
		f.server.PutBack()
		return func() {}
	})
	f.restored()
	f.kill(f.nodes[0])
	f.start(f.nodes[0])
	f.settled("the start of a node on an older copy")
}

// cutOff: nothing comes through to a node, nor to the API, until they say that they cannot tell.
func (f *fleet) cutOff() {
	const what = "a cut"
	some := f.signIn(5)
	for _, toxic := range blackHole {
		f.link.add(toxic)
		f.feed.add(toxic)
	}
	cut := time.Now()
	for i, at := range []*spreadProcess{f.nodes[0], f.nodes[2]} {
		if err := f.logOut(some[i], at); err != nil {
			f.t.Errorf("where nothing is cut: %v", err)
		}
	}
	if err := f.logOut(some[2], f.nodes[1]); !errors.Is(err, token.ErrUnavailable) {
		f.t.Errorf("a logout at a node that is cut off: %v, want ErrUnavailable", err)
	}
	f.soon("it refuses while another is cut off", []*spreadProcess{f.nodes[0], f.nodes[2]}, some[:2],
		func(s sight, _ *signedIn) bool { return s.Refused })

	alone := []*spreadProcess{f.nodes[1], f.api}
	f.soon("it cannot tell", alone, some, func(s sight, _ *signedIn) bool { return s.Status == http.StatusServiceUnavailable })
	f.t.Logf("what was cut off could not tell any more after %s", time.Since(cut).Round(10*time.Millisecond))
	for _, p := range alone {
		for _, s := range p.see() {
			if s.Accepted.After(cut.Add(maxStale)) {
				f.t.Errorf("%s accepts a token %s after it was cut off", p.name, s.Accepted.Sub(cut))
			}
		}
	}
	f.link.heal()
	f.feed.heal()
	again(f.t, "a logout", func() error { return f.logOut(some[2], f.nodes[0]) })
	f.settled(what)
}

// startedAlone: the API starts while its node is down, and knows what it knew. A node does not start while
// the store is down.
func (f *fleet) startedAlone() {
	some := f.signIn(3)
	again(f.t, "a logout", func() error { return f.logOut(some[0], f.nodes[0]) })
	f.settled("a logout")
	node := f.nodes[2]
	f.kill(f.api)
	f.kill(node)
	f.start(f.api)
	f.soon("it knows what it knew", []*spreadProcess{f.api}, f.all, func(seen sight, s *signedIn) bool {
		_, acked := s.state()
		return acked.IsZero() || seen.Refused
	})
	f.server.Kill()
	if node.start() == nil {
		f.t.Error("a node starts without its store")
	}
	if _, err := f.api.do(order{Verb: "late", Late: maxStale + time.Second}); err != nil {
		f.t.Fatal(err)
	}
	f.soon("it cannot tell", []*spreadProcess{f.api}, some[1:], func(s sight, _ *signedIn) bool {
		return s.Status == http.StatusServiceUnavailable
	})
	if _, err := f.api.do(order{Verb: "late"}); err != nil {
		f.t.Fatal(err)
	}
	f.server.Start()
	f.start(node)
	again(f.t, "a logout", func() error { return f.logOut(some[1], f.nodes[1]) })
	f.settled("starts while others were down")
}
