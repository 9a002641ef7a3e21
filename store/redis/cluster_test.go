package redis_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/redis"
	"github.com/writ-go/writ/store/storetest"
)

// cluster starts three primaries that have the slots between them, and a server that has none yet. They
// are killed and not switched off, so that they need not wait for the disk.
func cluster(t testing.TB) (nodes []*servers.RedisServer, admins []*driver.Client) {
	t.Helper()
	for range 4 {
		n := servers.Redis(t, "cluster-enabled yes", "cluster-node-timeout 1000", fmt.Sprint("cluster-port ", freePort(t)),
			"repl-diskless-sync-delay 0", "cluster-replica-validity-factor 0", "appendfsync everysec")
		nodes, admins = append(nodes, n), append(admins, admin(t, n.Addr()))
	}
	slots := []int{0, 5461, 10923, 16384}
	for i, a := range admins {
		if i < 3 {
			do(t, a, "CLUSTER", "ADDSLOTSRANGE", slots[i], slots[i+1]-1)
			do(t, a, "CLUSTER", "SET-CONFIG-EPOCH", i+1)
		}
		host, port, _ := strings.Cut(nodes[i].Addr(), ":")
		bus := a.ConfigGet(t.Context(), "cluster-port").Val()["cluster-port"]
		for _, other := range admins[:i] {
			do(t, other, "CLUSTER", "MEET", host, port, bus)
		}
	}
	for _, a := range admins {
		until(t, "the cluster", func() error {
			info, err := a.ClusterInfo(context.Background()).Result()
			if err == nil && (!strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:4")) {
				err = errors.New("it is not complete")
			}
			return err
		})
	}
	return nodes, admins
}

func TestACluster(t *testing.T) { // req 47, 60, 61
	t.Parallel()
	nodes, admins := cluster(t)
	at := "redis+cluster://" + nodes[0].Addr() + "," + nodes[1].Addr()
	storetest.Run(t, func(t *testing.T) func() writ.Store {
		c := redis.Config{URL: at, Prefix: rand.Text()}
		return func() writ.Store { return open(t, c) }
	})

	// A server that follows the one which has our slot.
	for _, a := range admins {
		do(t, a, append(slices.Clone(rights), "+cluster|slots", "+command")...)
	}
	s := open(t, redis.Config{URL: strings.Replace(at, "://", "://app:test-password@", 1)})
	slot := do(t, admins[0], "CLUSTER", "KEYSLOT", "{writ}:head").(int64)
	owner := 0
	for i, first := range []int64{0, 5461, 10923} {
		if slot >= first {
			owner = i
		}
	}
	safe := open(t, redis.Config{URL: at, Replicas: 1, ReplicasTimeout: 2500 * time.Millisecond})
	hasty := open(t, redis.Config{URL: at, Replicas: 1, ReplicasTimeout: 100 * time.Millisecond})
	wantBroken(t, "Append without a replica", hasty.Append(t.Context(), entry("s0")))
	do(t, admins[3], "CLUSTER", "REPLICATE", do(t, admins[owner], "CLUSTER", "MYID"))
	follows(t, nodes[3])
	until(t, "Append with a replica", func() error { return safe.Append(t.Context(), entry("s0")) })
	row := save(t, safe, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))

	pushed(t, s, safe, "pushed")
	random := driver.NewClusterClient(&driver.ClusterOptions{
		Addrs: []string{nodes[(owner+1)%3].Addr()}, RouteRandomly: true, ReadOnly: true, ContextTimeoutEnabled: true, MaxRetries: -1, MaxRedirects: -1,
	})
	defer random.Close()
	reader := open(t, redis.Config{Client: random})
	nodes[3].Pause() // nobody asks it
	for range 20 {
		if _, err := reader.Load(t.Context(), "s1"); err != nil {
			t.Fatalf("Load by a client that reads from replicas: %v", err)
		}
	}
	nodes[3].Resume()
	until(t, "the replica", func() error { return safe.Append(t.Context(), entry("s2")) })

	nodes[owner].Kill()
	_, err := hasty.Load(t.Context(), "s1")
	wantBroken(t, "Load by a client that knows the dead primary alone", err)
	do(t, admins[3], "CLUSTER", "FAILOVER", "TAKEOVER") // the servers' own election takes seconds
	for name, s := range map[string]*redis.Store{"s": s, "safe": safe, "reader": reader} {
		until(t, "Load after the failover by "+name, func() error {
			ctx, cancel := contextOf(2 * time.Second)
			defer cancel()
			_, err := s.Purge(ctx, time.Unix(0, 0))
			if err == nil {
				_, err = s.List(ctx, "alice", "", 10)
			}
			return err
		})
	}
	if got, err := s.Load(t.Context(), "s1"); err != nil || got.Version != row.Version {
		t.Errorf("version %d, error %v; want %d, which was on the replica", got.Version, err, row.Version)
	}
	_, err = hasty.Load(t.Context(), "s1")
	wantBroken(t, "Load that waits for a replica", err)
	pushed(t, reader, s, "pushed by the new primary")
	nodes[owner].Start() // as a replica of its replica
	until(t, "Append with a replica", func() error { return safe.Append(t.Context(), entry("s3")) })
	if all, _ := snapshot(t, s); len(all) != 6 {
		t.Errorf("%d entries, want 6", len(all))
	}
}
