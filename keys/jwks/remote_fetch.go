package jwks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/writ-go/writ/internal/outbound"
)

// answer is a set as it came.
type answer struct {
	set      *Set
	body     []byte
	etag     string
	lifetime time.Duration
}

// fetch asks for the set. before is what is held; a refetch asks for the whole set all the same, past
// caches, and so does not depend on the issuer's changing its ETag.
func (s *source) fetch(ctx context.Context, before *answer, refetch bool) (*answer, error) {
	a, err := s.get(ctx, before, refetch)
	if err != nil {
		return nil, fmt.Errorf("jwks: the key set of %q at %s: %w", s.Issuer, s.host, err)
	}
	return a, nil
}

func (s *source) get(ctx context.Context, before *answer, refetch bool) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	etag := ""
	switch {
	case refetch:
		req.Header.Set("Cache-Control", "no-cache")
	case before != nil && before.etag != "":
		etag = before.etag
		req.Header.Set("If-None-Match", etag)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	defer res.Body.Close()
	fresh := lifetime(res.Header, time.Now())
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return &answer{before.set, before.body, etag, fresh}, nil
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers with status %d: %s", res.StatusCode, advice(res.StatusCode))
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "text/html" {
		return nil, errors.New("it answers with a page of HTML: check URL, and whether something before the issuer wants a sign-in")
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxSet+1)) // decompressed; Parse refuses one byte too many
	if err != nil {
		return nil, outbound.Reason(err)
	}
	set, err := Parse(body, s.Algorithms...)
	if err != nil {
		return nil, err
	}
	return &answer{set, body, res.Header.Get("ETag"), fresh}, nil
}

func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "a key set is public, so have it published without a sign-in"
	case status == http.StatusTooManyRequests || status >= 500:
		return "see to the issuer; it is asked again"
	}
	return "check URL"
}
