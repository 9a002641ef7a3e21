package faults_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/token"
)

// cutoffChecks is how many sequences each store gets.
func cutoffChecks(store string) int {
	switch store {
	case "memory":
		return rounds(150, 5_000)
	case "sqlite":
		return rounds(40, 500)
	case "redis":
		return rounds(40, 500)
	}
	return rounds(12, 150)
}

// TestRevokeAllAndSignInAtTheSameInstant lets nodes whose clocks are apart sign a user in, revoke all that the
// user has, and sign the user in again, over and over in one microsecond. Whatever was issued before a
// revocation was asked for must be refused, and who signed in after it was acknowledged must go on, on every
// node, whether or not it has heard of it.
func TestRevokeAllAndSignInAtTheSameInstant(t *testing.T) { // req 49, 58, 59, 66
	eachBackend(t, func(t *testing.T, b backend) {
		setRapid(t, cutoffChecks(b.name), 0)
		rapid.Check(t, func(r *rapid.T) {
			scope := &modelScope{TB: t}
			defer scope.close()
			newInstant(r, b.shared(scope), scope).run(r)
		})
	})
}

// instant is a user's sessions on nodes whose clocks stand still.
type instant struct {
	nodes []*skewed
	// alive goes on, and so does each of its tokens. dead is what must be refused.
	alive []*login
	dead  []string // access and refresh tokens
	bob   *login   // somebody else
}

// skewed is a node.
type skewed struct {
	clock
	name  string
	store writ.Store
	m     *writ.Manager
}

// login is a session and every token that it was given and that is still good.
type login struct {
	subject, refresh string
	access           []string
}

func newInstant(r *rapid.T, p place, scope *modelScope) *instant {
	at := time.Now().Truncate(time.Second).Add(time.Duration(rapid.IntRange(0, 999_999_999).Draw(r, "the nanosecond")))
	apart := rapid.SampledFrom([]time.Duration{0, 1, time.Microsecond, policy.Skew / 2, policy.Skew - time.Microsecond, policy.Skew})
	w := &instant{}
	for i := range rapid.IntRange(2, 3).Draw(r, "nodes") {
		n := &skewed{name: string(rune('A' + i)), store: p.open(scope, nil)}
		n.now.Store(at.Add(apart.Draw(r, n.name+" is ahead by")).UnixNano())
		w.nodes = append(w.nodes, n)
	}
	w.hear(r)
	w.bob = w.signIn(r, w.nodes[0], "bob")
	return w
}

// hear lets every node read the log.
func (w *instant) hear(r *rapid.T) {
	for _, n := range w.nodes {
		var err error
		if n.m, err = writ.Open(context.Background(), config(n.store, n.Now, nil)); err != nil {
			r.Fatalf("%s cannot be opened: %v", n.name, err)
		}
	}
}

func (w *instant) run(r *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(r, "rounds") {
		for range rapid.IntRange(0, 3).Draw(r, "sign-ins") {
			w.alive = append(w.alive, w.signIn(r, w.node(r), "alice"))
		}
		for range rapid.IntRange(0, 2).Draw(r, "refreshes") {
			w.refreshOne(r)
		}
		if rapid.Bool().Draw(r, "all hear") {
			w.hear(r)
		}
		w.revoke(r, w.node(r))
	}
	for range rapid.IntRange(1, 3).Draw(r, "sign-ins at the end") {
		w.alive = append(w.alive, w.signIn(r, w.node(r), "alice"))
	}
	for _, n := range w.nodes { // the store knows before a node has heard
		w.refuses(r, n, slices.DeleteFunc(slices.Clone(w.dead), func(raw string) bool { return !isRefresh(raw) }))
	}
	w.hear(r)
	w.check(r)
	for _, n := range w.nodes {
		n.advance(afterWindow)
	}
	for range 2 { // a refresh changes the token by now, and each goes on from it
		for _, l := range w.alive {
			w.refresh(r, w.node(r), l)
		}
		for _, n := range w.nodes {
			n.advance(afterWindow)
		}
	}
	w.check(r)
}

func (w *instant) node(r *rapid.T) *skewed { return rapid.SampledFrom(w.nodes).Draw(r, "at") }

func (w *instant) signIn(r *rapid.T, n *skewed, subject string) *login {
	pair, err := n.m.Start(context.Background(), writ.Login{Subject: subject})
	if err != nil {
		r.Fatalf("%s does not sign %s in: %v", n.name, subject, err)
	}
	return &login{subject, pair.Refresh, []string{pair.Access}}
}

func (w *instant) refreshOne(r *rapid.T) {
	if len(w.alive) > 0 {
		w.refresh(r, w.node(r), rapid.SampledFrom(w.alive).Draw(r, "session"))
	}
}

func (w *instant) refresh(r *rapid.T, n *skewed, l *login) {
	pair, err := n.m.Refresh(context.Background(), l.refresh, token.Client{})
	if err != nil {
		r.Fatalf("%s does not refresh a session of %s that goes on: %v", n.name, l.subject, err)
	}
	l.access = append(l.access, pair.Access)
	if pair.Refresh != "" {
		l.refresh = pair.Refresh
	}
}

// revoke ends what alice has, in one of the ways that there are, at one node.
func (w *instant) revoke(r *rapid.T, n *skewed) {
	ctx, before := context.Background(), len(w.dead)
	way := rapid.SampledFrom([]string{"EndAll", "EndOthers", "MustRefresh", "EndEverything"}).Draw(r, "revoke by")
	var err error
	switch way {
	case "EndAll":
		err = n.m.EndAll(ctx, "alice")
		w.kill(nil)
	case "EndEverything":
		err = n.m.EndEverything(ctx)
		w.kill(nil)
		w.dead = append(append(w.dead, w.bob.refresh), w.bob.access...)
		w.bob = w.signIn(r, w.node(r), "bob")
	case "MustRefresh":
		err = n.m.MustRefresh(ctx, "alice")
		for _, l := range w.alive {
			w.dead, l.access = append(w.dead, l.access...), nil
		}
	case "EndOthers": // as after a new password
		if len(w.alive) == 0 {
			return
		}
		kept := rapid.SampledFrom(w.alive).Draw(r, "but for")
		w.refresh(r, n, kept) // which gives it a token that this node knows to be good
		var pair *token.Pair
		pair, err = w.endOthers(r, n, kept)
		w.kill(kept)
		if err == nil {
			kept.access = []string{pair.Access}
		}
	}
	if err != nil {
		r.Fatalf("%s at %s: %v", way, n.name, err)
	}
	w.refuses(r, n, w.dead[before:]) // who did it knows at once
}

func (w *instant) endOthers(r *rapid.T, n *skewed, kept *login) (*token.Pair, error) {
	v, err := n.m.Verify(context.Background(), kept.access[len(kept.access)-1])
	if err != nil {
		r.Fatalf("%s refuses what it has just issued: %v", n.name, err)
	}
	return n.m.EndOthers(context.Background(), v)
}

// kill has everything refused but for the refresh token of one session.
func (w *instant) kill(kept *login) {
	for _, l := range w.alive {
		w.dead = append(w.dead, l.access...)
		if l != kept {
			w.dead = append(w.dead, l.refresh)
		}
	}
	w.alive = nil
	if kept != nil {
		w.alive = []*login{kept}
	}
}

// refuses checks that a node says of each token that it is good for nothing.
func (w *instant) refuses(r *rapid.T, n *skewed, dead []string) {
	for _, raw := range dead {
		kind, err := "an access token", error(nil)
		if isRefresh(raw) {
			kind = "a refresh token"
			_, err = n.m.Refresh(context.Background(), raw, token.Client{})
		} else {
			_, err = n.m.Verify(context.Background(), raw)
		}
		if !errors.Is(err, token.ErrInvalid) {
			r.Fatalf("%s takes %s that was issued before a revocation: %v", n.name, kind, err)
		}
	}
}

func isRefresh(raw string) bool { return strings.HasPrefix(raw, rotation.Prefix) }

// check asks every node, all of which have heard.
func (w *instant) check(r *rapid.T) {
	for _, n := range w.nodes {
		w.refuses(r, n, w.dead)
		for _, l := range append(w.alive, w.bob) {
			for i, raw := range l.access {
				if _, err := n.m.Verify(context.Background(), raw); err != nil {
					r.Fatalf("%s refuses access token %d of %d of a session of %s that goes on: %v", n.name, i+1, len(l.access), l.subject, err)
				}
			}
			w.refresh(r, n, l)
		}
	}
}
