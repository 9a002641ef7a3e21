package jwks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/writ-go/writ/internal/ownfile"
	"github.com/writ-go/writ/keys"
)

// Remote follows the key sets of other issuers. Look-ups are answered from memory at once; only Load
// and Run fetch. All methods may be used by any number of goroutines. The zero Remote answers
// keys.ErrUnavailable: use NewRemote.
//
// Each issuer has its own URL, algorithms, keys and failures: a kid of one is never found under
// another, and nothing that a token says leads to a request that the configuration does not name.
type Remote struct {
	sources map[string]*source // by issuer
	inOrder []*source
}

var errNotMade = fmt.Errorf("%w: a Remote must be made with NewRemote", keys.ErrUnavailable)

// NewRemote refuses a configuration that would trust too much. It makes CacheDir if there is none,
// and fetches nothing: call Load or Run.
func NewRemote(c RemoteConfig) (*Remote, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if c.CacheDir != "" {
		if err := ownfile.MakeDir(c.CacheDir); err != nil {
			return nil, fmt.Errorf("jwks: RemoteConfig.CacheDir: %w", err)
		}
	}
	r := &Remote{sources: map[string]*source{}}
	for _, issuer := range c.Issuers {
		s := newSource(&c, issuer)
		r.sources[issuer.Issuer] = s
		r.inOrder = append(r.inOrder, s)
	}
	return r, nil
}

// Public is the verification key for an issuer's kid. It never waits. An issuer that is not
// configured is keys.ErrUnknown.
//
// A kid that the issuer's set does not have is keys.ErrUnavailable, and wakes Run, until the issuer
// was asked anew, past every cache that obeys, after the kid was first asked for. Then, and for
// MinRefresh, it is keys.ErrUnknown. Run asks at most once in UnknownRefresh, however many kids wait;
// it follows that a new key is good that long after it was first needed.
//
// Every answer is keys.ErrUnavailable while the issuer's set is older than MaxStale.
func (r *Remote) Public(issuer, kid string) (*keys.Public, error) {
	if len(r.sources) == 0 {
		return nil, errNotMade
	}
	s, ok := r.sources[issuer]
	if !ok {
		return nil, keys.ErrUnknown
	}
	return s.public(kid)
}

// Load fetches every set once. For an issuer that does not give its set it takes the last good one
// from CacheDir. It returns an error if some issuer then has no keys; the others' are good all the
// same, and Run goes on trying, so a service of many issuers may report it and start.
func (r *Remote) Load(ctx context.Context) error {
	if len(r.sources) == 0 {
		return errNotMade
	}
	began := time.Now()
	errs := make([]error, len(r.inOrder))
	var all sync.WaitGroup
	for i, s := range r.inOrder {
		all.Go(func() {
			s.alone(ctx, func() {
				if s.held.Load().asOf.Before(began) { // else another call has fetched meanwhile
					s.refresh(ctx)
				}
			})
			errs[i] = s.ready(s.held.Load(), time.Now())
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// Run keeps the sets fresh until ctx ends, and returns ctx's error. It fetches a set when the issuer's
// answer says so (Cache-Control, Expires), between MinRefresh and MaxRefresh after the last time, and
// up to a tenth earlier so that services do not ask together; after a failure, in 1 s and then ever
// more rarely up to MinRefresh; and when Public did not know a kid. A fetch that fails leaves the keys
// as they are, and is reported by Status.
func (r *Remote) Run(ctx context.Context) error {
	if len(r.sources) == 0 {
		return errNotMade
	}
	var all sync.WaitGroup
	for _, s := range r.inOrder {
		all.Go(func() { s.run(ctx) })
	}
	all.Wait()
	return ctx.Err()
}

// Ready returns nil if every issuer's set was fetched within MaxStale, and otherwise
// keys.ErrUnavailable with the reasons. Where one issuer's failure should not stop the service of the
// others, look at Status instead.
func (r *Remote) Ready() error {
	if len(r.sources) == 0 {
		return errNotMade
	}
	var errs []error
	for _, s := range r.inOrder {
		errs = append(errs, s.ready(s.held.Load(), time.Now()))
	}
	return errors.Join(errs...)
}

// Status is the state of one issuer's set, for metrics and health checks.
type Status struct {
	Issuer    string
	Keys      int       // that verify
	Skipped   []error   // why other entries of the set are not among them
	AsOf      time.Time // when the last good fetch began; the zero time: there was none
	FromCache bool      // it is from CacheDir
	Unknown   uint64    // how often Public did not know a kid
	Refetches uint64    // how often that made Run ask
	Err       error     // why the last fetch failed; nil: it did not
	CacheErr  error     // what is wrong with CacheDir; nil: nothing
}

// Status reads the state of each issuer, in the order of the configuration.
func (r *Remote) Status() []Status {
	var all []Status
	for _, s := range r.inOrder {
		all = append(all, s.status())
	}
	return all
}
