package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// SetBeat makes the log's beat grow old after another time than five seconds.
func (s *Store) SetBeat(d time.Duration) { s.beatEvery = d }

// SetPoll makes Tail poll after other times than 200 ms, and a second while hints work.
func (s *Store) SetPoll(usually, slowly time.Duration) {
	s.listener.pollEvery, s.listener.pollSlowly = usually, slowly
}

// SetCheck makes the connection that listens be checked after another time than five seconds.
func (s *Store) SetCheck(d time.Duration) { s.listener.checkEvery = d }

// Mute keeps a store from telling others what it appends, as if every hint were lost.
func (s *Store) Mute(mute bool) {
	s.notifier.mu.Lock()
	defer s.notifier.mu.Unlock()
	s.notifier.muted = mute
}

// SetLinger makes the connection that listens outlive the last Tail by another time than two seconds.
func (s *Store) SetLinger(d time.Duration) { s.listener.linger = d }

// Deafen has a store listen where nobody speaks, as behind a pooler that shares out sessions.
func (s *Store) Deafen() { s.listener.channel = "nobody" }

// Pause is how long a Tail waits now before it polls.
func (s *Store) Pause() time.Duration { return s.listener.pause() }

// Channel is where a schema's hints are.
var Channel = channel

// SkipLocks is the mistake that the advisory locks are against.
func (s *Store) SkipLocks() { s.skipLocks = true }

// Idle has the next call take every connection for one that was idle.
func (s *Store) Idle() { s.trustIdle = -1 }

// Waiting is how many operations wait for a transaction of the log.
func (s *Store) Waiting() int {
	s.appender.mu.Lock()
	defer s.appender.mu.Unlock()
	return len(s.appender.waiting)
}

// PoolConfig is what Open would dial with.
func PoolConfig(c Config) (*pgxpool.Config, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return c.pool()
}

// FromURL is OpenURL's Config.
var FromURL = fromURL

// ReadPassword reads a password file.
var ReadPassword = readPassword

// SQL is the statements that a schema's size could make slow.
func SQL(schema string) map[string]string {
	s := newStatements(schema)
	return map[string]string{
		"load": s.selectRow, "list": s.selectOwned, "save": s.saves[1][0], "purge rows": s.purgeRows, "purge entries": s.purgeEntries,
		"expired": s.selectExpired, "head": s.selectHead, "changed": s.selectChanged, "move head": s.moveHead,
		"merge": s.merge,
	}
}
