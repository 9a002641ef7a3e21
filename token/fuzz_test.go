package token_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// FuzzVerify looks for text that panics, and for an error that is not exactly one of two.
func FuzzVerify(f *testing.F) {
	k := newKey(f, keys.EdDSA)
	v := verifier(f, token.VerifierConfig{Keys: k})
	good := issue(f, k, token.Claims{})
	f.Add(good)
	f.Add("")
	f.Add("..")
	f.Add(strings.ReplaceAll(good, ".", ".."))
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := verify(v, raw)
		if err != nil {
			wantErr(t, got, err, err)
		} else if raw != good {
			t.Error("a token that was never issued verifies")
		}
	})
}

// FuzzSigned looks behind the signature: whatever header and payload an issuer signs, the answer is an
// error or a token with all that is required.
func FuzzSigned(f *testing.F) {
	k := newKey(f, keys.EdDSA)
	v := verifier(f, token.VerifierConfig{Keys: k})
	f.Add(asJSON(goodHeader(k)), asJSON(goodPayload()))
	f.Add(asJSON(goodHeader(k)), asJSON(goodPayload().with(object{"aud": []string{audience}, "data": object{"a": 1}, "act": object{"sub": "x"}})))
	f.Add(`{"alg":"none"}`, `{}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
		signature, err := k.Sign([]byte(signed))
		if err != nil {
			t.Fatal(err)
		}
		got, err := verify(v, signed+"."+base64.RawURLEncoding.EncodeToString(signature))
		if err != nil {
			wantErr(t, got, err, err)
			return
		}
		if got.Subject() == "" || got.ID() == "" || got.ClientID() == "" || got.Issuer() != issuer || got.Stamp() <= 0 ||
			got.ExpiresAt().Sub(got.IssuedAt()) > token.MaxTTL || !got.ExpiresAt().After(start.Add(-6e9)) {
			t.Error("a token lacks what is required")
		}
	})
}
