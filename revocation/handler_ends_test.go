package revocation_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// What followers are given of an entry, by a Handler that knows how long tokens live.
func TestWhenEntriesLeaveFollowersLists(t *testing.T) {
	const margin = time.Minute + 10*time.Second // leeway and twice Skew
	year := 400 * 24 * time.Hour
	for name, test := range map[string]struct {
		kind    revocation.Kind
		before  time.Duration // from now; 0: Ended
		expires time.Duration // from now; 0: never
		maxTTL  time.Duration
		want    time.Duration // from now; 0: never; negative: it is not there
	}{
		"a subject's cutoff":                  {revocation.Subject, 10 * time.Second, year, time.Hour, 10*time.Second + time.Hour + margin},
		"one that expires sooner":             {revocation.Subject, 10 * time.Second, time.Minute, time.Hour, time.Minute},
		"one that never expires":              {revocation.Subject, 10 * time.Second, 0, time.Hour, 10*time.Second + time.Hour + margin},
		"one whose tokens are nearly over":    {revocation.Subject, -time.Hour - margin - 59*time.Second, year, time.Hour, -59 * time.Second},
		"one whose tokens are over":           {revocation.Subject, -time.Hour - margin - 61*time.Second, year, time.Hour, -1},
		"one of far in the future":            {revocation.Subject, 100 * year, year, time.Hour, year},
		"tokens that live for a minute":       {revocation.Subject, 10 * time.Second, year, time.Minute, 70*time.Second + margin},
		"a life that is not known":            {revocation.Subject, 10 * time.Second, year, 0, year},
		"a life that is not known, long ago":  {revocation.Subject, -year, year, 0, year},
		"a subject that has ended":            {revocation.Subject, 0, year, time.Hour, year},
		"a session that has to refresh":       {revocation.Session, 10 * time.Second, year, time.Hour, year},
		"a session that ended":                {revocation.Session, 0, 70 * time.Minute, time.Hour, 70 * time.Minute},
		"a key that was stolen":               {revocation.Key, 0, 0, time.Hour, 0},
		"what a key signed until some time":   {revocation.Key, -year, 0, time.Hour, 0},
		"everything that was issued long ago": {revocation.Everything, -year, year, time.Hour, year},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				e := revocation.Entry{Kind: test.kind, ID: "x", Before: revocation.Ended}
				if test.kind == revocation.Everything {
					e.ID = ""
				}
				if test.before != 0 {
					e.Before = time.Now().Add(test.before).UnixMicro()
				}
				if test.expires != 0 {
					e.Expires = time.Now().Add(test.expires)
				}
				check := func(how string, l *revocation.List) {
					t.Helper()
					all := slices.Collect(l.All())
					var want time.Time
					if test.want != 0 {
						want = time.Now().Add(test.want)
					}
					switch {
					case test.want == -1:
						if len(all) != 0 {
							t.Errorf("%s: it is there", how)
						}
					case len(all) != 1 || all[0].Before != e.Before || all[0].Expires.Unix() != want.Unix():
						t.Errorf("%s: %d entries, until %v, want %v", how, len(all), all, want)
					}
				}
				knows := func(c *revocation.HandlerConfig) { c.MaxTTL = test.maxTTL }
				check("in a snapshot", followed(t, overNetwork(s, &inProcess{serve: serves(t, load(t, newSource(e)), s, knows)})))

				origin := load(t, newSource())
				feed := newFeed(t, overNetwork(s, &inProcess{serve: serves(t, origin, s, knows)}))
				l := load(t, feed)
				origin.Apply(e)
				if err := poll(t, l); err != nil {
					t.Fatal(err)
				}
				check("as it came", l)
			})
		})
	}
}

// poll has a list take what there is. Nothing waits for it.
func poll(t *testing.T, l *revocation.List) error {
	defer run(t, l)()
	time.Sleep(500 * time.Millisecond)
	synctest.Wait()
	return l.Stats().Err
}

// req 61: a token that a cutoff ends is refused until it has expired for everybody, with every leeway, and by a
// clock that is a minute behind; then the cutoff is gone.
func TestACutoffOutlivesItsTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource()
		origin := load(t, src)
		defer run(t, origin)()
		h := serves(t, origin, s, func(c *revocation.HandlerConfig) { c.MaxTTL = token.MaxTTL })
		now := func() time.Time { return time.Now().Add(-59 * time.Second) }
		begin := func() *revocation.List {
			c := overNetwork(s, &inProcess{serve: h})
			c.Now, c.Leeway = now, time.Minute
			l := revocation.NewList(revocation.Config{Source: newFeed(t, c), Now: now})
			if err := l.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			return l
		}
		k := key{mustKey(t)}
		issuer, err := token.NewIssuer(token.IssuerConfig{Issuer: "i", Audience: "a", Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		check := func(raw string, l *revocation.List) error {
			v, err := token.NewVerifier(token.VerifierConfig{Issuer: "i", Audience: "a", Keys: k, Revocations: l, Leeway: time.Minute, MaxStale: time.Hour, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			_, err = v.Verify(t.Context(), raw)
			return err
		}
		at := time.Now()
		raw, err := issuer.Issue(token.Claims{Subject: "alice", SessionID: "s1"}, at, at.Add(token.MaxTTL), at.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		src.append(revocation.Entry{Kind: revocation.Subject, ID: "alice", Before: at.UnixMicro(), Expires: at.AddDate(1, 1, 0)})
		time.Sleep(5 * time.Second)
		early := begin()
		defer run(t, early)()
		last := time.Time{} // when it was said to be revoked
		for time.Since(at) < 70*time.Minute {
			time.Sleep(10 * time.Second)
			for part := range revocation.Parts { // as soon as it may go
				early.SweepPart(part, now())
			}
			for name, l := range map[string]*revocation.List{"who has followed": early, "who begins": begin()} {
				switch err := check(raw, l); {
				case errors.Is(err, token.ErrRevoked):
					last = time.Now()
				case !errors.Is(err, token.ErrExpired):
					t.Fatalf("%s after the cutoff, with %s: %v", time.Since(at), name, err)
				}
			}
		}
		if n := early.Stats().Entries + begin().Stats().Entries; n != 0 || last.Sub(at) < time.Hour {
			t.Errorf("%d entries; the token was last revoked after %s", n, last.Sub(at))
		}
		if origin.Before(revocation.Subject, "alice") == 0 {
			t.Error("the issuer has forgotten it too")
		}
	})
}
