package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/store/sqlite"
)

// BenchmarkScale shows what stays as fast with a million rows and entries as with ten thousand. A half
// of all rows is alice's; the others' owners have five each.
func BenchmarkScale(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d rows", n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "sessions.db")
			s := open(b, path)
			defer s.Close()
			fill(b, path, n)
			scale(b, s, path, n)
		})
	}
}

// number is the ID of row i: in no order, as those of sessions are.
func number(i int) string { return fmt.Sprintf("%08x", uint32(i)*2654435761) }

// fill writes n rows and n entries that live, and as many rows of "dead" that have expired and come in
// order before the one that lives.
func fill(b *testing.B, path string, n int) {
	b.Helper()
	db := rawDB(b, path)
	defer db.Close()
	to := time.Now().Add(24 * time.Hour).UnixMicro()
	for _, query := range []string{
		`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
			INSERT INTO writ_rows SELECT printf('%08x', i * 2654435761 & 0xffffffff), iif(i % 2, 'alice', 'u' || (i / 10)), 1, ?2 + i, randomblob(300) FROM n`,
		`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
			INSERT INTO writ_entries SELECT 2, printf('%08x', i * 2654435761 & 0xffffffff), 1, ?2 + i, 0 FROM n`,
	} {
		if _, err := db.Exec(query, n, to); err != nil {
			b.Fatal(err)
		}
	}
	die(b, path, n, "dead")
	if _, err := db.Exec(`INSERT INTO writ_rows VALUES ('dead-z', 'dead', 1, ?, x'00')`, to); err != nil {
		b.Fatal(err)
	}
}

// die writes n rows of an owner that have expired.
func die(b *testing.B, path string, n int, owner string) {
	b.Helper()
	db := rawDB(b, path)
	defer db.Close()
	if _, err := db.Exec(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
		INSERT INTO writ_rows SELECT printf('%s-%08x', ?2, i * 2654435761 & 0xffffffff), ?2, 1, 1 + i, randomblob(300) FROM n`, n, owner); err != nil {
		b.Fatal(err)
	}
}

func scale(b *testing.B, s *sqlite.Store, path string, n int) {
	ctx := b.Context()
	list := func(want int, owner string, limit int, after func() string) func(*testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				if rows, err := s.List(ctx, owner, after(), limit); err != nil || len(rows) < want {
					b.Fatalf("%d rows, error %v", len(rows), err)
				}
			}
		}
	}
	start := func() string { return "" }
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Load(ctx, number(rand.IntN(n))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("List of five", list(5, "u7", 100, start))
	b.Run("List of 500 of many", list(500, "alice", 500, func() string { return fmt.Sprintf("%08x", rand.Uint32N(1<<31)) }))
	b.Run("List behind the dead", list(1, "dead", 500, start))
	var id int
	b.Run("Save of a new row", func(b *testing.B) {
		for b.Loop() {
			id++
			if _, err := s.Save(ctx, writ.Row{ID: fmt.Sprintf("%08x-new", uint32(id)*2654435761), Owner: "alice", Data: make([]byte, 300), Expires: time.Now().Add(time.Hour)}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Append", func(b *testing.B) {
		for b.Loop() {
			id++
			if err := s.Append(ctx, entry(fmt.Sprintf("%08x-new", uint32(id)*2654435761))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Purge of a batch", func(b *testing.B) {
		if _, err := s.Purge(ctx, time.Now()); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if n < 100_000 {
				b.StopTimer()
				die(b, path, 1000, "more")
				b.StartTimer()
			}
			if _, err := s.Purge(ctx, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
