package revocation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/internal/outbound"
)

const (
	// feedWait is how long the server is asked to wait for something to come.
	feedWait = 2 * time.Second
	// feedPatience is what a List allows a Feed beyond the time that a log close by would get.
	feedPatience = time.Minute

	maxHead    = jws.MaxSize + 1
	maxTailing = maxHead + maxChanges*maxRecord // bytes of an answer with changes
)

// get asks for one thing, whose answer has at most so many bytes.
func (f *Feed) get(ctx context.Context, what url.Values, wait time.Duration, limit int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+f.config.Timeout)
	defer cancel()
	u, err := url.Parse(f.config.URL)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	if len(what) > 0 { // the URL's own query stays as it is
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += what.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	req.Header.Set("Accept", "application/octet-stream")
	req.Header.Set("Accept-Encoding", "identity") // digests do not compress, and nothing can swell
	if f.anew {
		req.Header.Set("Cache-Control", "no-cache")
	}
	if f.config.Authorize != nil {
		if err := f.config.Authorize(req); err != nil {
			return nil, fmt.Errorf("not asked, because of Authorize: %w", err)
		}
	}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode != http.StatusOK:
		io.CopyN(io.Discard, res.Body, 1<<10) // so that the connection can be used again
		return nil, failed(res, what)
	case res.Header.Get("Content-Encoding") != "":
		return nil, errors.New("its answer is compressed, which was not asked for: see to what is on the way")
	case res.ContentLength > int64(limit):
		return nil, fmt.Errorf("its answer has %d bytes, %d allowed", res.ContentLength, limit)
	}
	body, err := read(res, limit)
	if err != nil {
		return nil, outbound.Reason(err)
	}
	if len(body) > limit {
		return nil, fmt.Errorf("its answer has over %d bytes", limit)
	}
	return body, nil
}

// errPassed is the ErrGap of one node. Another one may have begun earlier, and go on from there.
var errPassed = fmt.Errorf("%w: the node that was asked cannot go on from there", ErrGap)

func failed(res *http.Response, what url.Values) error {
	switch {
	case res.StatusCode == http.StatusGone:
		return errPassed
	case res.StatusCode == http.StatusBadRequest && what.Has("after"):
		return ErrGap // another version does not know our cursor
	}
	u := &unavailable{status: res.StatusCode}
	if s, err := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 16); err == nil { // a date is passed over
		u.after = time.Duration(s) * time.Second
	}
	return u
}

// read takes one byte more than allowed at most.
func read(res *http.Response, limit int) ([]byte, error) {
	if res.ContentLength < 0 {
		return io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	}
	body := make([]byte, res.ContentLength)
	_, err := io.ReadFull(res.Body, body)
	return body, err
}

func advice(status int) string {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "see to Authorize"
	case status == http.StatusTooManyRequests || status >= 500:
		return "it is asked again"
	}
	return "check URL"
}

// changes asks for what came after where one stands.
func (f *Feed) changes(ctx context.Context, at stand, wait time.Duration) (claims, []Entry, error) {
	what := url.Values{"after": {at.cursor}}
	if wait > 0 {
		what.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	body, err := f.get(ctx, what, wait, maxTailing)
	if err != nil {
		return claims{}, nil, err
	}
	c, entries, err := f.take(body, at.key, func(after string) bool { return follows(after, at.cursor) })
	if err == nil && f.file != nil {
		f.keep(f.file.append(body, c))
	}
	return c, entries, err
}

// take checks an answer with changes. fits says which parts of cursors it may follow.
func (f *Feed) take(body []byte, key *blinding, fits func(after string) bool) (claims, []Entry, error) {
	c, records, err := f.verifier.open(body, laterChanges)
	switch {
	case err != nil:
		return c, nil, err
	case !fits(c.After):
		return c, nil, errors.New("it is the answer to another question")
	case key == nil || c.KeyID != key.id:
		return c, nil, fmt.Errorf("%w: its key of digests is another now", ErrGap)
	case c.Count > len(records):
		return c, nil, errRecord
	}
	entries := make([]Entry, 0, c.Count)
	err = cutRecords(records, c.Count, func(r *record) { entries = append(entries, r.entry()) })
	return c, entries, err
}
