package revocation

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/writ-go/writ/internal/outbound"
	"github.com/writ-go/writ/token"
)

// FeedConfig configures a Feed. URL, Issuer and Keys are required; the rest has defaults.
type FeedConfig struct {
	// URL is where the Handler is, with https. Every redirect must stay at its host and port.
	URL string

	// Issuer is who must have signed, and Keys finds the keys. A jwks.Remote is right, and must be loaded
	// before the list.
	Issuer string
	Keys   token.KeySet

	// Authorize adds to a request what HandlerConfig.Allow asks for. Default: nothing.
	Authorize func(*http.Request) error

	// MaxEntries is how many entries are taken: a feed that has more is refused before they are read.
	// Default 64 Mi, as many as a List holds.
	MaxEntries int

	// CacheDir is a directory, made if need be, that keeps what was last followed, for a start while the
	// issuer cannot be had. It makes nothing look fresh: the list is as of what the issuer signed. Only
	// this user may be able to write in it. Default none.
	CacheDir string

	// Leeway is how far the clocks of issuer and follower may be apart. Default 5 s, at most 60 s.
	Leeway time.Duration

	// Timeout is for one answer, beyond the time that it waits for something to come. Default 10 s,
	// 100 ms to 60 s.
	Timeout time.Duration

	// RootCAs are the certificate authorities that count. Default those of the system.
	RootCAs *x509.CertPool

	// Transport makes the requests, in place of one that uses no proxy, speaks TLS 1.2 or later and
	// checks every address that it connects to. That a Transport does the same cannot be seen, so it
	// needs AllowPrivateAddresses too. Redirects, size and time are limited all the same.
	Transport http.RoundTripper

	// AllowPlainLoopback permits a URL with http whose host is localhost, 127.0.0.1 or the like.
	AllowPlainLoopback bool

	// AllowPrivateAddresses permits an issuer inside your network: in 10.0.0.0/8, 172.16.0.0/12,
	// 192.168.0.0/16, 100.64.0.0/10 or fc00::/7. Loopback and link-local addresses it does not permit.
	AllowPrivateAddresses bool

	Now func() time.Time // default time.Now; the same as the List's
}

// Feed is a Source that follows a Handler over HTTP. Its entries have digests for IDs, and a List that is
// given a Feed looks tokens up by digests. So each List needs a Feed of its own, and a Source that wraps a
// Feed must embed it.
//
// It believes what the issuer has signed, and nothing else: neither a server, a cache on the way nor a
// file can add an entry, leave one out, or have the list look fresher than it is.
type Feed struct {
	config   FeedConfig
	host     string // of its URL, for errors
	client   *http.Client
	verifier verifier

	// For the List, which asks for one thing at a time.
	file    *feedFile // nil: none
	started bool      // the file was read, if there is one
	anew    bool      // the last snapshot was of no use: caches are asked to fetch another
	passed  int       // how many in a row could not go on from where it stands
	failed  bool      // the last request for what came

	mu       sync.Mutex
	attached int // how many Lists have it
	key      *blinding
	asOf     time.Time
	status   FeedStatus
}

// NewFeed refuses a configuration that would trust too much. It makes CacheDir if there is none, and
// fetches nothing.
func NewFeed(c FeedConfig) (*Feed, error) {
	var wrong []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf("revocation: FeedConfig."+format, args...))
		}
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = maxEntries
	}
	if c.Leeway == 0 {
		c.Leeway = 5 * time.Second
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	target := outbound.Target{URL: c.URL, AllowPlainLoopback: c.AllowPlainLoopback, AllowPrivateAddresses: c.AllowPrivateAddresses}
	if err := target.Check(); err != nil {
		refuse(true, "URL %w", err)
	}
	refuse(c.Issuer == "", "Issuer is empty: name who signs the feed")
	refuse(c.Keys == nil, "Keys is nil: give a jwks.Remote that follows the issuer's keys")
	refuse(c.MaxEntries < 0 || c.MaxEntries > maxEntries, "MaxEntries is %d: use at most %d", c.MaxEntries, maxEntries)
	refuse(c.Leeway < 0 || c.Leeway > time.Minute, "Leeway is %s: use at most 1m", c.Leeway)
	refuse(c.Timeout < 100*time.Millisecond || c.Timeout > time.Minute, "Timeout is %s: use 100ms to 1m", c.Timeout)
	refuse(c.Transport != nil && c.RootCAs != nil, "RootCAs has no effect beside Transport: give them to the Transport")
	refuse(c.Transport != nil && !c.AllowPrivateAddresses,
		"AllowPrivateAddresses is not set: what a Transport connects to cannot be checked, so permit it")
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	f := &Feed{
		config: c, host: target.Host(),
		client: target.Client(outbound.Connection{
			Timeout: c.Timeout + feedWait, RootCAs: c.RootCAs, KeepAlive: true, Transport: c.Transport,
		}),
		verifier: verifier{c.Issuer, c.Keys, c.Leeway, c.Now},
	}
	if c.CacheDir != "" {
		file, err := newFeedFile(c.CacheDir, c.Issuer, c.URL)
		if err != nil {
			return nil, fmt.Errorf("revocation: FeedConfig.CacheDir: %w", err)
		}
		f.file = file
	}
	return f, nil
}

// FeedStatus is the state of a Feed, for metrics and health checks, beside List.Stats.
type FeedStatus struct {
	AsOf      time.Time // as of when the last answer was complete, by the issuer's clock; the zero time: none came
	Snapshots int       // how many were taken, without those from CacheDir
	FromCache bool      // what is known is from CacheDir
	Err       error     // why the feed could not be had when CacheDir was used instead; nil: it was not
	CacheErr  error     // what is wrong with CacheDir; nil: nothing
}

// Status reads the state.
func (f *Feed) Status() FeedStatus {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.AsOf = f.asOf
	return s
}

func (f *Feed) note(change func(s *FeedStatus)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.status)
}

func (f *Feed) attach() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.attached++
}

func (f *Feed) rest() {
	if f.config.Transport == nil {
		f.client.CloseIdleConnections()
	}
}

func (f *Feed) told() (*blinding, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key, f.asOf
}

// stand is what a Feed has told its List, once that is in it.
type stand struct {
	key    *blinding
	asOf   time.Time
	cursor string
}

func (f *Feed) stands(at stand, change func(s *FeedStatus)) Cursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.key = at.key
	if at.asOf.After(f.asOf) { // nodes are not all as far
		f.asOf = at.asOf
	}
	f.status.FromCache, f.status.Err = false, nil
	change(&f.status)
	return Cursor(at.cursor)
}

// asksOthers is how often one asks who could be sent to another node.
const asksOthers = 4

var (
	errElsewhere  = errors.New("the node that was asked cannot go on from there: another is asked, and then for a snapshot")
	errUnattached = errors.New("a Feed is the Source of one List, and what wraps it must embed it: its entries have digests for IDs")
	errRollback   = errors.New("it is as of a time before the last answer: see to caches and to the nodes' clocks")
)

// Snapshot implements Source: it takes all that the issuer has. The first time, it begins with CacheDir's
// file, and if that can be followed on, it is enough. If the feed cannot be had, the file's entries are
// there all the same, and the list is as old as they are.
func (f *Feed) Snapshot(ctx context.Context, add func(Entry)) (Cursor, error) {
	f.mu.Lock()
	attached := f.attached
	f.mu.Unlock()
	if attached != 1 {
		return "", errUnattached
	}
	var kept stand // of CacheDir's file
	if !f.started && f.file != nil {
		kept, f.started = f.restore(add)
	}
	if kept.cursor != "" {
		c, entries, err := f.changes(ctx, kept, 0)
		if err == nil {
			for _, e := range entries {
				add(e)
			}
			return f.stands(kept.after(c), func(*FeedStatus) {}), nil
		}
	}
	at, err := f.whole(ctx, add)
	f.anew = err != nil
	if err == nil {
		return f.stands(at, func(s *FeedStatus) { s.Snapshots++ }), nil
	}
	err = f.named(err)
	if kept.cursor == "" {
		return "", err
	}
	return f.stands(kept, func(s *FeedStatus) { s.FromCache, s.Err = true, err }), nil
}

// Tail implements Source. It waits for up to 2 s. A node that has begun lately cannot say what came before;
// another one may, so a snapshot is taken only when a fourth request has got no better answer.
func (f *Feed) Tail(ctx context.Context, after Cursor) ([]Entry, Cursor, error) {
	if f.file != nil && f.file.full(f.config.Now()) {
		return nil, "", fmt.Errorf("%w: CacheDir's file is to be made anew", ErrGap)
	}
	at := stand{cursor: string(after)}
	at.key, at.asOf = f.told()
	wait := feedWait
	if f.failed { // what matters is how old the list is
		wait = 0
	}
	c, entries, err := f.changes(ctx, at, wait)
	f.failed = err != nil
	if errors.Is(err, errPassed) {
		if f.passed++; f.passed < asksOthers {
			return nil, "", f.named(errElsewhere)
		}
	}
	if err == nil || errors.Is(err, ErrGap) {
		f.passed = 0
	}
	if err != nil {
		return nil, "", f.named(err)
	}
	return entries, f.stands(at.after(c), func(*FeedStatus) {}), nil
}

// after is where one stands who has heard the changes that c is about. The time is the later one, whatever
// node they came from: what is complete stays so.
func (s stand) after(c claims) stand {
	asOf := time.UnixMicro(c.AsOf)
	later := !asOf.Before(s.asOf)
	if !later {
		asOf = s.asOf
	}
	return stand{s.key, asOf, moved(s.cursor, c.Cursor, later)}
}

func (f *Feed) named(err error) error {
	return fmt.Errorf("the feed of %q at %s: %w", f.config.Issuer, f.host, err)
}
