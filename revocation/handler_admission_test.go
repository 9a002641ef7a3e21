package revocation_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// Many who need a snapshot at once take it some at a time, and all have it in the end.
func TestSomeAtATimeTakeASnapshot(t *testing.T) {
	const followers, most = 60, 4
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource(sessions(0, 1000, time.Now().Add(time.Hour))...)
		origin := load(t, src)
		defer run(t, origin)()
		h, err := revocation.NewSmallHandler(revocation.HandlerConfig{
			List: origin, Key: feedKey, Keys: s, Issuer: s.name, Public: true, MaxSnapshots: most,
		}, 1000, 100)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		taking, pages, refused, worst := 0, 0, 0, 0 // pages that are to come, of one snapshot
		network := &inProcess{takes: 50 * time.Millisecond, serve: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if kindOf(req) != "snapshot" {
				h.ServeHTTP(w, req)
				if kindOf(req) == "page" {
					mu.Lock()
					taking--
					mu.Unlock()
				}
				return
			}
			res := get(t, h, "")
			mu.Lock()
			if res.Code == 200 {
				pages, _ = strconv.Atoi(claim(t, res.Body.Bytes(), "pages"))
				taking += pages
				worst = max(worst, taking)
			} else if after := res.Header().Get("Retry-After"); res.Code != 503 || !strings.Contains("123", after) || after == "" {
				t.Errorf("status %d, Retry-After %q", res.Code, after)
			} else {
				refused++
			}
			mu.Unlock()
			for name, values := range res.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(res.Code)
			w.Write(res.Body.Bytes())
		})}
		var lists []*revocation.List
		for range followers {
			l := revocation.NewList(revocation.Config{Source: newFeed(t, overNetwork(s, network))})
			defer run(t, l)()
			lists = append(lists, l)
		}
		// Each takes half a second, so four at a time need 8 s, and some places are free for a while.
		time.Sleep(40 * time.Second)
		for i, l := range lists {
			if l.Stats().Entries != 1000 || time.Since(l.AsOf()) > 10*time.Second {
				t.Fatalf("follower %d has %d entries, as of %s ago: %v", i, l.Stats().Entries, time.Since(l.AsOf()), l.Stats().Err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if worst != most*pages || refused == 0 {
			t.Errorf("%d pages at a time, of snapshots with %d, %d refused", worst, pages, refused)
		}
	})
}

// Who begins and does not go on is forgotten.
func TestWhoBeginsASnapshotAndGoesAwayIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		h := serves(t, load(t, newSource(sessions(0, 10, time.Now().Add(time.Hour))...)), s, func(c *revocation.HandlerConfig) { c.MaxSnapshots = 3 })
		for range 3 {
			if code := get(t, h, "").Code; code != 200 {
				t.Fatalf("status %d", code)
			}
		}
		for range 3 {
			if code := get(t, h, "").Code; code != 503 {
				t.Errorf("one too many: status %d", code)
			}
		}
		if code := get(t, h, "page=0.1").Code; code != 200 {
			t.Errorf("a page: status %d", code)
		}
		if code := get(t, h, "").Code; code != 200 { // one is done
			t.Errorf("in the place of one who is done: status %d", code)
		}
		if code := get(t, h, "").Code; code != 503 {
			t.Errorf("one too many: status %d", code)
		}
		time.Sleep(2*time.Second + time.Millisecond)
		if code := get(t, h, "").Code; code != 200 {
			t.Errorf("when nobody has asked for a page: status %d", code)
		}
	})
}

// A node may make its snapshot anew while somebody takes it. All pages are from one node nevertheless, so he
// goes on from where the older one was made.
func TestASnapshotThatIsMadeAnewMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		origin := load(t, newSource(sessions(0, 300, time.Now().Add(time.Hour))...))
		h, err := revocation.NewSmallHandler(revocation.HandlerConfig{List: origin, Key: feedKey, Keys: s, Issuer: s.name, Public: true}, 20, 100)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		pages, after := 0, ""
		n := &inProcess{serve: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			mu.Lock()
			switch kindOf(req) {
			case "page":
				if pages++; pages == 3 {
					origin.Apply(sessions(300, 312, time.Now().Add(time.Hour))...)
				}
			case "after":
				after = req.URL.Query().Get("after")
			}
			mu.Unlock()
			h.ServeHTTP(w, req)
		})}
		f := newFeed(t, overNetwork(s, n))
		l := load(t, f)
		if places := strings.Count(after, "."); places != 1 {
			t.Errorf("it goes on from %d places", places)
		}
		for i := range 312 {
			if l.Before(revocation.Session, strconv.Itoa(i)) == 0 {
				t.Errorf("entry %d is missing", i)
			}
		}
		if got := f.Status().Snapshots; got != 1 || pages != 4 {
			t.Errorf("%d snapshots, %d pages", got, pages)
		}
	})
}
