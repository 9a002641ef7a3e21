package jwks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/ownfile"
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
		err = ownfile.Replace(s.cachePath(), b)
	}
	if err != nil {
		err = fmt.Errorf("jwks: keeping the key set of %q in CacheDir: %w", s.Issuer, err)
	}
	s.reportCache(err)
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
	f, err := ownfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is over %d bytes", maxFile)
	}
	return b, err
}
