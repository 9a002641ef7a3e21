package revocation

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// feedType is the typ of the JWS. No other kind of JWS here has it, and what has another is refused.
const feedType = "revocations+jwt"

// What an answer is.
const (
	snapshotBegins = "snapshot" // how many pages the snapshot has, and the key of its digests
	snapshotPage   = "page"
	laterChanges   = "changes"
)

// claims is the signed part of every answer. A line end and the records follow it.
type claims struct {
	Issuer string `json:"iss"`
	Answer string `json:"answer"`
	AsOf   int64  `json:"as_of"`           // µs since 1970: the issuing node's list was complete then
	After  string `json:"after,omitempty"` // changes: after which part of a cursor
	Cursor string `json:"cursor"`          // where this leads: a place and a time
	Page   int    `json:"page,omitempty"`
	Pages  int    `json:"pages,omitempty"`
	Count  int    `json:"count"` // of the records that follow; snapshot: of all pages
	Key    string `json:"key,omitempty"`
	KeyID  string `json:"key_id"`
	SHA256 string `json:"sha256"` // of what follows
}

// Signer has the key that an issuer signs with now. A keys.Ring is one.
type Signer interface {
	Signing() (*keys.Private, error)
}

// signed is an answer in the form in which it leaves.
type signed struct {
	head    []byte // with the line end
	records []byte
	etag    string
	kid     string // of the key that signed
}

func (c claims) sign(key *keys.Private, records []byte) (*signed, error) {
	sum := sha256.Sum256(records)
	c.SHA256 = base64.RawURLEncoding.EncodeToString(sum[:])
	payload, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("revocation: claims of the feed: %w", err)
	}
	prefix, err := jws.Prefix(key, feedType)
	if err != nil {
		return nil, err
	}
	raw, err := jws.Sign(prefix, payload, key)
	if err != nil {
		return nil, fmt.Errorf("revocation: signing the feed: %w", err)
	}
	tag := sha256.Sum256([]byte(raw))
	return &signed{
		head:    append([]byte(raw), '\n'),
		records: records,
		etag:    `"` + base64.RawURLEncoding.EncodeToString(tag[:16]) + `"`,
		kid:     key.ID(),
	}, nil
}

// verifier checks answers.
type verifier struct {
	issuer string
	keys   token.KeySet
	leeway time.Duration
	now    func() time.Time
}

// open returns what an answer says if the issuer has signed it, and the records. Whether it is the answer
// to what was asked is not checked here.
func (v *verifier) open(body []byte, answer string) (c claims, records []byte, err error) {
	refuse := func(format string, args ...any) (claims, []byte, error) {
		return claims{}, nil, fmt.Errorf(format, args...)
	}
	end := bytes.IndexByte(body[:min(len(body), jws.MaxSize+1)], '\n')
	if end < 0 {
		return refuse("it is not an answer of a feed: check URL")
	}
	m, err := jws.Parse(string(body[:end]))
	if err != nil {
		return refuse("it is not an answer of a feed: check URL")
	}
	if m.Header.Type != feedType {
		return refuse("what it signed is no answer of a feed")
	}
	key, err := v.keys.Public(v.issuer, m.Header.KeyID)
	switch {
	case errors.Is(err, keys.ErrUnknown):
		return refuse("it is signed with a key that is not its issuer's: check Issuer")
	case err != nil:
		return refuse("its signature cannot be checked now: %w", err)
	case key == nil:
		return refuse("its signature cannot be checked: the KeySet returned neither a key nor an error")
	}
	payload, err := m.Verify(key)
	if err != nil || json.Unmarshal([]byte(payload), &c) != nil {
		return refuse("its signature does not verify, or what it signed cannot be read")
	}
	records = body[end+1:]
	sum := sha256.Sum256(records)
	switch {
	case c.Issuer != v.issuer:
		return refuse("it is the feed of another issuer: check URL and Issuer")
	case c.Answer != answer:
		return refuse("it is an answer to something else")
	case c.SHA256 != base64.RawURLEncoding.EncodeToString(sum[:]):
		return refuse("its records are not those that were signed")
	case c.AsOf <= 0 || c.Count < 0 || len(c.Cursor) > maxCursor || c.KeyID == "":
		return refuse("what it signed is not complete")
	}
	if ahead := time.UnixMicro(c.AsOf).Sub(v.now().Round(0)); ahead > v.leeway {
		return refuse("it is as of %s from now: see to the clocks", ahead.Round(time.Millisecond))
	}
	return c, records, nil
}

// blinding is under which key the digests of a snapshot are.
func (c *claims) blinding() (*blinding, error) {
	b, err := spelling.DecodeString(c.Key)
	if err != nil || len(b) != keySize {
		return nil, errors.New("it has no key of digests")
	}
	key := newBlinding([keySize]byte(b))
	if key.id != c.KeyID {
		return nil, errors.New("its key of digests is not the one that it names")
	}
	return key, nil
}
