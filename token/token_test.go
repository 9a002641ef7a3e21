package token_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

const (
	issuer   = "https://login.example"
	audience = "https://api.example"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// key is one signing key, as SigningKey and as KeySet.
type key struct{ *keys.Private }

func newKey(t testing.TB, a keys.Algorithm) key {
	t.Helper()
	k, err := keys.Generate(a)
	if err != nil {
		t.Fatal(err)
	}
	return key{k}
}

func (k key) Signing() (*keys.Private, error) { return k.Private, nil }

func (k key) Public(iss, kid string) (*keys.Public, error) {
	if iss != issuer || kid != k.ID() {
		return nil, keys.ErrUnknown
	}
	return k.Private.Public(), nil
}

// broken is a key set, a signing key and a revocation list of which none can be had.
type broken struct{}

func (broken) Public(string, string) (*keys.Public, error)         { return nil, keys.ErrUnavailable }
func (broken) Signing() (*keys.Private, error)                     { return nil, keys.ErrUnavailable }
func (broken) Revoked(*token.Verified) (revoked bool, _ time.Time) { return false, time.Time{} }

// revocations says of every token what it is told to say.
type revocations struct {
	revoked bool
	asOf    time.Time
}

func (r *revocations) Revoked(*token.Verified) (bool, time.Time) { return r.revoked, r.asOf }

func verifier(t testing.TB, c token.VerifierConfig) *token.Verifier {
	t.Helper()
	if c.Issuer == "" {
		c.Issuer = issuer
	}
	if c.Audience == "" {
		c.Audience = audience
	}
	if c.Revocations == nil {
		c.UntilExpiry = true
	}
	if c.Now == nil {
		c.Now = func() time.Time { return start }
	}
	v, err := token.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newIssuer(t testing.TB, k token.SigningKey) *token.Issuer {
	t.Helper()
	i, err := token.NewIssuer(token.IssuerConfig{Issuer: issuer, Audience: audience, Keys: k})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func issue(t testing.TB, k token.SigningKey, c token.Claims) string {
	t.Helper()
	if c.Subject == "" {
		c.Subject = "alice"
	}
	raw, err := newIssuer(t, k).Issue(c, start, start.Add(10*time.Minute), start.UnixMicro())
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// object is JSON for a header or a payload; a nil value takes a member away.
type object map[string]any

func (o object) with(changes object) object {
	o = maps.Clone(o)
	maps.Copy(o, changes)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return o
}

func goodHeader(k key) object {
	return object{"alg": k.Algorithm().Name(), "kid": k.ID(), "typ": "at+jwt"}
}

func goodPayload() object {
	return object{
		"iss": issuer, "sub": "alice", "aud": audience, "client_id": issuer, "jti": "t1", "sid": "s1",
		"iat": start.Unix(), "exp": start.Add(10 * time.Minute).Unix(), "ist": start.UnixMicro(),
	}
}

// forge signs any header and payload with k, as a thief of nothing but a careless issuer could.
func forge(t testing.TB, k key, header, payload any) string {
	t.Helper()
	text := func(v any) string {
		if s, ok := v.(string); ok {
			return base64.RawURLEncoding.EncodeToString([]byte(s))
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	signed := text(header) + "." + text(payload)
	signature, err := k.Sign([]byte(signed))
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// wantErr checks an error and the promises that hold for all of them.
func wantErr(t testing.TB, v *token.Verified, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
	if v != nil {
		t.Fatal("a token came back with an error")
	}
	if errors.Is(err, token.ErrInvalid) == errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("%v is not exactly one of invalid and unavailable", err)
	}
}

func verify(v *token.Verifier, raw string) (*token.Verified, error) {
	return v.Verify(context.Background(), raw)
}

func asJSON(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func asObject(t testing.TB, b []byte) (o object) {
	t.Helper()
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// run runs v until the test ends.
func run(t testing.TB, v *token.Verifier) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- v.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
