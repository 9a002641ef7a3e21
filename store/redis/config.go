package redis

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config says where a store is and what it may lose. URL or Client is required.
type Config struct {
	// URL names the server, as the package documentation says. Its parameters set the fields below:
	// what is in both is refused.
	URL string
	// Client is used instead of URL, and its options count instead of those that Open would choose:
	// above all its timeouts and TLSConfig. It must be a *redis.Client (NewClient, NewFailoverClient) or a
	// *redis.ClusterClient, with ContextTimeoutEnabled, and with MaxRetries -1 and, in a cluster,
	// MaxRedirects -1: the store tries again itself, and must know that it does. Reads never go to a
	// replica, whatever ReadOnly, RouteByLatency and RouteRandomly say. Close does not close it: close the Store
	// first. The connection of the push, see PollOnly, has its options but not its hooks.
	Client redis.UniversalClient

	// Prefix is what all keys begin with, in braces: {writ}:rows. Stores on one database are kept
	// apart by it. Default: writ. Letters, digits and . _ - : and at most 64 of them.
	Prefix string

	// Replicas is how many replicas must have a write before it is acknowledged. Default: none.
	Replicas int
	// ReplicasTimeout is how long a write waits for them, at most half of Timeout. Default: 1 s.
	ReplicasTimeout time.Duration

	// PasswordFile holds the password, and is read for every new connection. A line end behind the
	// password is no part of it. The user's name stands in URL.
	PasswordFile string

	// Timeout ends every call to the server, of which Snapshot and List make several. Default: 5 s.
	Timeout time.Duration

	// PollOnly is for what cannot let a connection block, such as a proxy that puts the commands of
	// many clients on one. Without it, while a Tail waits, the Store keeps one connection beside
	// Client's pool on which the server tells at once, at most 200 times a second, that others have
	// appended. With it Tail asks every 200 ms, and not every second: what others revoke is known
	// 0.1 s later on average, and an idle server runs five scripts a second for each Store that follows.
	PollOnly bool

	// EvictionMayEndSessions lets the server's maxmemory-policy be one that removes keys of ours, or
	// one that it does not tell. What it removes signs people out, or revives what was revoked.
	EvictionMayEndSessions bool
	// CrashMayLoseWrites lets the server be one without an append-only file, or one that does not
	// tell. Its crash then loses all writes since its last snapshot, revocations among them.
	CrashMayLoseWrites bool
}

// withDefaults checks c, and returns it with what is not set.
func (c Config) withDefaults() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = "writ"
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.ReplicasTimeout == 0 {
		c.ReplicasTimeout = min(time.Second, c.Timeout/2)
	}
	switch {
	case (c.URL == "") == (c.Client == nil):
		return c, errors.New("set either URL or Client")
	case c.Client != nil && c.PasswordFile != "":
		return c, errors.New("a PasswordFile has no place beside Client, where it has no effect: give Client a CredentialsProviderContext")
	case len(c.Prefix) > 64 || strings.ContainsFunc(c.Prefix, func(r rune) bool { return !plain(r) }):
		return c, errors.New("a Prefix may have letters, digits and . _ - : and at most 64 of them")
	case c.Replicas < 0:
		return c, errors.New("set Replicas to 0 or more")
	case c.Timeout < 10*time.Millisecond:
		return c, fmt.Errorf("a Timeout of %s is too short: set 10ms or more", c.Timeout)
	case c.ReplicasTimeout < time.Millisecond || c.ReplicasTimeout > c.Timeout/2:
		return c, fmt.Errorf("a ReplicasTimeout of %s does not fit: set 1ms up to half of Timeout, %s", c.ReplicasTimeout, c.Timeout/2)
	}
	return c, nil
}

func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-:", r)
}

// checkClient refuses a client whose calls nothing would end, or that spreads the keys over servers
// which know nothing of each other.
func checkClient(c redis.UniversalClient) error {
	var heedsCtx, triesAgain bool
	switch c := c.(type) {
	case *redis.Client:
		heedsCtx = c != nil && c.Options().ContextTimeoutEnabled
		triesAgain = c != nil && c.Options().MaxRetries > 0
	case *redis.ClusterClient:
		heedsCtx = c != nil && c.Options().ContextTimeoutEnabled
		triesAgain = c != nil && (c.Options().MaxRetries > 0 || c.Options().MaxRedirects > 0)
	default:
		return errClient
	}
	if !heedsCtx {
		return errors.New("give Client ContextTimeoutEnabled: without it a call does not end with its ctx")
	}
	if triesAgain {
		return errors.New("give Client MaxRetries -1, and in a cluster MaxRedirects -1: the store tries again itself, and must know that it does")
	}
	return nil
}
