//go:build unix

package keys_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/writ-go/writ/keys"
)

func TestDirKeepsOneVersionedDocument(t *testing.T) {
	ctx, path := context.Background(), filepath.Join(t.TempDir(), "a", "ring")
	v := keys.Dir(path)
	if doc, version, err := v.Load(ctx); doc != nil || version != 0 || err != nil {
		t.Fatalf("an absent document: %q, %d, %v", doc, version, err)
	}
	if _, err := v.Save(ctx, []byte("one"), 7); !errors.Is(err, keys.ErrConflict) {
		t.Errorf("saving over a version that is not there: %v", err)
	}
	one, err := v.Save(ctx, []byte("one"), 0)
	check(t, err)
	if _, err := v.Save(ctx, []byte("two"), 0); !errors.Is(err, keys.ErrConflict) {
		t.Errorf("saving as the first once more: %v", err)
	}
	two, err := v.Save(ctx, []byte("two"), one)
	check(t, err)
	if _, err := v.Save(ctx, []byte("three"), one); !errors.Is(err, keys.ErrConflict) {
		t.Errorf("saving over an old version: %v", err)
	}
	if doc, version, err := v.Load(ctx); string(doc) != "two" || version != two || two == one || one == 0 || err != nil {
		t.Errorf("loaded %q, %d, %v", doc, version, err)
	}
	if _, err := v.Save(ctx, nil, two); err == nil {
		t.Error("saved an empty document")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := v.Load(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Load after cancel: %v", err)
	}
	if _, err := v.Save(cancelled, []byte("three"), two); !errors.Is(err, context.Canceled) {
		t.Errorf("Save after cancel: %v", err)
	}
}

// req 97
func TestDirLetsOnlyItsOwnerIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ring")
	_, err := keys.Dir(path).Save(context.Background(), []byte("one"), 0)
	check(t, err)
	assertMode(t, path, 0o700)
	entries, err := os.ReadDir(path)
	check(t, err)
	for _, e := range entries {
		assertMode(t, filepath.Join(path, e.Name()), 0o600)
	}
	if len(entries) != 2 {
		t.Errorf("the directory holds %v", entries)
	}
}

func assertMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	check(t, err)
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
	}
}

// req 97, req 99: each refusal names the path and the remedy.
func TestDirRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir, ring string)
		want  string
	}{
		"a file that others may read":        {chmodRing(0o644), "mode 0644; others on this machine could sign in as every user: chmod 600 RING"},
		"a file that the group may read":     {chmodRing(0o640), "chmod 600 RING"},
		"a file that others may write":       {chmodRing(0o602), "chmod 600 RING"},
		"a directory that others may write":  {chmodDir(0o703), "mode 0703; others on this machine could reach the keys in it: chmod 700 DIR"},
		"a directory that the group may see": {chmodDir(0o750), "chmod 700 DIR"},
		"an empty file": {func(t *testing.T, _, ring string) { check(t, os.Truncate(ring, 0)) },
			"RING is empty: restore it from a backup"},
		"a file of a megabyte and more": {func(t *testing.T, _, ring string) { check(t, os.Truncate(ring, 1<<20+1)) },
			"RING is over 1048576 bytes"},
		"a directory in the file's place": {func(t *testing.T, _, ring string) {
			check(t, os.Remove(ring))
			check(t, os.Mkdir(ring, 0o700))
		}, "RING is not a file"},
		"a file in the directory's place": {func(t *testing.T, dir, _ string) {
			check(t, os.RemoveAll(dir))
			check(t, os.WriteFile(dir, []byte("x"), 0o600))
		}, "DIR is not a directory"},
		"a link to a volume that is not mounted": {func(t *testing.T, dir, ring string) {
			check(t, os.Remove(ring))
			check(t, os.Symlink(filepath.Join(dir, "..", "volume", "ring.json"), ring))
		}, "RING links to what is not there: mount the volume that has it"},
		"a link to a directory that is not mounted": {func(t *testing.T, dir, _ string) {
			check(t, os.RemoveAll(dir))
			check(t, os.Symlink(filepath.Join(dir, "..", "volume"), dir))
		}, "DIR links to what is not there: mount the volume that has it"},
	} {
		dir := filepath.Join(t.TempDir(), "ring")
		ring := filepath.Join(dir, "ring.json")
		v := keys.Dir(dir)
		version, err := v.Save(context.Background(), []byte("one"), 0)
		check(t, err)
		c.spoil(t, dir, ring)
		want := strings.NewReplacer("RING", ring, "DIR", dir).Replace(c.want)
		if doc, _, err := v.Load(context.Background()); err == nil || doc != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load of %s: %v, want %q", name, err, want)
		}
		if _, err := v.Save(context.Background(), []byte("two"), version); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Save over %s: %v, want %q", name, err, want)
		}
	}
}

func chmodRing(mode os.FileMode) func(*testing.T, string, string) {
	return func(t *testing.T, _, ring string) { check(t, os.Chmod(ring, mode)) }
}

func chmodDir(mode os.FileMode) func(*testing.T, string, string) {
	return func(t *testing.T, dir, _ string) { check(t, os.Chmod(dir, mode)) }
}

// TestAnUnmountedVolumeIsNoReasonForANewRing: a new ring would sign everyone out.
func TestAnUnmountedVolumeIsNoReasonForANewRing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ring")
	check(t, os.Mkdir(dir, 0o700))
	check(t, os.Symlink("volume/ring.json", filepath.Join(dir, "ring.json")))
	c := keys.Config{Issuer: issuer, Vault: keys.Dir(dir), Wrapper: wrapper(t)}
	if _, err := keys.Open(t.Context(), c); err == nil {
		t.Error("Open made a ring")
	}
	if _, err := keys.Create(t.Context(), c); err == nil {
		t.Error("Create made a ring")
	}
	check(t, os.Mkdir(filepath.Join(dir, "volume"), 0o700))
	_, made := newRing(t, nil)
	doc, _, err := made.Vault.Load(t.Context())
	check(t, err)
	rewrite(t, filepath.Join(dir, "volume"), doc)
	reopen(t, c)
}

// req 97: root could open what belongs to anyone.
func TestWhatBelongsToAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	const stranger = 12345
	dir := filepath.Join(t.TempDir(), "ring")
	ring, secret := filepath.Join(dir, "ring.json"), filepath.Join(t.TempDir(), "secret")
	_, err := keys.Dir(dir).Save(t.Context(), []byte("one"), 0)
	check(t, err)
	check(t, os.WriteFile(secret, []byte(testSecret), 0o600))
	load := func() error { _, _, err := keys.Dir(dir).Load(t.Context()); return err }
	read := func() error { _, err := keys.ReadSecretFile(secret); return err }
	for path, use := range map[string]func() error{dir: load, ring: load, secret: read} {
		check(t, use())
		check(t, os.Chown(path, stranger, -1))
		if err := use(); err == nil || !strings.Contains(err.Error(), path+" belongs to user 12345") || !strings.Contains(err.Error(), ": chown 0 "+path) {
			t.Errorf("%v, want that %s belongs to another, and the remedy", err, path)
		}
		check(t, os.Chown(path, 0, -1))
	}
}

func TestDirIgnoresWhatACrashLeftBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ring")
	v := keys.Dir(dir)
	version, err := v.Save(context.Background(), []byte("one"), 0)
	check(t, err)
	left := filepath.Join(dir, "ring.json.new")
	check(t, os.WriteFile(left, []byte("half a docu"), 0o644))
	if doc, _, err := v.Load(context.Background()); string(doc) != "one" || err != nil {
		t.Errorf("loaded %q, %v", doc, err)
	}
	_, err = v.Save(context.Background(), []byte("two"), version)
	check(t, err)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Error("the rest of the crash is still there")
	}
	assertMode(t, filepath.Join(dir, "ring.json"), 0o600)
}

func TestOfManySavesOverOneVersionOneSucceeds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ring")
	version := uint64(0)
	for round := range 5 {
		var wins atomic.Int32
		var won atomic.Uint64
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				next, err := keys.Dir(dir).Save(context.Background(), []byte{'d', byte(round), byte(i)}, version)
				if err == nil {
					wins.Add(1)
					won.Store(next)
				} else if !errors.Is(err, keys.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Fatalf("round %d: %d saves succeeded, want 1", round, wins.Load())
		}
		version = won.Load()
	}
}
