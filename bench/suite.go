package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/store/memory"
)

const (
	issuer   = "https://app.example"
	audience = "https://api.example"
	subject  = "user-0123456789"
)

// algorithms are those that every contender has.
var algorithms = []keys.Algorithm{keys.EdDSA, keys.ES256, keys.RS256, keys.HS256}

// suite is one algorithm: one key, and tokens signed with it, the same for every contender.
type suite struct {
	alg     string
	kid     string
	private any // what the standard library signs with
	public  any
	ring    *keys.Ring // the same key
	good    string
}

func newSuite(a keys.Algorithm) (*suite, error) {
	ring, err := keys.Open(context.Background(), keys.Config{
		Issuer: issuer, Vault: writ.Vault(memory.Open()), InClear: true, Algorithm: a, MaxStale: time.Hour})
	if err != nil {
		return nil, err
	}
	key, err := ring.Signing()
	if err != nil {
		return nil, err
	}
	s := &suite{alg: a.Name(), kid: key.ID(), ring: ring}
	if s.private, s.public, err = standard(key); err != nil {
		return nil, err
	}
	s.good, err = s.token(s.header(), newClaims(time.Now().Add(-time.Minute)))
	return s, err
}

// standard is key for the standard library: both halves, or twice the secret.
func standard(key *keys.Private) (private, public any, err error) {
	if key.Algorithm() == keys.HS256 {
		text, err := key.CleartextJWK()
		if err != nil {
			return nil, nil, err
		}
		var jwk struct{ K string }
		if err := json.Unmarshal(text, &jwk); err != nil {
			return nil, nil, err
		}
		secret, err := base64.RawURLEncoding.DecodeString(jwk.K)
		return secret, secret, err
	}
	text, err := key.CleartextPEM()
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(text)
	if private, err = x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		return nil, nil, err
	}
	return private, private.(crypto.Signer).Public(), nil
}

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

func (s *suite) header() header { return header{s.alg, s.kid, "at+jwt"} }

// claims are those of RFC 9068, a session's ID, an issue stamp, and an application's object.
type claims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	Audience  string `json:"aud"`
	Expires   int64  `json:"exp,omitempty"`
	NotBefore int64  `json:"nbf"`
	IssuedAt  int64  `json:"iat"`
	ID        string `json:"jti"`
	private
}

// private are the claims that no library knows by itself. Every contender decodes them, and leaves
// the application's object in JSON.
type private struct {
	ClientID  string          `json:"client_id"`
	SessionID string          `json:"sid"`
	Scope     string          `json:"scope"`
	Stamp     int64           `json:"ist"`
	Data      json.RawMessage `json:"data"`
}

const lifetime = 50 * time.Minute

func newClaims(issued time.Time) claims {
	return claims{issuer, subject, audience, issued.Add(lifetime).Unix(), issued.Unix(), issued.Unix(), newID(), newPrivate(issued)}
}

func newPrivate(issued time.Time) private {
	return private{"web", "0123456789abcdefghijkl", "read write", issued.UnixMicro(), json.RawMessage(`{"role":"editor"}`)}
}

// newID is a fresh jti.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// token signs with the standard library alone.
func (s *suite) token(h header, c claims) (string, error) {
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return s.sign(h, payload)
}

func (s *suite) sign(h header, payload []byte) (string, error) {
	head, err := json.Marshal(h)
	if err != nil {
		return "", err
	}
	input := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := rawSign(s.private, []byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}
