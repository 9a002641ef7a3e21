package jwks_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

// inDir keeps what u serves in a directory.
func inDir(u *upstream, dir string) jwks.RemoteConfig {
	c := follows(u)
	c.CacheDir = dir
	return c
}

// cached is the only file in dir.
func cached(t testing.TB, dir string) string {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d files, %v, want one", len(all), err)
	}
	return filepath.Join(dir, all[0].Name())
}

func TestTheLastGoodSetServesAStartWhileTheIssuerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "cache")
		u := &upstream{serve: answer(setOf(good))}
		fetched := time.Now()
		loaded(t, inDir(u, dir))
		info, err := os.Stat(cached(t, dir))
		if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%v, mode %v", err, info.Mode())
		}
		if b, err := os.ReadFile(cached(t, dir)); err != nil || strings.Contains(string(b), "QUERY") {
			t.Errorf("%v, or the file has the URL's query", err)
		}
		time.Sleep(time.Hour)
		u.becomes(status(500))
		r := loaded(t, inDir(u, dir))
		want(t, r, "good", "key")
		want(t, r, "other", "unavailable") // a file is no answer to the question
		if s := r.Status()[0]; !s.FromCache || !s.AsOf.Equal(fetched) || s.Err == nil || s.CacheErr != nil {
			t.Errorf("%+v", s)
		}
		go r.Run(t.Context())
		time.Sleep(time.Hour)
		want(t, r, "good", "key")
		want(t, r, "other", "unavailable")
		time.Sleep(time.Nanosecond) // MaxStale counts from the fetch
		want(t, r, "good", "unavailable")
		u.becomes(answer(setOf(good)))
		time.Sleep(30 * time.Second)
		want(t, r, "good", "key")
		if s := r.Status()[0]; s.FromCache || s.Err != nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestTheCacheDoesNotCountWhileTheIssuerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		u := &upstream{serve: answer(setOf(good))}
		loaded(t, inDir(u, dir))
		u.becomes(answer(setOf(with(ecJWK, `"kid":"new"`))))
		r := loaded(t, inDir(u, dir))
		want(t, r, "good", "unavailable")
		want(t, r, "new", "key")
		u.becomes(answer(setOf()))
		want(t, loaded(t, inDir(u, dir)), "new", "key") // what the issuer had last
	})
}

func TestAnUnchangedSetIsKeptAsOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		u := &upstream{serve: answer(setOf(good), "ETag", `"1"`)}
		r := loaded(t, inDir(u, dir))
		u.becomes(status(304))
		for range 3 {
			time.Sleep(time.Hour)
			if err := r.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		u.becomes(status(500))
		want(t, loaded(t, inDir(u, dir)), "good", "key")
	})
}

func TestAFileThatIsNotUsed(t *testing.T) {
	change := func(old, new string) func(string) error {
		return func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(b), old) {
				return errors.New("the file is not as expected")
			}
			return os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600)
		}
	}
	replace := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o600) }
	}
	for name, test := range map[string]struct {
		damage func(path string) error
		reason string // empty: nothing is wrong
	}{
		"that is not there":         {os.Remove, ""},
		"that is empty":             {replace(""), "damaged"},
		"cut short":                 {replace(`{"issuer":"https://login.example"`), "damaged"},
		"of 1 MiB":                  {replace(strings.Repeat(" ", 1<<20)), "over"},
		"of another issuer":         {change(`"issuer":"https://login.example"`, `"issuer":"https://evil.example"`), "for another issuer"},
		"from another URL":          {change(`"url_sha256":"`, `"url_sha256":"0`), "from another URL"},
		"without a time":            {change(`"fetched_at"`, `"fetched"`), "allowed"},
		"older than MaxStale":       {change(`2000-01-01T00:00:00Z`, `1999-12-31T21:59:59Z`), "2h0m1s ago, 2h0m0s allowed"},
		"newer than now":            {change(`2000-01-01T00:00:00Z`, `2000-01-01T00:00:06Z`), "see to the clock"},
		"with a symmetric key":      {change(`"kty":"EC"`, `"kty":"oct"`), "is symmetric"},
		"with a private key":        {change(`"kty":"EC"`, `"kty":"EC","d":"AA"`), `has the member "d"`},
		"for another algorithm":     {change(`"alg":"ES256"`, `"alg":"RS256"`), "no key that is of use"},
		"without keys":              {change(`{"keys":[`, `{"keys":[],"other":[`), "empty"},
		"that others could write":   {func(path string) error { return os.Chmod(path, 0o620) }, "mode 0620"},
		"that is a link":            {func(path string) error { return errors.Join(os.Rename(path, path+"x"), os.Symlink(path+"x", path)) }, "not a file"},
		"that is a directory":       {func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "not a file"},
		"that has a member of more": {change(`{"issuer"`, `{"issuer":"x","issuer"`), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && (strings.Contains(test.reason, "mode") || strings.Contains(name, "link")) {
				t.Skip("Windows has no such modes")
			}
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				u := &upstream{serve: answer(setOf(good))}
				loaded(t, inDir(u, dir))
				if err := test.damage(cached(t, dir)); err != nil {
					t.Fatal(err)
				}
				u.becomes(status(500))
				r := newRemote(t, inDir(u, dir))
				if err := r.Load(t.Context()); !errors.Is(err, keys.ErrUnavailable) {
					t.Errorf("Load: %v", err)
				}
				want(t, r, "good", "unavailable")
				s := r.Status()[0]
				if s.Err == nil || s.Keys != 0 || s.FromCache {
					t.Errorf("%+v", s)
				}
				if ok := s.CacheErr == nil; ok != (test.reason == "") || !ok && !strings.Contains(s.CacheErr.Error(), test.reason) {
					t.Errorf("reported: %v", s.CacheErr)
				}
				if name == "that is a directory" {
					return
				}
				u.becomes(answer(setOf(good)))
				if r.Load(t.Context()); r.Status()[0].CacheErr != nil {
					t.Errorf("a good fetch does not mend it: %v", r.Status()[0].CacheErr)
				}
			})
		})
	}
}

// req 34: nothing of an issuer's text is a path.
func TestAnIssuerIsNoPath(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "cache")
	u := &upstream{serve: answer(setOf(good))}
	c := inDir(u, dir)
	for _, issuer := range []string{"../../evil", "/etc/passwd", "a/b", "a\x00b", strings.Repeat("x", 1000)} {
		more := c.Issuers[0]
		more.Issuer = issuer
		c.Issuers = append(c.Issuers, more)
	}
	r := loaded(t, c)
	for _, s := range r.Status() {
		if s.CacheErr != nil {
			t.Error(s.CacheErr)
		}
	}
	n := 0
	err := filepath.WalkDir(parent, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
			if filepath.Dir(path) != dir || len(d.Name()) != len("jwks-.json")+64 {
				t.Errorf("a file outside, or with another name: %q", path)
			}
		}
		return err
	})
	if err != nil || n != len(c.Issuers) {
		t.Errorf("%d files for %d issuers, %v", n, len(c.Issuers), err)
	}
}

func TestACacheDirThatOthersCouldWriteIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	u := &upstream{serve: answer(setOf(good))}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := jwks.NewRemote(inDir(u, dir)); err == nil || !strings.Contains(err.Error(), "CacheDir") || !strings.Contains(err.Error(), "mode 0777") {
		t.Errorf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := jwks.NewRemote(inDir(u, file)); err == nil {
		t.Error("a file is taken for a directory")
	}
}

func TestADirectoryThatFailsIsReportedAndKeysAreGood(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	u := &upstream{serve: answer(setOf(good))}
	r := newRemote(t, inDir(u, dir))
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Load(t.Context()); err != nil {
		t.Error(err)
	}
	want(t, r, "good", "key")
	if s := r.Status()[0]; s.CacheErr == nil || s.Err != nil {
		t.Errorf("%v, %v", s.CacheErr, s.Err)
	}
}
