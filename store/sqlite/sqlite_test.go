package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/sqlite"
	"github.com/writ-go/writ/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() writ.Store {
		path := filepath.Join(t.TempDir(), "sessions.db")
		return func() writ.Store { return open(t, path) }
	})
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}
