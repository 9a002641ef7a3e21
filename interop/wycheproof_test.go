package interop

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// vectors is a file of Wycheproof. Its groups have a key each, under names that differ by file.
type vectors struct {
	NumberOfTests int     `json:"numberOfTests"`
	Groups        []group `json:"testGroups"`
}

type group struct {
	Comment string `json:"comment"`
	Tests   []test `json:"tests"`

	// JSON files: a JWK or a JWK set.
	Public  jsontext.Value `json:"public"`
	Private jsontext.Value `json:"private"`

	// Signature files.
	PublicKeyJWK jsontext.Value `json:"publicKeyJwk"`
	KeyJWK       jsontext.Value `json:"keyJwk"`
	PublicKeyPEM string         `json:"publicKeyPem"`
	PublicKey    jsontext.Value `json:"publicKey"` // ML-DSA: hexadecimal
}

type test struct {
	ID      int      `json:"tcId"`
	Comment string   `json:"comment"`
	Result  string   `json:"result"` // valid, invalid, acceptable
	Flags   []string `json:"flags"`

	JWS string `json:"jws"`

	Message   string `json:"msg"` // hexadecimal
	Signature string `json:"sig"`
	Context   string `json:"ctx"`
	Key       string `json:"key"`
	Tag       string `json:"tag"`
}

func load(t *testing.T, file string) vectors {
	t.Helper()
	b, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range v.Groups {
		n += len(g.Tests)
	}
	if n != v.NumberOfTests {
		t.Fatalf("%s has %d tests and says %d", file, n, v.NumberOfTests)
	}
	return v
}

// tally is what must not change unseen: how many tests there are, how many writ accepts and refuses,
// and how many of these answers are not the label's.
type tally struct{ total, accepted, refused, exceptions int }

func (c *tally) add(accepted, exception bool) {
	c.total++
	if accepted {
		c.accepted++
	} else {
		c.refused++
	}
	if exception {
		c.exceptions++
	}
}

// judge adds the answer to a test: err, and whether it is known not to be the label's.
func (c *tally) judge(t *testing.T, test test, err error, exception bool) {
	t.Helper()
	valid := test.Result == "valid"
	if accepted := err == nil; accepted == (valid != exception) {
		c.add(accepted, exception)
		return
	}
	t.Errorf("%d %s %q: the error is %v, the label is %s, and that it is an exception is %v",
		test.ID, test.Comment, test.Flags, err, test.Result, exception)
}

func (c tally) String() string {
	return fmt.Sprintf("%d tests: %d accepted, %d refused, %d of them exceptions", c.total, c.accepted, c.refused, c.exceptions)
}

func (c tally) check(t *testing.T, want tally) {
	t.Helper()
	if c != want {
		t.Errorf("%s\nwant %s", c, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
