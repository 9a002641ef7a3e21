package redis

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// pace is how often a Tail that waits looks at the log, and what the push takes its time for.
type pace struct {
	poll     time.Duration // between two looks where no push works
	lazyPoll time.Duration // and where one does: what a lost hint costs
	block    time.Duration // how long the server holds an XREAD: a connection that is dead stays unnoticed not much longer
	rest     time.Duration // between a hint and the next: of a thousand appends a second not each is worth a look
	backoff  time.Duration // at most, between two connections
}

var usualPace = pace{
	poll: 200 * time.Millisecond, lazyPoll: time.Second, block: time.Second, rest: 5 * time.Millisecond, backoff: 5 * time.Second,
}

// push is what tells the Tails of a Store that others have appended. It only makes them look: what is
// new, and whether the log is whole, they learn from the script, as they do without it.
type push struct {
	mu      sync.Mutex
	pace    pace
	waiting int                // Tails
	left    time.Time          // when the last of them ceased to wait
	heard   time.Time          // when the server last answered, zero if the push does not work
	stop    context.CancelFunc // ends the goroutine that listens, nil if there is none
	running sync.WaitGroup
}

// wait returns when a Tail should look again. Its errors are that ctx ended and that the Store closed.
func (s *Store) wait(ctx context.Context, woken <-chan struct{}) error {
	look := time.NewTimer(s.attend())
	defer look.Stop()
	defer s.leave()
	select {
	case <-woken:
		return nil
	case <-look.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closed:
		return errClosed
	}
}

// attend is called by a Tail that begins to wait, and returns how long it shall wait at most. While at
// least one waits, a goroutine listens for all.
func (s *Store) attend() time.Duration {
	p := &s.push
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	if p.stop == nil && !s.config.PollOnly && !s.isClosed() {
		ctx, stop := context.WithCancel(context.Background()) // the Tail that is first may end before others
		p.stop = stop
		p.running.Go(func() { s.listen(ctx); stop() })
	}
	if time.Since(p.heard) < 2*p.pace.block {
		return p.pace.lazyPoll
	}
	return p.pace.poll
}

func (s *Store) leave() {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	s.push.waiting--
	s.push.left = time.Now()
}

// endPush ends the goroutine that listens. The Store is closed, so that no other begins.
func (s *Store) endPush() {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	if s.push.stop != nil {
		s.push.stop()
	}
}

// goOn reports whether listening is worth while. Who is told that it is not must end: another may
// have begun. A Tail that returned something is called again in a moment, and finds the connection.
func (p *push) goOn() (pace, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting > 0 || time.Since(p.left) < p.pace.block {
		return p.pace, true
	}
	p.stop, p.heard = nil, time.Time{}
	return pace{}, false
}

// note keeps when the server has answered, or with the zero time that it does not. It reports whether
// the push has worked until now.
func (p *push) note(heard time.Time) (worked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	worked = !p.heard.IsZero()
	p.heard = heard
	return worked
}

// listen wakes the Tails for what others append, and when a connection begins or ends: something may
// have come between two.
func (s *Store) listen(ctx context.Context) {
	var l listener
	defer l.close()
	for tries := 0; ; {
		pace, ok := s.push.goOn()
		if !ok {
			return
		}
		isNew := l.client == nil
		hint, err := l.hear(ctx, s, pace.block)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			if !isNew { // of a new one the first XREAD does not block
				tries = 0
			}
			s.push.note(time.Now())
			if hint {
				s.wake()
				sleep(ctx, pace.rest)
			}
			continue
		}
		l.close()
		s.findPrimary()
		if worked := s.push.note(time.Time{}); worked {
			s.wake()
		}
		pause := min(50*time.Millisecond<<min(tries, 10), pace.backoff)
		tries++
		sleep(ctx, pause/2+rand.N(pause)) // not all programs at once
	}
}

// listener is a connection of its own to the server that has the log: one that is blocked is of no use
// to others, and only one that is closed ends at once.
type listener struct {
	client *redis.Client // nil if there is none
	cut    context.CancelFunc
	last   string // the last ID of the trail
}

// hear waits until there is something in the trail that it does not know, or block is over.
//
// PERSIST is there for a server that has become a replica and would be silent for ever. The last ID is
// read each time because a log that was begun anew counts from the start.
func (l *listener) hear(ctx context.Context, s *Store, block time.Duration) (hint bool, err error) {
	if l.client == nil {
		if err := l.open(ctx, s, block); err != nil {
			return false, err
		}
	}
	trail, head := s.keys[6], s.keys[7]
	asked := time.Now()
	pipe := l.client.Pipeline()
	primary := pipe.Persist(ctx, head)
	newest := pipe.XRevRangeN(ctx, trail, "+", "-", 1)
	next := pipe.XRead(ctx, &redis.XReadArgs{Streams: []string{trail}, ID: l.last, Count: 1, Block: block})
	pipe.Exec(ctx) // its error is one of theirs
	if err := errors.Join(primary.Err(), newest.Err()); err != nil {
		return false, err
	}
	if err := next.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	before := l.last
	if found := newest.Val(); len(found) > 0 {
		l.last = found[0].ID
	}
	if l.last != before {
		return true, nil
	}
	for _, stream := range next.Val() {
		for _, message := range stream.Messages {
			l.last = message.ID
		}
	}
	if l.last == before && time.Since(asked) < block/2 {
		return false, errNoBlock
	}
	return l.last != before, nil
}

// errNoBlock is of something between that answers an XREAD at once: it would be asked without pause.
var errNoBlock = errors.New("the XREAD did not block")

// open makes a client with one connection, to where the Store's own calls go. The connection is dialled
// when it is used, and cut when ctx ends: the driver would wait for the answer.
func (l *listener) open(ctx context.Context, s *Store, block time.Duration) error {
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	node, err := s.node(own)
	if err != nil {
		return err
	}
	options := *node.Options()
	options.Protocol = 2
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.Limiter = nil
	options.PoolSize, options.MinIdleConns, options.MaxActiveConns = 2, 0, 0 // after as many errors the driver dials in the background
	options.PipelineReadBufferSize, options.PipelineWriteBufferSize = 0, 0
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	options.ReadTimeout = block + s.config.Timeout/2
	options.WriteTimeout = s.config.Timeout / 2

	life, cut := context.WithCancel(ctx)
	dial := options.Dialer
	options.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx) // which the driver does not derive from ours
		defer cancel()
		defer context.AfterFunc(life, cancel)()
		conn, err := dial(ctx, network, addr)
		if err == nil {
			context.AfterFunc(life, func() { conn.Close() })
		}
		return conn, err
	}
	*l = listener{redis.NewClient(&options), cut, "0-0"}
	return nil
}

func (l *listener) close() {
	if l.client != nil {
		l.cut()
		l.client.Close() // its error is of a connection that has ended anyway
		l.client = nil
	}
}
