package sqlite_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/sqlite"
)

func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sessions.db")

	store, err := sqlite.Open(ctx, path)
	if err != nil {
		panic(err)
	}
	if _, err := store.Save(ctx, writ.Row{ID: "session-1", Owner: "alice", Data: []byte("record")}); err != nil {
		panic(err)
	}
	store.Close()

	store, err = sqlite.Open(ctx, path) // the next start of the program
	if err != nil {
		panic(err)
	}
	defer store.Close()
	row, err := store.Load(ctx, "session-1")
	fmt.Printf("%s %v\n", row.Data, err)
	// Output: record <nil>
}
