package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	driver "github.com/redis/go-redis/v9"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/redis"
)

// primaryOf starts a server that lets replicas follow at once.
func primaryOf(t testing.TB, settings ...string) *servers.RedisServer {
	t.Helper()
	return servers.Redis(t, append(settings, "repl-diskless-sync-delay 0")...)
}

// replicaOf starts a replica of a server, and returns when it follows.
func replicaOf(t testing.TB, primary *servers.RedisServer, settings ...string) *servers.RedisServer {
	t.Helper()
	host, port, _ := strings.Cut(primary.Addr(), ":")
	r := primaryOf(t, append(settings, fmt.Sprint("replicaof ", host, " ", port))...)
	follows(t, r)
	return r
}

func follows(t testing.TB, r *servers.RedisServer) {
	t.Helper()
	a := admin(t, r.Addr())
	until(t, "replicating", func() error {
		info, err := a.Info(context.Background(), "replication").Result()
		if err == nil && !strings.Contains(info, "master_link_status:up") {
			err = errors.New("the link is down")
		}
		return err
	})
}

func TestReplicasAreWaitedFor(t *testing.T) { // req 47, 60
	t.Parallel()
	primary := primaryOf(t)
	c := redis.Config{URL: primary.URL(), Replicas: 1, ReplicasTimeout: 100 * time.Millisecond}
	alone := open(t, c)
	_, err := alone.Save(t.Context(), writ.Row{ID: "s0"})
	wantBroken(t, "Save without any replica", err)
	wantBroken(t, "Append without any replica", alone.Append(t.Context(), entry("s0")))

	replica := replicaOf(t, primary)
	s := open(t, c) // gives up soon
	patient := open(t, redis.Config{URL: primary.URL(), Replicas: 1, ReplicasTimeout: 2500 * time.Millisecond})
	client := driver.NewClient(clientOptions(t, primary.URL()))
	defer client.Close()
	var count counter
	client.AddHook(&count)
	counted := open(t, redis.Config{Client: client, Replicas: 1, ReplicasTimeout: 2500 * time.Millisecond})
	row := save(t, patient, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))
	appendTo(t, patient, entry("s2"))
	counted.Load(t.Context(), "s1") // and the script is there
	before := count.n.Load()
	if _, err := counted.Load(t.Context(), "s1"); err != nil {
		t.Errorf("Load: %v", err)
	}
	if n := count.n.Load() - before; n != 1 {
		t.Errorf("a Load that waits has %d round trips, want 1", n)
	}

	replica.Pause()
	for range 2 { // the second finds that there is nothing to write
		err = s.Append(t.Context(), entry("s3"))
		wantBroken(t, "Append while the replica hangs", err)
		if err == nil || !strings.Contains(err.Error(), "on 0 replicas") {
			t.Errorf("error %v, want that it is on 0 replicas", err)
		}
	}
	row.Data = []byte("second")
	_, err = s.Save(t.Context(), row)
	wantBroken(t, "Save while the replica hangs", err)
	// It is written. Who tries again begins with Load, which must not tell of it yet: "it has ended
	// already" would be taken for an acknowledgement.
	_, err = s.Load(t.Context(), "s1")
	wantBroken(t, "Load while the replica hangs", err)
	_, err = s.Save(t.Context(), row)
	wantBroken(t, "the same Save again", err)

	replica.Resume()
	var got writ.Row
	until(t, "Load", func() (err error) { got, err = s.Load(t.Context(), "s1"); return err })
	if string(got.Data) != "second" || got.Version == row.Version {
		t.Errorf("data %q, want that of the Save that was on too few replicas", got.Data)
	}
	if _, err := patient.Save(t.Context(), row); !errors.Is(err, writ.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
	save(t, patient, got)
	do(t, admin(t, primary.Addr()), "SCRIPT", "FLUSH")
	save(t, patient, writ.Row{ID: "s4"}, entry("s4"))
}

// req 62: of a primary that is cut off from its replicas and told to mind that, nothing looks fresh.
func TestAPrimaryThatMayNotWriteAnswersNothing(t *testing.T) {
	t.Parallel()
	server := servers.Redis(t)
	s := open(t, redis.Config{URL: server.URL()})
	row := save(t, s, writ.Row{ID: "s1", Owner: "alice"}, entry("s1"))
	_, cursor := snapshot(t, s)
	do(t, admin(t, server.Addr()), "CONFIG", "SET", "min-replicas-to-write", "1")
	for name, call := range calls(s, row, cursor) {
		err := call(t.Context())
		wantBroken(t, name, err)
		if err != nil && !strings.Contains(err.Error(), "NOREPLICAS") {
			t.Errorf("%s: error %v does not say NOREPLICAS", name, err)
		}
	}
}
