package redis_test

import (
	"context"
	"log"
	"net/url"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/redis"
)

func ExampleOpen() {
	ctx := context.Background()
	store, err := redis.Open(ctx, redis.Config{
		URL:          "rediss://writ@redis.example:6379/0",
		PasswordFile: "/run/secrets/redis",
		Replicas:     1, // a write counts when a replica has it
	})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	row, err := store.Save(ctx, writ.Row{ID: "session-1", Owner: "alice", Data: []byte("record")})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%d bytes", len(row.Data))
}

// For Sentinels, as an environment variable would name them.
func ExampleOpenURL() {
	u, err := url.Parse("redis+sentinel://sentinel-1:26379,sentinel-2:26379/mymaster?password-file=/run/secrets/redis&replicas=1")
	if err != nil {
		log.Fatal(err)
	}
	store, err := redis.OpenURL(context.Background(), u)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
}
