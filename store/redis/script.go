package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed script/common.lua
	common string
	//go:embed script/known.lua
	known string

	//go:embed script/start.lua
	startSource string
	//go:embed script/load.lua
	loadSource string
	//go:embed script/list.lua
	listSource string
	//go:embed script/write.lua
	writeSource string
	//go:embed script/purge.lua
	purgeSource string
	//go:embed script/tail.lua
	tailSource string
	//go:embed script/page.lua
	pageSource string
)

// Everything that a store does is one of these, a read too: each must say on its own that it is
// answered by a primary, and that the data is what this package knows.
var (
	startScript = redis.NewScript(common + startSource)
	loadScript  = redis.NewScript(common + known + loadSource)
	listScript  = redis.NewScript(common + known + listSource)
	writeScript = redis.NewScript(common + known + writeSource)
	purgeScript = redis.NewScript(common + known + purgeSource)
	tailScript  = redis.NewScript(common + known + tailSource)
	pageScript  = redis.NewScript(common + known + pageSource)
)

// keysOf names all keys of a store, in the order that common.lua expects. The braces put them into
// one hash slot.
func keysOf(prefix string) []string {
	var keys []string
	for _, name := range []string{"rows", "owned", "rows-due", "entries", "order", "entries-due", "trail", "head"} {
		keys = append(keys, "{"+prefix+"}:"+name)
	}
	return keys
}

// run runs a script and returns what it says: a word, and what comes with it.
func (s *Store) run(ctx context.Context, script *redis.Script, args ...any) (string, []string, error) {
	return s.attempt(ctx, func(ctx context.Context) ([]string, error) {
		return flat(script.Run(ctx, s.client, s.keys, args...))
	})
}

// runSafe is run for what must not be taken back by a failover: it ends when enough replicas have all
// that the primary had after the script. A script that has written nothing waits too: what it has
// seen may be another's write, or the write of which this is a second try.
func (s *Store) runSafe(ctx context.Context, script *redis.Script, args ...any) (string, []string, error) {
	if s.config.Replicas == 0 {
		return s.run(ctx, script, args...)
	}
	return s.attempt(ctx, func(ctx context.Context) ([]string, error) {
		answer, reached, err := s.runAndWait(ctx, script, args)
		if err == nil && reached < int64(s.config.Replicas) {
			err = ownError{fmt.Errorf("it is on %d replicas, and Replicas is %d: it counts only when tried again", reached, s.config.Replicas)}
		}
		return answer, err
	})
}

// retries is how often a call is tried again within its Timeout, after a connection that broke and
// after answers such as LOADING and READONLY. All that a store does may be done twice. More would
// only crowd a server that is coming back: callers try again too.
const retries = 2

// attempt tries a call, and again. The driver does not, because who tries again must know it: after an
// answer that was lost, a conflict may be with what the call itself has written.
func (s *Store) attempt(ctx context.Context, call func(context.Context) ([]string, error)) (string, []string, error) {
	if err := s.usable(ctx); err != nil {
		return "", nil, err
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	unsure := false
	for try := 0; ; try++ {
		answer, err := call(own)
		if err == nil && unsure && len(answer) > 0 && answer[0] == "conflict" {
			return "", nil, errUnsure
		}
		if err == nil {
			return s.judge(answer)
		}
		s.findPrimary()
		var again bool
		if again, unsure = worthAgain(err, unsure); !again || try == retries || sleep(own, pauseBefore(try)) != nil {
			return "", nil, s.broken(ctx, err)
		}
	}
}

// pauseBefore is at random, so that callers do not come back together.
func pauseBefore(try int) time.Duration {
	return 10*time.Millisecond + rand.N(40*time.Millisecond<<try)
}

// worthAgain reports whether trying again may help, and whether what was tried may have been done.
func worthAgain(err error, unsure bool) (again, mayBeDone bool) {
	var own ownError
	var answer redis.Error
	switch {
	case errors.As(err, &own):
		return false, unsure
	case errors.As(err, &answer): // the server has refused it
		for _, code := range []string{"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK"} {
			if redis.HasErrorPrefix(err, code) {
				return true, unsure
			}
		}
		return false, unsure
	}
	return !errors.Is(err, redis.ErrClosed), true
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runAndWait runs a script and WAIT on one connection, in one round trip: WAIT knows only what its own
// connection has done.
func (s *Store) runAndWait(ctx context.Context, script *redis.Script, args []any) ([]string, int64, error) {
	node, err := s.node(ctx)
	if err != nil {
		return nil, 0, err
	}
	patience := s.config.ReplicasTimeout
	if end, ok := ctx.Deadline(); ok {
		patience = max(min(patience, time.Until(end)/2), time.Millisecond) // 0 would be for ever
	}
	var cmd, wait *redis.Cmd
	for _, run := range []func(context.Context, redis.Scripter, []string, ...any) *redis.Cmd{script.EvalSha, script.Eval} {
		pipe := node.Pipeline()
		cmd = run(ctx, pipe, s.keys, args...)
		wait = pipe.Do(ctx, "WAIT", s.config.Replicas, patience.Milliseconds())
		pipe.Exec(ctx) // its error is one of theirs
		if !redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			break
		}
	}
	answer, err := flat(cmd)
	if err != nil {
		return nil, 0, err
	}
	reached, err := wait.Int64()
	return answer, reached, err
}

// flat is what a script has answered: strings, and perhaps a list of strings at the end.
func flat(cmd *redis.Cmd) ([]string, error) {
	answer, err := cmd.Slice()
	if err != nil {
		return nil, err
	}
	if last := len(answer) - 1; last >= 0 {
		if list, ok := answer[last].([]any); ok {
			answer = append(answer[:last], list...)
		}
	}
	all := make([]string, len(answer))
	for i, one := range answer {
		var ok bool
		if all[i], ok = one.(string); !ok {
			return nil, ownError{errAnswer}
		}
	}
	return all, nil
}

// node is the server that has the keys, or had them a moment ago.
func (s *Store) node(ctx context.Context) (*redis.Client, error) {
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, s.keys[0])
	case *redis.Client:
		return c, nil
	}
	return nil, errClient
}

// findPrimary makes the driver ask a cluster who has the slots: on its own it keeps to a primary that
// does not answer for a minute. Several requests at a time are one.
func (s *Store) findPrimary() {
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		cluster.ReloadState(context.Background())
	}
}

// judge turns an answer that no caller has a use for into an error.
func (s *Store) judge(answer []string) (string, []string, error) {
	if len(answer) == 0 {
		return "", nil, errAnswer
	}
	switch answer[0] {
	case "format":
		return "", nil, errFormat
	case "gone":
		return "", nil, errGone
	}
	return answer[0], answer[1:], nil
}
