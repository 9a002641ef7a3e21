package revocation_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// How far back a node can say what came, to one who was there and to one who was elsewhere.
func TestHowFarBackANodeGoes(t *testing.T) {
	later := func() time.Time { return time.Now().Add(time.Hour) }
	for name, test := range map[string]struct {
		away   time.Duration // from when the cursor was given out until it is used
		came   int           // meanwhile, a second after that, on both nodes
		begun  time.Duration // before the cursor was given out, the other node began
		ahead  time.Duration // the clock of the node that gave it out
		there  string        // status and records from the same node
		beside string        // and from the other
	}{
		"nothing came":                       {time.Minute, 0, time.Hour, 0, "200 0", "200 0"},
		"something came":                     {time.Minute, 3, time.Hour, 0, "200 3", "200 3"},
		"as much as is kept":                 {time.Minute, 10, time.Hour, 0, "200 10", "200 10"},
		"more than is kept":                  {time.Minute, 11, time.Hour, 0, "410", "410"},
		"more than is kept, a moment ago":    {2 * time.Second, 11, time.Hour, 0, "410", "410"},
		"the other began before the overlap": {time.Minute, 3, 7 * time.Second, 0, "200 3", "200 3"},
		"the other began within the overlap": {time.Minute, 3, 5 * time.Second, 0, "200 3", "410"},
		"the other began a moment ago":       {3 * time.Second, 3, time.Second, 0, "200 3", "410"},
		"a clock that is ahead by Skew":      {3 * time.Second, 3, time.Hour, 5 * time.Second, "200 3", "200 3"},
		"a clock that is ahead by far more":  {3 * time.Second, 3, time.Hour, 20 * time.Second, "200 3", "503"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				begin := func(ahead time.Duration) (*revocation.List, *revocation.Handler) {
					l := revocation.NewList(revocation.Config{Source: newSource(), Now: func() time.Time { return time.Now().Add(ahead) }})
					if err := l.Load(t.Context()); err != nil {
						t.Fatal(err)
					}
					h, err := revocation.NewSmallHandler(revocation.HandlerConfig{List: l, Key: feedKey, Keys: s, Issuer: s.name, Public: true}, 10, 100)
					if err != nil {
						t.Fatal(err)
					}
					return l, h
				}
				there, h := begin(test.ahead)
				if test.begun > 30*time.Minute {
					time.Sleep(time.Minute) // it began later than the other
				}
				beside, other := begin(0)
				time.Sleep(test.begun)
				fresh := func() {
					for _, l := range []*revocation.List{there, beside} {
						if err := l.Load(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
				}
				fresh()
				cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
				time.Sleep(time.Second)
				for _, l := range []*revocation.List{there, beside} {
					l.Apply(sessions(0, test.came, later())...)
				}
				time.Sleep(test.away - time.Second)
				fresh()
				for i, want := range []string{test.there, test.beside} {
					h := []*revocation.Handler{h, other}[i]
					res := get(t, h, "after="+cursor)
					got := fmt.Sprint(res.Code)
					if res.Code == 200 {
						got += " " + claim(t, res.Body.Bytes(), "count")
					}
					if got != want {
						t.Errorf("at node %d: %s, want %s", i, got, want)
					}
				}
			})
		})
	}
}

// One who has been at several nodes is told by each what came since he was there.
func TestACursorOfManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		var lists []*revocation.List
		var handlers []*revocation.Handler
		for range 3 {
			l := load(t, newSource())
			lists, handlers = append(lists, l), append(handlers, serves(t, l, s))
		}
		time.Sleep(20 * time.Second)
		for _, l := range lists {
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		first := claim(t, get(t, handlers[0], "").Body.Bytes(), "cursor")
		place, asOf, _ := strings.Cut(first, ".")
		second := claim(t, get(t, handlers[1], "after="+asOf).Body.Bytes(), "cursor")
		both := strings.Split(second, ".")[0] + "." + place + "." + asOf
		for i, l := range lists {
			l.Apply(sessions(0, i+1, time.Now().Add(time.Hour))...)
			res := get(t, handlers[i], "after="+both)
			after := claim(t, res.Body.Bytes(), "after")
			if claim(t, res.Body.Bytes(), "count") != fmt.Sprint(i+1) || after != []string{place, strings.Split(second, ".")[0], asOf}[i] {
				t.Errorf("node %d: %s records", i, claim(t, res.Body.Bytes(), "count"))
			}
		}
	})
}

// Changes that come one after the other are answered together for a while.
func TestAFloodOfChangesIsAnsweredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		before := s.signed.Load()
		bodies := map[string]int{}
		for i := range 1000 {
			l.Apply(sessions(i, i+1, time.Now().Add(time.Hour))...)
			time.Sleep(time.Millisecond)
			body := get(t, h, "after="+cursor).Body.Bytes()
			bodies[claim(t, body, "count")]++
			if i == 999 && !bytes.Contains(body, []byte("\n")) {
				t.Error("no records")
			}
		}
		if n := s.signed.Load() - before; n > 41 || n < 39 || len(bodies) != int(n) {
			t.Errorf("%d signatures in a second, %d distinct answers", n, len(bodies))
		}
	})
}
