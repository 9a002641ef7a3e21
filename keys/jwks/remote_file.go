package jwks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxFile = maxSet + 8<<10 // bytes

	// cacheSkew is how far the clock may have been set back since a file was written.
	cacheSkew = 5 * time.Second
)

// cacheFile is the last good set of an issuer. The URL may hold a key to it, so only its hash is kept.
type cacheFile struct {
	Issuer  string         `json:"issuer"`
	URL     string         `json:"url_sha256"`
	Fetched time.Time      `json:"fetched_at"`
	Set     jsontext.Value `json:"set"`
}

func makeCacheDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return checkWriters(path, info, "name a directory of its own, such as one in it")
}

// checkWriters refuses what another user could write to.
func checkWriters(path string, info fs.FileInfo, remedy string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("%s has mode %04o; others on this machine could put keys of theirs in it: %s", path, mode, remedy)
	}
	if uid := ownerOf(info); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, who could put keys of theirs in it: %s", path, uid, remedy)
	}
	return nil
}

// cachePath has nothing of the issuer's text.
func (s *source) cachePath() string {
	return filepath.Join(s.config.CacheDir, "jwks-"+hashOf(s.Issuer)+".json")
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// keep replaces the issuer's file.
func (s *source) keep(a *answer, fetched time.Time) {
	if s.config.CacheDir == "" {
		return
	}
	b, err := json.Marshal(cacheFile{s.Issuer, hashOf(s.URL), fetched.UTC().Round(0), a.body})
	if err == nil {
		err = replaceFile(s.cachePath(), b)
	}
	if err != nil {
		err = fmt.Errorf("jwks: keeping the key set of %q in CacheDir: %w", s.Issuer, err)
	}
	s.reportCache(err)
}

// replaceFile leaves either the old file or the whole new one.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".jwks-*") // mode 0600; other processes may write too
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// kept is what the issuer's file has, nil if there is none to use, and why it cannot be used.
func (s *source) kept() (*answer, time.Time, error) {
	if s.config.CacheDir == "" {
		return nil, time.Time{}, nil
	}
	a, asOf, err := s.readFile()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, time.Time{}, nil
	case err != nil:
		return nil, time.Time{}, fmt.Errorf("jwks: the key set of %q in CacheDir is not used: %w", s.Issuer, err)
	}
	return a, asOf, nil
}

func (s *source) readFile() (*answer, time.Time, error) {
	refuse := func(err error) (*answer, time.Time, error) { return nil, time.Time{}, err }
	b, err := readOwn(s.cachePath())
	if err != nil {
		return refuse(err)
	}
	var f cacheFile
	if json.Unmarshal(b, &f) != nil {
		return refuse(errors.New("the file is damaged; the next good fetch replaces it"))
	}
	if f.Issuer != s.Issuer || f.URL != hashOf(s.URL) {
		return refuse(errors.New("it was fetched from another URL, or for another issuer"))
	}
	now := time.Now()
	age := now.Round(0).Sub(f.Fetched)
	switch {
	case age < -cacheSkew:
		return refuse(fmt.Errorf("it was fetched %s from now: see to the clock", -age.Round(time.Second)))
	case age > s.config.MaxStale:
		return refuse(fmt.Errorf("it was fetched %s ago, %s allowed", age.Round(time.Second), s.config.MaxStale))
	}
	set, err := Parse(f.Set, s.Algorithms...)
	if err != nil {
		return refuse(err)
	}
	return &answer{set: set, body: f.Set}, now.Add(-max(age, 0)), nil
}

func readOwn(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := checkWriters(path, info, "remove it"); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is over %d bytes", maxFile)
	}
	return b, err
}
