package interop

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/internal/jws"
	"github.com/writ-go/writ/keys"
)

// jwsExceptions are the tests of json_web_signature_test.json where writ's answer is not the label's.
var jwsExceptions = map[int]string{
	346: "valid, but the key's alg is PS256 and the token's PS384 (req 3)",
	350: "as 346",
	347: "valid, but the key's alg is ES521, which no RFC knows (req 1)",
	351: "as 347",
	367: "invalid, but it is byte for byte 357, which is valid",
	370: "as 367",
	372: "valid, but it has a ? in the header, which base64url has not (req 6)",
	373: "as 372, in the payload",
}

// req 1, 3, 6, 7, 8, 11, 28, 29
func TestWycheproofJWS(t *testing.T) {
	var got tally
	for _, g := range load(t, "json_web_signature_test.json").Groups {
		for _, test := range g.Tests {
			err := verifyJWS(t, g, test.JWS)
			_, exception := jwsExceptions[test.ID]
			got.judge(t, test, err, exception)
		}
	}
	got.check(t, tally{total: 401, accepted: 42, refused: 359, exceptions: 8})
}

// verifyJWS goes the way of a token: form and header, then the key, then the signature.
func verifyJWS(t *testing.T, g group, raw string) error {
	t.Helper()
	m, err := jws.Parse(raw)
	if err != nil {
		if !errors.Is(err, jws.ErrMalformed) {
			t.Errorf("the error is %v, want ErrMalformed", err)
		}
		return err
	}
	key, err := loadKey(t, g, m.Header.Algorithm)
	if err != nil {
		return err
	}
	_, err = m.Verify(key)
	return err
}

// loadKey reads a group's key: the public JWK as whoever verifies would, and the private one beside
// it, which must be its other half. A key without alg is configured for the token's.
func loadKey(t *testing.T, g group, alg string) (*keys.Public, error) {
	t.Helper()
	jwk := g.Public
	if jwk == nil {
		jwk = g.Private
	}
	var named struct {
		Algorithm string `json:"alg"`
	}
	if err := json.Unmarshal(jwk, &named); err != nil {
		t.Fatal("the key is no JSON")
	}
	if named.Algorithm == "" {
		named.Algorithm = alg
	}
	a, err := algorithm(named.Algorithm)
	if err != nil {
		return nil, err
	}
	private, errPrivate := keys.ParsePrivateJWK(a, g.Private)
	if g.Public == nil {
		if errPrivate != nil {
			return nil, errPrivate
		}
		return private.Public(), nil
	}
	public, err := keys.ParseJWK(a, g.Public)
	switch {
	case bytes.Contains(g.Private, []byte(`"sign, verify"`)): // a slip of Wycheproof's: one text for two key_ops
	case (err == nil) != (errPrivate == nil):
		t.Errorf("the public half gives the error %v, and the private one %v", err, errPrivate)
	case err == nil && public.ID() != private.ID():
		t.Error("the halves are of different keys")
	}
	return public, err
}

func algorithm(name string) (keys.Algorithm, error) {
	i := slices.IndexFunc(keys.Algorithms(), func(a keys.Algorithm) bool { return a.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("no algorithm is called %q", name)
	}
	return keys.Algorithms()[i], nil
}
