package revocation_test

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
)

// unread is a client who does not read, until the server gives up.
type unread struct{ *httptest.ResponseRecorder }

func (unread) Write([]byte) (int, error) {
	time.Sleep(30 * time.Second)
	return 0, io.ErrClosedPipe
}

// onManyPages is a Handler with 10 pages or more.
func onManyPages(t *testing.T, s *signer, most int) *revocation.Handler {
	t.Helper()
	l := load(t, newSource(sessions(0, 1000, time.Now().Add(time.Hour))...))
	t.Cleanup(run(t, l))
	h, err := revocation.NewSmallHandler(revocation.HandlerConfig{
		List: l, Key: feedKey, Keys: s, Issuer: s.name, Public: true, MaxSnapshots: most,
	}, 1000, 100)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// One who reads a page at a time slowly, and who began all the snapshots that there may be, holds no places.
func TestWhoReadsSlowlyHoldsNoPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 8
		h := onManyPages(t, newSigner(t, issuerName), most)
		for i := range most + 1 {
			if code := get(t, h, "").Code; (code == 200) != (i < most) {
				t.Fatalf("status %d of snapshot %d", code, i)
			}
		}
		for i := range 20 {
			go h.ServeHTTP(unread{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/revocations?page=0.16", nil))
			time.Sleep(12 * time.Second)
			if code := get(t, h, "").Code; code != 200 {
				t.Errorf("after %d pages that are not read: status %d", i+1, code)
			}
		}
		for i := 0; get(t, h, "").Code == 200; i++ {
			if i > most {
				t.Fatal("there is no end of snapshots")
			}
		}
		for range 7 { // nor does one who reads a page now and then
			if code := get(t, h, "page=0.16").Code; code != 200 {
				t.Fatalf("a page: status %d", code)
			}
			time.Sleep(1900 * time.Millisecond)
		}
		if code := get(t, h, "").Code; code != 200 {
			t.Errorf("after pages now and then: status %d", code)
		}
		time.Sleep(30 * time.Second)
	})
}

// Connections that are not read count for a while only, however many.
func TestPagesThatAreNotReadAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := onManyPages(t, newSigner(t, issuerName), 2)
		for range 100 {
			go h.ServeHTTP(unread{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/revocations?page=0.16", nil))
		}
		time.Sleep(4 * time.Second)
		if code := get(t, h, "").Code; code != 503 {
			t.Errorf("while they are on their way: status %d", code)
		}
		time.Sleep(8 * time.Second)
		if code := get(t, h, "").Code; code != 200 {
			t.Errorf("when a Feed would have given up: status %d", code)
		}
		time.Sleep(30 * time.Second)
		for range 2 { // what was sent is not taken off twice
			get(t, h, "")
		}
		if code := get(t, h, "").Code; code != 503 {
			t.Errorf("one too many: status %d", code)
		}
	})
}

// Who gets no snapshot takes no place, and brings nobody else one.
func TestAnAnswerWithoutABodyTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := onManyPages(t, newSigner(t, issuerName), 2)
		head := func(r *http.Request) { r.Method = http.MethodHead }
		known := func(tag string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("If-None-Match", tag) }
		}
		tag, page := get(t, h, "", head).Header().Get("ETag"), get(t, h, "page=0.16", head).Header().Get("ETag")
		for range 10 {
			if code := get(t, h, "", head).Code; code != 200 {
				t.Errorf("HEAD: status %d", code)
			}
			if code := get(t, h, "", known(tag)).Code; code != 304 {
				t.Errorf("what is known: status %d", code)
			}
		}
		for i := range 3 {
			if code := get(t, h, "").Code; (code == 200) != (i < 2) {
				t.Errorf("snapshot %d: status %d", i, code)
			}
		}
		for range 40 {
			if code := get(t, h, "page=0.16", head).Code; code != 200 {
				t.Errorf("HEAD of a page: status %d", code)
			}
			if code := get(t, h, "page=0.16", known(page)).Code; code != 304 {
				t.Errorf("a page that is known: status %d", code)
			}
		}
		if code := get(t, h, "").Code; code != 503 {
			t.Errorf("after pages that were not sent: status %d", code)
		}
	})
}

// Who signs out sessions whose digests he has chosen makes no page too long for the others.
func TestDigestsThatSomebodyChose(t *testing.T) {
	derive := hmac.New(sha256.New, feedKey)
	derive.Write([]byte("writ: feed of revocations: names"))
	digest := hmac.New(sha256.New, derive.Sum(nil)) // whose key is in the feed
	var entries []revocation.Entry
	for range 1_000_000 {
		var id [16]byte
		rand.Read(id[:])
		e := revocation.Entry{Kind: revocation.Session, ID: rawURL.EncodeToString(id[:]), Before: revocation.Ended, Expires: time.Now().Add(time.Hour)}
		digest.Reset()
		digest.Write([]byte{byte(e.Kind)})
		digest.Write([]byte(e.ID))
		if digest.Sum(nil)[0]>>6 != 0 {
			continue
		}
		if entries = append(entries, e); len(entries) == 50_200 {
			break
		}
	}
	s := newSigner(t, issuerName)
	h := serves(t, load(t, newSource(entries...)), s)
	if l := followed(t, overNetwork(s, &inProcess{serve: h})); l.Stats().Entries != len(entries) {
		t.Errorf("%d of %d entries", l.Stats().Entries, len(entries))
	}
}

// There are pages of few numbers, because each costs a signature. Another node's list may be somewhat longer.
func TestPagesOfOtherNumbersAreNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource(sessions(0, 1000, time.Now().Add(time.Hour))...)
		l := load(t, src)
		defer run(t, l)()
		h, err := revocation.NewSmallHandler(revocation.HandlerConfig{List: l, Key: feedKey, Keys: s, Issuer: s.name, Public: true}, 100_000, 100)
		if err != nil {
			t.Fatal(err)
		}
		serves := func(want ...int) {
			t.Helper()
			for pages := 1; pages <= 4096; pages *= 2 {
				status := 410
				for _, n := range want {
					if n == pages {
						status = 200
					}
				}
				if code := get(t, h, fmt.Sprintf("page=%d.%d", pages-1, pages)).Code; code != status {
					t.Errorf("a page of %d: status %d, want %d", pages, code, status)
				}
			}
		}
		serves(8, 16, 32)
		src.append(sessions(1000, 10_000, time.Now().Add(time.Hour))...)
		time.Sleep(2 * time.Minute)
		if n := claim(t, get(t, h, "").Body.Bytes(), "pages"); n != "128" {
			t.Fatalf("%s pages", n)
		}
		serves(16, 64, 128, 256) // 16: for those who began before it grew
		before := s.signed.Load()
		for pages := 1; pages <= 4096; pages *= 2 {
			for page := range pages {
				get(t, h, fmt.Sprintf("page=%d.%d", page, pages))
			}
		}
		if n := s.signed.Load() - before; n > 16+64+128+256 {
			t.Errorf("%d signatures", n)
		}
	})
}

// req 62: one node reads from the log what another has acknowledged, while the goroutine that applies it here
// has lost its processor.
func TestWhatIsAppliedIsToldBeforeItIsComplete(t *testing.T) {
	s := newSigner(t, issuerName)
	src := newSource()
	var stop atomic.Bool
	stopped, on := make(chan struct{}), make(chan struct{})
	l := revocation.NewList(revocation.Config{Source: src, Now: func() time.Time {
		if stop.CompareAndSwap(true, false) {
			close(stopped)
			<-on
		}
		return time.Now()
	}})
	if err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := serves(t, l, s)
	cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
	e := sessions(0, 1, time.Now().Add(time.Hour))
	src.append(e...)
	acknowledged := time.Now().UnixMicro()
	stop.Store(true)
	applied, loaded := make(chan struct{}), make(chan error, 1)
	go func() { l.Apply(e...); close(applied) }()
	<-stopped
	go func() { time.Sleep(time.Millisecond); loaded <- l.Load(t.Context()) }()
	check := func() {
		t.Helper()
		a := get(t, h, "after="+cursor).Body.Bytes()
		if asOf, _ := strconv.ParseInt(claim(t, a, "as_of"), 10, 64); asOf > acknowledged && claim(t, a, "count") != "1" {
			t.Errorf("%s entries, as of %d µs after one was acknowledged", claim(t, a, "count"), asOf-acknowledged)
		}
	}
	select {
	case err := <-loaded: // so it must have been told
		loaded <- err
	case <-time.After(100 * time.Millisecond): // it waits for the goroutine
	}
	check()
	close(on)
	<-applied
	if err := <-loaded; err != nil {
		t.Fatal(err)
	}
	check()
}

// Who waits for changes under a key of digests that is replaced is answered, and not left waiting.
func TestWhoWaitsIsAnsweredWhenTheKeyOfDigestsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		src := newSource(sessions(0, 10, time.Now().Add(time.Hour))...)
		origin := load(t, src)
		defer run(t, origin)()
		n := &inProcess{serve: serves(t, origin, s)}
		middle := followed(t, overNetwork(s, n))
		defer run(t, middle)()
		h := serves(t, middle, s)
		time.Sleep(10 * time.Second)
		cursor := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		began := time.Now()
		done := make(chan *httptest.ResponseRecorder, 1)
		go func() { done <- get(t, h, "wait=25&after="+cursor) }()
		synctest.Wait()
		n.becomes(serves(t, origin, s, func(c *revocation.HandlerConfig) { c.Key = bytes.Repeat([]byte{9}, 32) }))
		time.Sleep(5 * time.Second)
		src.append(sessions(10, 11, time.Now().Add(time.Hour))...)
		if res := <-done; res.Code != 410 || time.Since(began) > 12*time.Second {
			t.Errorf("status %d after %s", res.Code, time.Since(began))
		}
	})
}

// held is a key whose next signature waits.
type held struct {
	crypto.Signer
	next    atomic.Bool
	release chan struct{}
}

func (h *held) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if h.next.CompareAndSwap(true, false) {
		<-h.release
	}
	return h.Signer.Sign(rand, digest, opts)
}

// Those who are up to date do not wait for answers that take longer, whoever asks for those and how often.
func TestWhoFollowsDoesNotWaitForLongAnswers(t *testing.T) {
	for _, long := range []string{"page=0.1", "", "after=old"} {
		t.Run(long, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner(t, issuerName)
				test, err := keys.EdDSA.Generate()
				if err != nil {
					t.Fatal(err)
				}
				key := &held{Signer: test, release: make(chan struct{})}
				private, err := keys.FromSigner(keys.EdDSA, key)
				if err != nil {
					t.Fatal(err)
				}
				l := load(t, newSource())
				h := serves(t, l, s)
				old := claim(t, get(t, h, "").Body.Bytes(), "cursor")
				l.Apply(sessions(0, 10_000, time.Now().Add(time.Hour))...)
				time.Sleep(time.Second)
				latest := claim(t, get(t, h, "after="+old).Body.Bytes(), "cursor")
				s.all = []*keys.Private{private} // and everything is signed anew
				key.next.Store(true)
				done := make(chan string, 2)
				go func() { get(t, h, strings.Replace(long, "old", old, 1)); done <- "long" }()
				synctest.Wait()
				go func() { get(t, h, "after="+latest); done <- "short" }()
				synctest.Wait()
				if len(done) != 1 || <-done != "short" {
					t.Error("it waits for an answer that takes longer")
				}
				close(key.release)
				synctest.Wait()
			})
		})
	}
}

// Long answers do not drive out the one that everybody asks for.
func TestWhatEverybodyAsksForIsKeptBesideLongAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner(t, issuerName)
		l := load(t, newSource())
		h := serves(t, l, s)
		next := claim(t, get(t, h, "").Body.Bytes(), "cursor")
		var old []string
		add := func(n int) {
			at := l.Stats().Entries
			l.Apply(sessions(at, at+n, time.Now().Add(time.Hour))...)
			time.Sleep(time.Second)
			next = claim(t, get(t, h, "after="+next).Body.Bytes(), "cursor")
			old = append(old, next)
		}
		for range 8 {
			add(1)
		}
		add(200_000)
		time.Sleep(2 * time.Second)
		last := old[len(old)-1]
		tag := get(t, h, "after="+last).Header().Get("ETag")
		for range 2 {
			before := s.signed.Load()
			for _, cursor := range old[:8] {
				if n := get(t, h, "after="+cursor).Body.Len(); n < 3<<20 {
					t.Fatalf("%d bytes", n)
				}
				if get(t, h, "after="+last).Header().Get("ETag") != tag {
					t.Error("it is made again")
				}
			}
			if n := s.signed.Load() - before; n > 8 {
				t.Errorf("%d signatures", n)
			}
		}
	})
}
