package postgres

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// betweenHints is how long a hint waits for more after the one before it. The first one never waits.
const betweenHints = 5 * time.Millisecond

// notifier tells other processes that the log has grown. It is a hint, sent after the commit and never
// in it: a commit with a NOTIFY holds a lock of the whole server. What comes while one is on its way is
// in the next one, and one that fails is not sent again, for the others poll.
type notifier struct {
	mu      sync.Mutex
	next    int64 // the seq to tell of, or 0
	running bool  // a goroutine tells; it ends when there is nothing to tell
	done    sync.WaitGroup

	last  atomic.Int64 // the seq that was told of last
	muted bool         // for a test
}

// announce has others told of a transaction of the log, and waits for nothing.
func (s *Store) announce(seq int64) {
	n := &s.notifier
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.muted {
		return
	}
	n.next = seq
	if !n.running {
		n.running = true
		n.done.Go(s.tell)
	}
}

func (s *Store) tell() {
	n := &s.notifier
	for {
		n.mu.Lock()
		seq := n.next
		n.next = 0
		n.running = seq != 0
		n.mu.Unlock()
		if seq == 0 {
			return
		}
		n.last.Store(seq) // before it can come back
		s.notify(seq)
		select {
		case <-time.After(betweenHints):
		case <-s.closing.Done():
		}
	}
}

// notify also works while Close waits for it: a program that ends a session and then itself has told so.
func (s *Store) notify(seq int64) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout/5)
	defer cancel()
	conn, err := s.acquire(ctx)
	if err != nil {
		return
	}
	conn.Exec(ctx, s.sql.notify, strconv.FormatInt(seq, 10))
	s.release(conn, false) // it may be the lock that is slow, and not the network
}

// channel is what the hints of a schema are named. Another schema has another one.
func channel(schema string) string {
	return fmt.Sprintf("writ_%016x", uint64(lockKey(schema, "channel", "")))
}
