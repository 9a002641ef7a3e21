package revocation

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ/token"
)

// HandlerConfig configures a Handler. List, Key, Keys and Issuer are required, and exactly one of Allow
// and Public.
type HandlerConfig struct {
	// List is this node's list. The feed is made of it: whoever follows costs the store nothing. One that
	// follows a Feed itself is passed on, as of what its own issuer signed.
	List *List

	// Key is 32 secret bytes, the same on all nodes behind one URL. IDs leave only as digests under a key
	// that is derived from it. With another Key everybody who follows takes a new snapshot.
	Key []byte

	// Keys signs. Its public half must be in the key set that followers read: a keys.Ring is right.
	Keys Signer
	// Issuer is who signs, as followers know it.
	Issuer string

	// Allow says who may read: others get 403. Public allows everybody. Whoever may read can test guesses:
	// whether a subject that he can name has a cutoff, and whether a session or token whose ID he has was
	// ended. The key of the digests is part of the feed.
	Allow  func(*http.Request) bool
	Public bool

	// MaxStale is how old the list may be. Beyond it every answer is 503. Default 60 s, 10 s to 1 h: a list
	// whose store is quiet is 2 s old, one that follows a Feed 4 s, and more after a failure.
	MaxStale time.Duration

	// Skew is the most by which the clocks of two nodes differ, and by which one is set back; where the
	// List follows a Feed, also the clocks of the nodes behind that. If it is exceeded, followers whose
	// requests go to one node and then another can miss entries. Default 5 s, at most 60 s.
	Skew time.Duration

	// MaxTTL is the longest life of a token, counted from its stamp, where no stamp is earlier than the iat of
	// its token: those of a writ.Manager are not, and its is token.MaxTTL. Then a subject's cutoff goes to
	// followers for as long only as a token that it ends can be alive, with every leeway. Default 0: the life
	// is not known, and they keep the cutoff until it expires, which is in 400 days.
	MaxTTL time.Duration

	// MaxWaiting is how many requests may wait at a time for something to come; more get 503. Default
	// 10,000.
	MaxWaiting int

	// MaxSnapshots is of how many snapshots pages may be to come at a time: who wants another gets 503, and
	// asks again some seconds later. Four pages of each share this node's network, and have to come within a
	// Feed's Timeout: with 128 at 1 Gbit/s in about 2 s. Default 128, at most 65,536.
	MaxSnapshots int
}

// leastStale is for how old a list becomes without anything being wrong.
const leastStale = 10 * time.Second

// Handler serves a List to those who follow it with a Feed. It answers GET and HEAD, on one path:
//
//	(no query)            how many pages the snapshot has, and under which key its digests are
//	?page=K.N             page K of N of it: the entries whose digests begin with certain bits
//	?after=CURSOR         what came after that
//	?after=CURSOR&wait=S  the same, and if that is nothing, what comes within S seconds, at most 25
//
// Any node can answer any of them: a snapshot may be put together from pages of several, and a cursor
// leads on everywhere, or is refused with 410, which means: ask another node, or take a new snapshot. Other
// parameters are passed over.
//
// An answer is a compact JWS (RFC 7515) of typ "revocations+jwt", a line end, and records in binary. The
// JWS names the issuer, what was asked for, the SHA-256 of the records, and as of when this node's list
// was complete, which no cache on the way can make look later. Each distinct answer is encoded and signed
// once, however many wait for it.
type Handler struct {
	config    HandlerConfig
	list      *List
	blinding  *blinding // for a list that is not blinded itself
	cursors   cursorKey
	sizes     sizes
	waiting   atomic.Int64
	admission admission
	drained   chan struct{}
	drain     sync.Once

	mu      sync.Mutex
	edition *edition // that is served now; nil: none yet
}

// sizes are constant but for tests.
type sizes struct {
	changes int // that are kept
	page    int // most records on a page, on average
}

// NewHandler refuses a configuration that says too little. From now on the List notes what it takes in,
// for as long as it lives: make one Handler for each List, and do not discard it.
func NewHandler(c HandlerConfig) (*Handler, error) {
	return newHandler(c, sizes{maxChanges, pageRecords})
}

func newHandler(c HandlerConfig, s sizes) (*Handler, error) {
	var wrong []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf("revocation: HandlerConfig."+format, args...))
		}
	}
	if c.MaxStale == 0 {
		c.MaxStale = time.Minute
	}
	if c.Skew == 0 {
		c.Skew = 5 * time.Second
	}
	if c.MaxWaiting == 0 {
		c.MaxWaiting = 10_000
	}
	if c.MaxSnapshots == 0 {
		c.MaxSnapshots = 128
	}
	refuse(c.List == nil, "List is nil: give the list of this node")
	refuse(len(c.Key) != keySize, "Key has %d bytes: give %d random ones, the same on all nodes", len(c.Key), keySize)
	refuse(c.Keys == nil, "Keys is nil: give the issuer's keys.Ring")
	refuse(c.Issuer == "", "Issuer is empty: name who signs")
	refuse((c.Allow == nil) != c.Public, "Allow or Public: set exactly one; with Public anybody can test guesses of subjects")
	refuse(c.MaxStale < leastStale || c.MaxStale > time.Hour,
		"MaxStale is %s: it must be from %s, because a list that is well grows to several seconds, to 1h", c.MaxStale, leastStale)
	refuse(c.Skew < 0 || c.Skew > time.Minute, "Skew is %s: it must be at most 1m", c.Skew)
	refuse(c.MaxTTL < 0 || c.MaxTTL > token.MaxTTL, "MaxTTL is %s: use at most %s, beyond which no token is accepted", c.MaxTTL, token.MaxTTL)
	refuse(c.MaxWaiting < 0, "MaxWaiting is %d: it must not be negative", c.MaxWaiting)
	refuse(c.MaxSnapshots < 0 || c.MaxSnapshots > 1<<16, "MaxSnapshots is %d: use at most 65,536", c.MaxSnapshots)
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	h := &Handler{
		config: c, list: c.List, sizes: s, drained: make(chan struct{}),
		blinding: newBlinding(derived(c.Key, "names")), cursors: derived(c.Key, "cursors"),
	}
	h.config.Key = nil // only what is derived from it is kept
	h.current()        // the list notes changes from now on
	return h, nil
}

// derived is a key for one purpose. Those who follow know that for names.
func derived(key []byte, purpose string) [keySize]byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("writ: feed of revocations: " + purpose))
	return [keySize]byte(m.Sum(nil))
}

// Drain ends all waiting, now and from now on: give it to http.Server.RegisterOnShutdown, because
// Shutdown waits for requests that wait.
func (h *Handler) Drain() { h.drain.Do(func() { close(h.drained) }) }

// Waiting is how many requests wait now.
func (h *Handler) Waiting() int { return int(h.waiting.Load()) }

var (
	errStale  = errors.New("the list is not complete, or too old")
	errGone   = errors.New("take a new snapshot")
	errNotYet = errors.New("this node cannot say yet")
	errBusy   = errors.New("too many take a snapshot")
)

// current is what to serve, and as of when the list is complete. nil: it was never loaded.
func (h *Handler) current() (*edition, time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	asOf := h.list.AsOf() // before naming, which is written first: a later naming does no harm
	n := h.list.naming.Load()
	if h.edition != nil && h.edition.naming == n {
		return h.edition, asOf
	}
	b := h.blinding
	if n.blinded {
		if len(n.keys) == 0 {
			return nil, time.Time{}
		}
		b = n.keys[0]
	}
	e := newEdition(h, n, b)
	var former *changes
	if h.edition != nil {
		former = h.edition.changes
	}
	h.list.watched.watch(e.changes, former)
	if h.edition != nil {
		h.edition.rounds.end()
	}
	h.edition = e
	return e, asOf
}

// fresh is current, or errStale.
func (h *Handler) fresh() (*edition, time.Time, error) {
	e, asOf := h.current()
	if e == nil || asOf.IsZero() {
		return nil, asOf, errStale
	}
	now := h.list.now()
	// The larger of wall and monotonic time, as where tokens are judged.
	if max(now.Sub(asOf), now.Round(0).Sub(asOf.Round(0))) > h.config.MaxStale {
		return nil, asOf, errStale
	}
	return e, asOf, nil
}
