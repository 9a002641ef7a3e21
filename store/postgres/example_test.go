package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/postgres"
)

func ExampleOpen() {
	ctx := context.Background()
	store, err := postgres.Open(ctx, postgres.Config{URL: databaseURL(), Schema: "example_open"})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	if _, err := store.Save(ctx, writ.Row{ID: "session-1", Owner: "alice", Data: []byte("record")}); err != nil {
		panic(err)
	}
	row, err := store.Load(ctx, "session-1")
	fmt.Printf("%s %v\n", row.Data, err)
	// Output: record <nil>
}

// A team that lets nobody but its own tool change tables gives it the SQL.
func ExampleMigrations() {
	ctx := context.Background()
	admin, err := pgxpool.New(ctx, databaseURL())
	if err != nil {
		panic(err)
	}
	defer admin.Close()
	if _, err := admin.Exec(ctx, postgres.Migrations("example_by_hand")); err != nil {
		panic(err)
	}

	store, err := postgres.Open(ctx, postgres.Config{URL: databaseURL(), Schema: "example_by_hand", MigrateByHand: true})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	_, err = store.Load(ctx, "session-1")
	fmt.Println(err)
	// Output: writ: not found
}
