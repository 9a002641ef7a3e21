package revocation_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/revocation"
)

// kept has a follower with a CacheDir.
type kept struct {
	t      *testing.T
	s      *signer
	n      *inProcess
	h      http.Handler
	src    *source
	origin *revocation.List
	dir    string
	stop   func() // of the origin
}

func newKept(t *testing.T) *kept {
	k := &kept{t: t, s: newSigner(t, issuerName), src: newSource(sessions(0, 250, time.Now().Add(time.Hour))...), dir: t.TempDir()}
	k.origin = load(t, k.src)
	k.stop = run(t, k.origin)
	k.h = small(t, k.origin, k.s)
	k.n = &inProcess{serve: k.h}
	return k
}

// start is a process of the follower. Load's error is nil.
func (k *kept) start() (*revocation.Feed, *revocation.List) {
	k.t.Helper()
	f, l := k.begin()
	if err := l.Load(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	return f, l
}

func (k *kept) begin() (*revocation.Feed, *revocation.List) {
	k.t.Helper()
	c := overNetwork(k.s, k.n)
	c.CacheDir = k.dir
	f := newFeed(k.t, c)
	return f, revocation.NewList(revocation.Config{Source: f})
}

func (k *kept) file() string {
	k.t.Helper()
	files, err := filepath.Glob(filepath.Join(k.dir, "*"))
	if err != nil || len(files) != 1 {
		k.t.Fatalf("%d files, %v", len(files), err)
	}
	return files[0]
}

func TestAStartWhileTheIssuerIsDown(t *testing.T) { // req 62, 63
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		f, l := k.start()
		stop := run(t, l)
		time.Sleep(30 * time.Second)
		k.src.append(sessions(250, 251, time.Now().Add(time.Hour))...)
		time.Sleep(time.Minute)
		if s := f.Status(); s.CacheErr != nil || s.FromCache || s.Snapshots != 1 {
			t.Errorf("%+v", s)
		}
		k.n.becomes(nil)
		stop()
		asOf := f.Status().AsOf // what was signed; the list is no later than when it asked
		info, err := os.Stat(k.file())
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v, mode %v", err, info.Mode())
		}

		time.Sleep(10 * time.Second)
		f, l = k.start()
		for i := range 251 {
			if l.Before(revocation.Session, fmt.Sprint(i)) == 0 {
				t.Fatalf("entry %d is not known any more", i)
			}
		}
		if l.AsOf().After(asOf) || asOf.Sub(l.AsOf()) > 11*time.Second {
			t.Errorf("as of %s, was as of %s", l.AsOf(), asOf)
		}
		if s := f.Status(); !s.FromCache || s.Err == nil || s.CacheErr != nil {
			t.Errorf("%+v", s)
		}
		stop = run(t, l)
		time.Sleep(10 * time.Minute)
		if l.AsOf().After(asOf) || l.Stats().Err == nil {
			t.Error("it grows no older")
		}
		k.n.becomes(k.h)
		time.Sleep(20 * time.Second)
		if s := f.Status(); time.Since(l.AsOf()) > 16*time.Second || s.FromCache || s.Err != nil {
			t.Errorf("it does not follow again: %+v", s)
		}
		stop()
		k.stop()
	})
}

// A week later it knows what it knew, and says how old that is.
func TestAnOldFileIsAsOldAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		k.src.append(revocation.Entry{Kind: revocation.Key, ID: "k", Before: revocation.Ended})
		time.Sleep(time.Second)
		_, l := k.start()
		asOf := l.AsOf()
		k.n.becomes(nil)
		k.stop()
		time.Sleep(7 * 24 * time.Hour)
		_, l = k.start()
		if !l.AsOf().Equal(asOf) || l.Before(revocation.Key, "k") != revocation.Ended {
			t.Errorf("as of %s, want %s", l.AsOf(), asOf)
		}
	})
}

func TestAStartThatFollowsOnTakesNoSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		_, l := k.start()
		stop := run(t, l)
		for i := range 20 {
			time.Sleep(7 * time.Second)
			k.src.append(sessions(300+i, 301+i, time.Now().Add(time.Hour))...)
		}
		time.Sleep(time.Second)
		stop()
		for i := range 3 {
			k.src.append(sessions(400+i, 401+i, time.Now().Add(time.Hour))...)
			time.Sleep(time.Second)
			f, l := k.start()
			if s := f.Status(); s.Snapshots != 0 || s.FromCache || s.CacheErr != nil {
				t.Errorf("%+v", s)
			}
			if l.Stats().Entries != 271+i || time.Since(l.AsOf()) > 11*time.Second {
				t.Errorf("%d entries, as of %s ago", l.Stats().Entries, time.Since(l.AsOf()))
			}
		}
		k.src.append(sessions(1000, 2100, time.Now().Add(time.Hour))...) // more than the handler keeps
		time.Sleep(time.Second)
		f, l := k.start()
		if f.Status().Snapshots != 1 || l.Stats().Entries != 273+1100 {
			t.Errorf("%d entries, %+v", l.Stats().Entries, f.Status())
		}
		k.stop()
	})
}

// kinds of damage: what is left is what the issuer signed, or nothing.
func TestADamagedFile(t *testing.T) {
	edit := func(f func(b []byte) []byte) func(t *testing.T, k *kept) {
		return func(t *testing.T, k *kept) {
			b, err := os.ReadFile(k.file())
			if err != nil || len(b) < 1000 {
				t.Fatalf("%d bytes, %v", len(b), err)
			}
			if err := os.WriteFile(k.file(), f(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	flipped := func(at func(b []byte) int) func(t *testing.T, k *kept) {
		return edit(func(b []byte) []byte { b[at(b)] ^= 1; return b })
	}
	const nothing, snapshot, all = 0, 250, 251
	for name, test := range map[string]struct {
		damage func(t *testing.T, k *kept)
		left   int // entries
		reason string
	}{
		"nothing":                      {func(*testing.T, *kept) {}, all, ""},
		"it is gone":                   {func(t *testing.T, k *kept) { os.Remove(k.file()) }, nothing, ""},
		"it is empty":                  {edit(func([]byte) []byte { return nil }), nothing, "EOF"},
		"only its first bytes":         {edit(func(b []byte) []byte { return b[:100] }), nothing, "damaged"},
		"only half a snapshot":         {edit(func(b []byte) []byte { return b[:len(b)/3] }), nothing, "damaged"},
		"a byte less":                  {edit(func(b []byte) []byte { return b[:len(b)-1] }), snapshot, "damaged"},
		"three bytes more":             {edit(func(b []byte) []byte { return append(b, 0, 0, 0) }), all, "damaged"},
		"four gigabytes more, it says": {edit(func(b []byte) []byte { return append(b, 255, 255, 255, 255, 1) }), all, "damaged"},
		"another head":                 {flipped(func([]byte) int { return 40 }), nothing, ""},
		"another record in a page":     {flipped(func(b []byte) int { return 4 + int(binary.BigEndian.Uint32(b)) + 1500 }), nothing, ""},
		"another record in what came":  {flipped(func(b []byte) int { return len(b) - 3 }), snapshot, "records are not those"},
		"what came, twice":             {edit(func(b []byte) []byte { return append(b, last(b)...) }), all, ""},
		"what came after something else": {edit(func(b []byte) []byte {
			return append(b[:len(b)-len(last(b))], bytes.Replace(last(b), []byte("."), []byte("x"), 1)...)
		}), snapshot, "not an answer"},
		"others could write it": {func(t *testing.T, k *kept) { os.Chmod(k.file(), 0o666) }, nothing, "mode 0666"},
		"it is a link": {func(t *testing.T, k *kept) {
			elsewhere := filepath.Join(t.TempDir(), "x")
			if err := errors.Join(os.Rename(k.file(), elsewhere)); err != nil {
				t.Fatal(err)
			}
			os.Symlink(elsewhere, filepath.Join(k.dir, "x"))
		}, nothing, ""},
		"its key has left the key set": {func(t *testing.T, k *kept) { k.s.rotate(t) }, nothing, "a key that is not its issuer's"},
		"the clock was set back":       {func(t *testing.T, k *kept) {}, nothing, "from now"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (strings.Contains(test.reason, "mode") || strings.Contains(name, "link")) {
				t.Skip("Windows has no such modes")
			}
			synctest.Test(t, func(t *testing.T) {
				k := newKept(t)
				f, l := k.start()
				stop := run(t, l)
				time.Sleep(10 * time.Second)
				k.src.append(sessions(250, 251, time.Now().Add(time.Hour))...)
				time.Sleep(time.Second)
				stop()
				asOf := f.Status().AsOf
				test.damage(t, k)
				k.n.becomes(nil)
				c := overNetwork(k.s, k.n)
				c.CacheDir = k.dir
				if name == "the clock was set back" {
					c.Now = func() time.Time { return time.Now().Add(-time.Hour) }
				}
				f = newFeed(t, c)
				l = revocation.NewList(revocation.Config{Source: f, Now: c.Now})
				err := l.Load(t.Context())
				if (err == nil) != (test.left > 0) || l.AsOf().IsZero() != (test.left == 0) || l.AsOf().After(asOf) {
					t.Errorf("Load: %v, as of %s", err, l.AsOf())
				}
				if n := l.Stats().Entries; test.left > 0 && n != test.left || n > all {
					t.Errorf("%d entries, want %d", n, test.left)
				}
				cacheErr := f.Status().CacheErr
				if test.reason != "" && (cacheErr == nil || !strings.Contains(cacheErr.Error(), test.reason)) ||
					test.left == all && test.reason == "" && cacheErr != nil {
					t.Errorf("reported: %v", cacheErr)
				}
				k.n.becomes(k.h)
				c.Now = nil
				for range 2 {
					f = newFeed(t, c)
					l = load(t, f)
					if l.Stats().Entries != all {
						t.Errorf("when the issuer is back: %d entries", l.Stats().Entries)
					}
				}
				if s := f.Status(); s.CacheErr != nil || s.Snapshots != 0 {
					t.Errorf("the file is not mended: %+v", s)
				}
				k.stop()
			})
		})
	}
}

// Nobody can leave out what came in between.
func TestAFileWithAGapIsUsedUpToThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		_, l := k.start()
		stop := run(t, l)
		var ends []int64
		for i := range 3 {
			time.Sleep(10 * time.Second)
			k.src.append(sessions(300+i, 301+i, time.Now().Add(time.Hour))...)
			time.Sleep(time.Second)
			info, err := os.Stat(k.file())
			if err != nil {
				t.Fatal(err)
			}
			ends = append(ends, info.Size())
		}
		stop()
		b, err := os.ReadFile(k.file())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(k.file(), append(b[:ends[0]:ends[0]], b[ends[1]:]...), 0o600); err != nil {
			t.Fatal(err)
		}
		k.n.becomes(nil)
		f, l := k.start()
		if n, err := l.Stats().Entries, f.Status().CacheErr; n != 251 || err == nil || !strings.Contains(err.Error(), "another question") {
			t.Errorf("%d entries, %v", n, err)
		}
		k.stop()
	})
}

// last is the last answer of a file, with its length.
func last(file []byte) (answer []byte) {
	for len(file) > 4 {
		n := 4 + int(binary.BigEndian.Uint32(file))
		if n > len(file) {
			break
		}
		answer, file = file[:n], file[n:]
	}
	return bytes.Clone(answer)
}

func TestAFileThatHasGrownIsMadeAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		f, l := k.start()
		f.SetFileMinimum(20_000)
		stop := run(t, l)
		size, shrunk := int64(0), 0
		for i := range 300 {
			k.src.append(sessions(300+i, 301+i, time.Now().Add(time.Hour))...)
			time.Sleep(time.Second)
			info, err := os.Stat(k.file())
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() < size {
				shrunk++
			}
			if size = info.Size(); size > 60_000 {
				t.Fatalf("the file has %d bytes", size)
			}
		}
		if s := f.Status(); shrunk == 0 || s.Snapshots != 1+shrunk || s.CacheErr != nil || l.Stats().Entries != 550 {
			t.Errorf("made anew %d times, %d entries, %+v", shrunk, l.Stats().Entries, s)
		}
		stop()
		k.n.becomes(nil)
		if _, l := k.start(); l.Stats().Entries != 550 {
			t.Errorf("%d entries of 550 are in the file", l.Stats().Entries)
		}
		k.stop()
	})
}

// Answers that say nothing new are held back for a while. What follows them is no gap.
func TestAFileLeadsFromOneNodeToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		f, l := k.start()
		stop := run(t, l)
		for range 5 {
			time.Sleep(17 * time.Second)
			other := small(t, k.origin, k.s) // begins now, and is asked in a minute
			time.Sleep(time.Minute + time.Second)
			k.n.becomes(other)
		}
		time.Sleep(30 * time.Second)
		stop()
		if s := f.Status(); s.Snapshots != 1 || s.CacheErr != nil {
			t.Errorf("%+v", s)
		}
		k.n.becomes(nil)
		asOf := f.Status().AsOf
		if _, l := k.start(); asOf.Sub(l.AsOf()) > 11*time.Second {
			t.Errorf("the file is %s behind", asOf.Sub(l.AsOf()))
		}
		k.stop()
	})
}

// Nodes that answer in turn, some of which are behind, leave a file that leads on.
func TestAFileOfManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{t: t, r: seeded(t), s: newSigner(t, issuerName), src: newSource(sessions(0, 100, time.Now().Add(9*time.Hour))...), skew: 5 * time.Second, change: 5000}
		for range 3 {
			f.nodes = append(f.nodes, f.start())
		}
		defer f.stop()
		time.Sleep(30 * time.Second)
		k := &kept{t: t, s: f.s, n: &inProcess{serve: f}, dir: t.TempDir()}
		feed, l := k.start()
		stop := run(t, l)
		time.Sleep(3 * time.Minute) // nothing comes, from one node and then another
		if s := feed.Status(); s.Snapshots != 1 || s.CacheErr != nil {
			t.Errorf("%+v", s)
		}
		for i := range 60 {
			f.src.append(sessions(100+i, 101+i, time.Now().Add(9*time.Hour))...)
			time.Sleep(f.between(0, 40*time.Second))
			if i%20 == 19 {
				f.restart(int(f.random(3)))
			}
		}
		time.Sleep(5 * time.Second)
		stop()
		if s := feed.Status(); s.CacheErr != nil {
			t.Errorf("%+v", s)
		}
		asOf, entries := l.AsOf(), l.Stats().Entries
		k.n.becomes(nil)
		feed, l = k.start()
		if s := feed.Status(); s.CacheErr != nil || l.Stats().Entries != entries || asOf.Sub(l.AsOf()) > 20*time.Second {
			t.Errorf("%d entries of %d, %s older, %+v", l.Stats().Entries, entries, asOf.Sub(l.AsOf()), s)
		}
	})
}

func TestACacheDirThatFailsIsReportedAndTheFeedIsGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKept(t)
		k.dir = filepath.Join(k.dir, "cache")
		f, l := k.begin()
		if err := os.Remove(k.dir); err != nil {
			t.Fatal(err)
		}
		if err := l.Load(t.Context()); err != nil || l.Stats().Entries != 250 {
			t.Errorf("%d entries, %v", l.Stats().Entries, err)
		}
		if s := f.Status(); s.CacheErr == nil || s.Err != nil {
			t.Errorf("%+v", s)
		}
		if runtime.GOOS != "windows" {
			open := t.TempDir()
			os.Chmod(open, 0o777)
			c := overNetwork(k.s, k.n)
			c.CacheDir = open
			if _, err := revocation.NewFeed(c); err == nil || !strings.Contains(err.Error(), "mode 0777") {
				t.Errorf("%v", err)
			}
		}
		k.stop()
	})
}
