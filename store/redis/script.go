package redis

import (
	"context"
	_ "embed"
	"fmt"
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
	if err := s.usable(ctx); err != nil {
		return "", nil, err
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	answer, err := flat(script.Run(own, s.client, s.keys, args...))
	return s.judge(ctx, answer, err)
}

// runSafe is run for what must not be taken back by a failover: it ends when enough replicas have all
// that the primary had after the script. A script that has written nothing waits too: what it has
// seen may be another's write, or the write of which this is a second try.
func (s *Store) runSafe(ctx context.Context, script *redis.Script, args ...any) (string, []string, error) {
	if s.config.Replicas == 0 {
		return s.run(ctx, script, args...)
	}
	if err := s.usable(ctx); err != nil {
		return "", nil, err
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	var answer []string
	var reached int64
	var err error
	for try := range redirects {
		answer, reached, err = s.runAndWait(own, script, args)
		// A pipeline on one node of a cluster follows no redirection.
		if _, moved := redis.IsMovedError(err); !moved {
			break
		}
		s.findPrimary()
		if sleep(own, try) != nil {
			break
		}
	}
	if err == nil && reached < int64(s.config.Replicas) {
		return "", nil, fmt.Errorf("it is on %d replicas, and Replicas is %d: it counts only when tried again", reached, s.config.Replicas)
	}
	return s.judge(ctx, answer, err)
}

// redirects is how often a cluster may send a write elsewhere.
const redirects = 3

func sleep(ctx context.Context, try int) error {
	select {
	case <-time.After(50 * time.Millisecond << try):
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
func (s *Store) judge(ctx context.Context, answer []string, err error) (string, []string, error) {
	switch {
	case err != nil:
		s.findPrimary()
		return "", nil, s.broken(ctx, err)
	case len(answer) == 0:
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
