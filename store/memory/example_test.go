package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/memory"
)

func ExampleOpen() {
	ctx := context.Background()
	store := memory.Open()
	defer store.Close()

	row, err := store.Save(ctx, writ.Row{ID: "session-1", Owner: "alice", Data: []byte("first")})
	if err != nil {
		panic(err)
	}
	stale := row
	row.Data = []byte("second")
	if _, err := store.Save(ctx, row); err != nil {
		panic(err)
	}
	_, err = store.Save(ctx, stale)
	fmt.Println(errors.Is(err, writ.ErrConflict))
	// Output: true
}
