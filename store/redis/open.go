package redis

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
)

// Store is a writ.Store in Redis. Use Open; it is safe for concurrent use.
type Store struct {
	config Config
	client redis.UniversalClient
	owns   bool // Close closes the client
	keys   []string
	woken  atomic.Pointer[chan struct{}]
	push   push

	closed  chan struct{}
	closing sync.Once
}

var _ writ.Store = (*Store)(nil)

// Open connects to a server, and makes the store if there is none under its prefix.
//
// It refuses a server that is no primary, that is older than Redis 6.2, that may evict what the store
// has written or that has no append-only file, unless Config waives these two; a prefix under which
// there is something else, or what another version has written; and a Config or an URL with anything
// in it that would have no effect.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := prepare(c)
	if err != nil {
		return nil, failed("open", err)
	}
	err = s.checkServer(ctx)
	if err == nil {
		_, err = s.start(ctx)
	}
	if err != nil {
		s.Close()
		return nil, failed("open", err)
	}
	return s, nil
}

// prepare does what needs no server.
func prepare(c Config) (*Store, error) {
	full, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	client := c.Client
	if client == nil {
		if client, err = newClient(&c); err != nil {
			return nil, err
		}
		if full, err = c.withDefaults(); err != nil { // with what the URL has set
			return nil, err
		}
	} else if err := checkClient(client); err != nil {
		return nil, err
	}
	s := &Store{config: full, client: client, owns: c.Client == nil, keys: keysOf(full.Prefix), closed: make(chan struct{})}
	wake := make(chan struct{})
	s.woken.Store(&wake)
	s.push.pace = usualPace
	return s, nil
}

// usable is every method's first question.
func (s *Store) usable(ctx context.Context) error {
	if s.isClosed() {
		return errClosed
	}
	return ctx.Err()
}

func (s *Store) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// Close ends every Tail, and closes the connections, unless they are of Config.Client. From then on
// every method returns an error. The data stays.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.endPush()
		if s.owns {
			s.client.Close() // its error is of a connection that has ended anyway
		}
		s.push.running.Wait()
	})
	return nil
}
