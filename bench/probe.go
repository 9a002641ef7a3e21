package main

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
)

// probe is a token that is wrong in one thing.
type probe struct {
	name     string
	required bool // a contender that accepts it does not do the same job as the others
	token    string
}

func (s *suite) probes() ([]probe, error) {
	var all []probe
	var failed error
	add := func(name string, required bool, token string, err error) {
		failed = errors.Join(failed, err)
		all = append(all, probe{name, required, token})
	}
	now := time.Now()
	changed := func(name string, required bool, change func(*header, *claims)) {
		h, c := s.header(), newClaims(now.Add(-time.Minute))
		change(&h, &c)
		token, err := s.token(h, c)
		add(name, required, token, err)
	}
	add("a flipped bit in the signature", true, flipped(s.good), nil)
	changed("alg is none, no signature", true, func(h *header, _ *claims) { h.Algorithm = "none" })
	all[1].token = all[1].token[:strings.LastIndexByte(all[1].token, '.')+1]
	confused, err := s.confused()
	add("a MAC with the public key as secret", true, confused, err)
	changed("another issuer", true, func(_ *header, c *claims) { c.Issuer = "https://evil.example" })
	changed("another audience", true, func(_ *header, c *claims) { c.Audience = "https://other.example" })
	changed("expired", true, func(_ *header, c *claims) { c.Expires = now.Add(-10 * time.Second).Unix() })
	changed("exp is missing", true, func(_ *header, c *claims) { c.Expires = 0 })
	changed("nbf is in the future", true, func(_ *header, c *claims) { c.NotBefore = now.Add(time.Minute).Unix() })
	changed("iat is in the future", true, func(_ *header, c *claims) { c.IssuedAt = now.Add(time.Minute).Unix() })

	changed("alg is another", false, func(h *header, _ *claims) { h.Algorithm = "HS512" })
	changed("typ is JWT: no access token", false, func(h *header, _ *claims) { h.Type = "JWT" })
	changed("kid is of no key", false, func(h *header, _ *claims) { h.KeyID = "unknown" })
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(s.good, ".")[1])
	failed = errors.Join(failed, err)
	twice, err := s.sign(s.header(), bytes.Replace(payload, []byte(`"sub"`), []byte(`"sub":"somebody else","sub"`), 1))
	add("sub stands twice", false, twice, err)
	shouted, err := s.sign(s.header(), bytes.Replace(payload, []byte(`"sub"`), []byte(`"SUB"`), 1))
	add("sub is spelled SUB", false, shouted, err)
	add("another spelling of the signature in base64", false, slack(s.good), nil)
	return all, failed
}

// confused is signed by HS256, with what everybody knows for the secret.
func (s *suite) confused() (string, error) {
	public, err := x509.MarshalPKIXPublicKey(s.public)
	if err != nil {
		public = []byte("a secret of another")
	}
	mac := *s
	mac.private = public
	h := s.header()
	h.Algorithm = "HS256"
	return mac.token(h, newClaims(time.Now().Add(-time.Minute)))
}

// flipped changes a bit in the middle of the signature.
func flipped(token string) string {
	b := []byte(token)
	at := strings.LastIndexByte(token, '.') + 20
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// slack changes bits at the end of the signature's base64 that mean nothing.
func slack(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + alphabet[last^1:last^1+1]
}

// verdicts says which probes each contender refuses. It fails if one refuses the good token or
// accepts one that is wrong in what all must check, and if writ would not accept what it signs.
func (s *suite) verdicts(all []contender) (probes []probe, refused map[string][]bool, err error) {
	if probes, err = s.probes(); err != nil {
		return nil, nil, err
	}
	refused = map[string][]bool{}
	var wrong []error
	for _, c := range all {
		if sub, err := c.verify(s.good); err != nil || sub != subject {
			wrong = append(wrong, fmt.Errorf("%s, %s refuses the good token: %w", s.alg, c.name, err))
		}
		for _, p := range probes {
			sub, err := c.verify(p.token)
			ok := err != nil || sub == ""
			refused[c.name] = append(refused[c.name], ok)
			if p.required && !ok {
				wrong = append(wrong, fmt.Errorf("%s, %s accepts a token: %s", s.alg, c.name, p.name))
			}
		}
		if c.sign == nil {
			continue
		}
		signed, err := c.sign()
		if err == nil {
			_, err = all[0].verify(signed)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s, what %s signs is not accepted by %s: %w", s.alg, c.signer, all[0].name, err))
		}
	}
	for token, want := range map[string]error{s.good: nil, probes[0].token: errSignature} {
		verify, err := rawVerification(s, token)
		if err == nil && verify() != want {
			err = errors.New("the answer is wrong")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s, the raw signature: %w", s.alg, err))
		}
	}
	return probes, refused, errors.Join(wrong...)
}
