package redis

import "time"

// SetPolls sets how often a Tail that waits looks, with a push and without.
func (s *Store) SetPolls(every time.Duration) {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	s.push.pace.poll, s.push.pace.lazyPoll = every, every
}

// SetBlock sets how long the server holds an XREAD from the next one on.
func (s *Store) SetBlock(d time.Duration) {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	s.push.pace.block = d
}

// Waiting is how many Tails wait.
func (s *Store) Waiting() int {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	return s.push.waiting
}

// Listening reports whether a goroutine listens.
func (s *Store) Listening() bool {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	return s.push.stop != nil
}

// PushWorks reports whether the server has answered the push when it was asked last.
func (s *Store) PushWorks() bool {
	s.push.mu.Lock()
	defer s.push.mu.Unlock()
	return !s.push.heard.IsZero()
}
