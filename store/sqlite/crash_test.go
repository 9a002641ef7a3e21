package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/store/sqlite"
	"go.uber.org/goleak"
)

// The test binary runs itself again, to have processes that can be killed.
const (
	childRole = "WRIT_SQLITE_TEST_CHILD"
	childPath = "WRIT_SQLITE_TEST_PATH"
	childName = "WRIT_SQLITE_TEST_NAME"
)

func TestMain(m *testing.M) {
	if os.Getenv(childRole) == "" {
		goleak.VerifyTestMain(m) // it exits
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := child(ctx, os.Getenv(childRole), os.Getenv(childPath), os.Getenv(childName)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child writes until it is killed, and prints a line for whatever was acknowledged. As "migrate" it
// writes one row.
func child(ctx context.Context, role, path, name string) error {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	var row writ.Row
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", name, n)
		switch n % 3 {
		case 0:
			row, err = s.Save(ctx, writ.Row{ID: id, Data: []byte(id)})
		case 1: // changes the row before, with its entry
			row.Data = []byte(id)
			row, err = s.Save(ctx, row, entry(id))
		case 2:
			err = s.Append(ctx, entry(id))
		}
		if err != nil {
			return err
		}
		fmt.Println(id, n%3, row.ID)
		if role == "migrate" {
			return s.Close()
		}
	}
}

func startChild(t *testing.T, role, path, name string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childPath+"="+path, childName+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) { // req 47, 60, 61
	path := filepath.Join(t.TempDir(), "sessions.db")
	rows := make(map[string]string) // what each row holds at least: the last that was acknowledged
	logged := make(map[string]bool)
	for round := range 10 {
		cmd, lines := startChild(t, "write", path, fmt.Sprint(round))
		var kill *time.Timer // from the first line on
		for lines.Scan() {
			f := strings.Fields(lines.Text())
			if len(f) != 3 {
				break // killed while it printed
			}
			if f[1] != "2" {
				rows[f[2]] = f[0]
			}
			if f[1] != "0" {
				logged[f[0]] = true
			}
			if kill == nil {
				kill = time.AfterFunc(rand.N(200*time.Millisecond), func() { cmd.Process.Kill() })
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		checkAll(t, path, rows, logged)
	}
	if len(rows) < 10 {
		t.Errorf("%d rows were written in 10 rounds: not every child came to write", len(rows))
	}
}

func checkAll(t *testing.T, path string, rows map[string]string, logged map[string]bool) {
	t.Helper()
	db := rawDB(t, path)
	var verdict string
	if err := db.QueryRow(`PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity_check: %s, %v", verdict, err)
	}
	db.Close()
	s := open(t, path)
	defer s.Close()
	found := make(map[string]bool)
	if _, err := s.Snapshot(t.Context(), func(e revocation.Entry) { found[e.ID] = true }); err != nil {
		t.Fatal(err)
	}
	for id := range logged {
		if !found[id] {
			t.Fatalf("entry %s was acknowledged and is lost", id)
		}
	}
	for id, least := range rows {
		row, err := s.Load(t.Context(), id)
		if err != nil {
			t.Fatalf("row %s was acknowledged: %v", id, err)
		}
		// The write after the last acknowledged one may have been done, entry and all, or not.
		if got := string(row.Data); got != least && !found[got] {
			t.Fatalf("row %s holds %s, want %s or what came after with its entry", id, got, least)
		}
	}
}

func TestProcessesThatStartAtOnceShareOneDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	var started []*exec.Cmd
	for i := range 4 {
		cmd, _ := startChild(t, "migrate", path, fmt.Sprint("process", i))
		started = append(started, cmd)
	}
	for _, cmd := range started {
		if err := cmd.Wait(); err != nil {
			t.Fatalf("child: %v", err)
		}
	}
	s := open(t, path)
	defer s.Close()
	for i := range started {
		if _, err := s.Load(t.Context(), fmt.Sprintf("process%d-0", i)); err != nil {
			t.Errorf("row of process %d: %v", i, err)
		}
	}
}
