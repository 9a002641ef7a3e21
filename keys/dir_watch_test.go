//go:build unix

package keys_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

// watching is a Watch that has begun.
type watching struct {
	calls chan struct{}
	ended chan error
	stop  context.CancelFunc
}

func watch(t *testing.T, dir string) *watching {
	t.Helper()
	w := &watching{calls: make(chan struct{}, 1), ended: make(chan error, 1)}
	var ctx context.Context
	ctx, w.stop = context.WithCancel(t.Context())
	go func() { w.ended <- keys.Dir(dir).(keys.Watcher).Watch(ctx, func() { w.calls <- struct{}{} }) }()
	w.next(t)
	return w
}

// next waits for a call. The limit is for a test that fails.
func (w *watching) next(t *testing.T) {
	t.Helper()
	select {
	case <-w.calls:
	case err := <-w.ended:
		t.Fatalf("Watch returned %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("no change was seen")
	}
}

// until waits for calls until the vault holds want, and counts them.
func (w *watching) until(t *testing.T, v keys.Vault, want string) (calls int) {
	t.Helper()
	for {
		w.next(t)
		calls++
		if doc, _, err := v.Load(t.Context()); err == nil && string(doc) == want {
			return calls
		}
	}
}

func (w *watching) end(t *testing.T) error {
	t.Helper()
	for {
		select {
		case err := <-w.ended:
			return err
		case <-w.calls:
		case <-time.After(20 * time.Second):
			t.Fatal("Watch did not return")
		}
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o600))
	check(t, os.Chmod(path, mode))
}

func TestWatchSeesTheRingChange(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir, ring string){
		"by Save": func(t *testing.T, dir, _ string) {
			_, version, err := keys.Dir(dir).Load(t.Context())
			check(t, err)
			_, err = keys.Dir(dir).Save(t.Context(), []byte("two"), version)
			check(t, err)
		},
		"by renaming another file over it": func(t *testing.T, dir, ring string) {
			write(t, filepath.Join(dir, "other"), "two", 0o600)
			check(t, os.Rename(filepath.Join(dir, "other"), ring))
		},
		"by renaming a file of another directory over it": func(t *testing.T, dir, ring string) {
			other := filepath.Join(filepath.Dir(dir), "other")
			write(t, other, "two", 0o600)
			check(t, os.Rename(other, ring))
		},
		"by writing to it": func(t *testing.T, _, ring string) { write(t, ring, "two", 0o600) },
		"by removing it and restoring another": func(t *testing.T, _, ring string) {
			check(t, os.Remove(ring))
			write(t, ring, "two", 0o600)
		},
		"from a mode that Load refuses": func(t *testing.T, dir, ring string) {
			write(t, ring, "two", 0o644)
			_, _, err := keys.Dir(dir).Load(t.Context())
			if err == nil {
				t.Error("Load accepts the mode")
			}
			check(t, os.Chmod(ring, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ring")
			v := keys.Dir(dir)
			_, err := v.Save(t.Context(), []byte("one"), 0)
			check(t, err)
			w := watch(t, dir)
			for range 2 { // the second one shows that the watch outlived the first
				change(t, dir, filepath.Join(dir, "ring.json"))
				w.until(t, v, "two")
				_, version, err := v.Load(t.Context())
				check(t, err)
				_, err = v.Save(t.Context(), []byte("one"), version)
				check(t, err)
				w.until(t, v, "one")
			}
			w.stop()
			if err := w.end(t); !errors.Is(err, context.Canceled) {
				t.Errorf("Watch returned %v", err)
			}
		})
	}
}

// swapAsKubelet gives a volume new content in the steps of the kubelet: a new directory, a link to
// it under a passing name, that link renamed to ..data, and the old directory removed.
func swapAsKubelet(t *testing.T, volume, content string, mode os.FileMode) {
	t.Helper()
	current, data := "", filepath.Join(volume, "..data")
	if link, err := os.Readlink(data); err == nil {
		current = link
	}
	fresh, err := os.MkdirTemp(volume, "..2026_08_01_12_00_00.")
	check(t, err)
	check(t, os.Chmod(fresh, 0o755))
	write(t, filepath.Join(fresh, "ring.json"), content, mode)
	passing := filepath.Join(volume, "..data_tmp")
	check(t, os.Symlink(filepath.Base(fresh), passing))
	check(t, os.Rename(passing, data))
	if current == "" {
		check(t, os.Symlink("..data/ring.json", filepath.Join(volume, "ring.json")))
	} else {
		check(t, os.RemoveAll(filepath.Join(volume, current)))
	}
}

func TestWatchSeesAKubernetesVolumeChange(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o700))
	swapAsKubelet(t, dir, "0", 0o400)
	w := watch(t, dir)
	for i := 1; i <= 5; i++ {
		swapAsKubelet(t, dir, fmt.Sprint(i), 0o400)
		w.until(t, keys.Dir(dir), fmt.Sprint(i))
	}
}

func TestWatchTellsOnceOfManyChanges(t *testing.T) {
	const saves = 300
	dir := filepath.Join(t.TempDir(), "ring")
	v := keys.Dir(dir)
	version, err := v.Save(t.Context(), []byte("0"), 0)
	check(t, err)
	calls, began, held, ended := 0, make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- v.(keys.Watcher).Watch(t.Context(), func() {
			if calls++; calls == 1 {
				close(began)
				<-held // so that all changes come at once
			}
		})
	}()
	<-began
	for i := 1; i <= saves; i++ {
		version, err = v.Save(t.Context(), fmt.Append(nil, i), version)
		check(t, err)
	}
	check(t, os.Rename(dir, dir+".old")) // ends the watch after all that came before
	close(held)
	if err := <-ended; err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("Watch returned %v", err)
	}
	if calls > 10 { // 2, unless the machine is very busy
		t.Errorf("%d calls for %d changes", calls, saves)
	}
}

func TestWatchLeavesNoGoroutine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ring")
	_, err := keys.Dir(dir).Save(t.Context(), []byte("one"), 0)
	check(t, err)
	w := watch(t, dir)
	if !strings.Contains(goroutines(), "fsnotify") {
		t.Fatal("no goroutine of the watch is found while it stands: the test shows nothing")
	}
	w.stop()
	w.end(t)
	for deadline := time.Now().Add(20 * time.Second); strings.Contains(goroutines(), "fsnotify"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("a goroutine of the watch is left")
		}
	}
}

func goroutines() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

func TestWatchSaysThatTheDirectoryIsGone(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"renamed": func(dir string) error { return os.Rename(dir, dir+".old") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ring")
			v := keys.Dir(dir)
			_, err := v.Save(t.Context(), []byte("one"), 0)
			check(t, err)
			w := watch(t, dir)
			check(t, remove(dir))
			if err := w.end(t); err == nil || !strings.Contains(err.Error(), dir) || errors.Is(err, context.Canceled) {
				t.Errorf("Watch returned %v", err)
			}
			if err := v.(keys.Watcher).Watch(t.Context(), func() {}); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("Watch of what is not there: %v", err)
			}
			_, err = v.Save(t.Context(), []byte("two"), 0)
			check(t, err)
			watch(t, dir) // again
		})
	}
}
