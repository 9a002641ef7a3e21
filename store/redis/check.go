package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// checkServer refuses a server that would lose what the store acknowledges, as far as the server
// tells. What it does not tell is taken for bad.
func (s *Store) checkServer(ctx context.Context) error {
	if s.config.EvictionMayEndSessions && s.config.CrashMayLoseWrites {
		return nil // nothing is left to ask, and some servers do not answer
	}
	own, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	node, err := s.node(own)
	if err != nil {
		return s.broken(ctx, err)
	}
	raw, err := node.Info(own).Result()
	if err != nil && !redis.HasErrorPrefix(err, "NOPERM") && !redis.HasErrorPrefix(err, "unknown command") {
		return s.broken(ctx, err)
	}
	info := parseInfo(raw) // with nothing in it if the server does not tell
	return errors.Join(s.checkVersion(info), s.checkEviction(info), s.checkPersistence(info))
}

func parseInfo(raw string) map[string]string {
	info := make(map[string]string)
	for line := range strings.SplitSeq(raw, "\n") {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r"), ":"); ok {
			info[name] = value
		}
	}
	return info
}

func (s *Store) checkVersion(info map[string]string) error {
	version := info["redis_version"] // Valkey says here which Redis it is like
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if err1 == nil && err2 == nil && (a < 6 || a == 6 && b < 2) {
		return fmt.Errorf("the server is Redis %d.%d: the store needs 6.2, or a Valkey", a, b)
	}
	return nil
}

func (s *Store) checkEviction(info map[string]string) error {
	policy := info["maxmemory_policy"]
	if s.config.EvictionMayEndSessions || policy == "noeviction" || strings.HasPrefix(policy, "volatile-") {
		return nil
	}
	return fmt.Errorf("the server's maxmemory-policy is %s: it may remove sessions and revocations when memory is full. "+
		"Set it to noeviction (CONFIG SET maxmemory-policy noeviction), or EvictionMayEndSessions (eviction-may-end-sessions=true) if that may be", told(policy))
}

func (s *Store) checkPersistence(info map[string]string) error {
	if s.config.CrashMayLoseWrites || info["aof_enabled"] == "1" {
		return nil
	}
	return fmt.Errorf("the server's appendonly is %s: its crash may lose writes that were acknowledged. "+
		"Set appendonly yes, and appendfsync always for power cuts, or CrashMayLoseWrites (crash-may-lose-writes=true) if that may be", told(info["aof_enabled"]))
}

// told is a setting as an error repeats it: a word, or that the server does not tell.
func told(value string) string {
	switch {
	case value == "0":
		return "no"
	case value == "" || len(value) > 32 || strings.Trim(value, "abcdefghijklmnopqrstuvwxyz-") != "":
		return "not told"
	}
	return value
}
