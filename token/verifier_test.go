package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

func TestAnIssuedTokenVerifies(t *testing.T) {
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		t.Run(a.Name(), func(t *testing.T) {
			k := newKey(t, a)
			claims := token.Claims{
				Subject: "alice", SessionID: "s1", Scope: []string{"read", "write"}, AuthTime: start,
				ACR: "loa2", AMR: []string{"pwd", "otp"}, Actor: "support",
			}
			if err := claims.SetData(map[string]int64{"n": 1<<53 + 1}); err != nil {
				t.Fatal(err)
			}
			v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, claims))
			if err != nil {
				t.Fatal(err)
			}
			// req 16
			got := fmt.Sprint(v.Subject(), v.SessionID(), v.Issuer(), v.ClientID(), v.Scopes(), v.HasScope("write"), v.HasScope("rea"),
				v.ACR(), v.AMR(), v.Actor(), v.AuthTime().Equal(start), v.IssuedAt().Equal(start), v.ExpiresAt().Sub(start), v.Stamp(), v.KeyID() == k.ID(), v.Anonymous())
			want := fmt.Sprint("alice", "s1", issuer, issuer, []string{"read", "write"}, true, false,
				"loa2", []string{"pwd", "otp"}, "support", true, true, 10*time.Minute, start.UnixMicro(), true, false)
			if got != want {
				t.Errorf("verified\n%s, want\n%s", got, want)
			}
			if len(v.ID()) != 22 {
				t.Errorf("jti %q is not 128 bits in base64url", v.ID())
			}
			data, err := token.Data[map[string]int64](v)
			if err != nil || data["n"] != 1<<53+1 {
				t.Errorf("data %v, %v: want n to keep every digit", data, err)
			}
		})
	}
}

func TestHeaderRules(t *testing.T) {
	k := newKey(t, keys.ES256)
	other := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	for name, test := range map[string]struct {
		header any
		want   error
	}{
		"an access token":                        {goodHeader(k), nil},
		"the media type in full":                 {goodHeader(k).with(object{"typ": "application/at+jwt"}), nil}, // req 12
		"typ JWT":                                {goodHeader(k).with(object{"typ": "JWT"}), token.ErrType},      // req 12
		"no typ":                                 {goodHeader(k).with(object{"typ": nil}), token.ErrType},
		"a logout token":                         {goodHeader(k).with(object{"typ": "logout+jwt"}), token.ErrType},              // req 13
		"an introspection answer":                {goodHeader(k).with(object{"typ": "token-introspection+jwt"}), token.ErrType}, // req 13
		"alg none":                               {goodHeader(k).with(object{"alg": "none"}), token.ErrSignature},               // req 4
		"alg nOnE":                               {goodHeader(k).with(object{"alg": "nOnE"}), token.ErrSignature},               // req 2
		"alg in lower case":                      {goodHeader(k).with(object{"alg": "es256"}), token.ErrSignature},              // req 2
		"another algorithm than the key's":       {goodHeader(k).with(object{"alg": "ES384"}), token.ErrSignature},              // req 1, 3
		"no alg":                                 {goodHeader(k).with(object{"alg": nil}), token.ErrMalformed},
		"a crit that is empty":                   {goodHeader(k).with(object{"crit": []string{}}), token.ErrMalformed},                  // req 8
		"crit null":                              {strings.Replace(asJSON(goodHeader(k)), "{", `{"crit":null,`, 1), token.ErrMalformed}, // req 8
		"b64 false with crit":                    {goodHeader(k).with(object{"crit": []string{"b64"}, "b64": false}), token.ErrMalformed},
		"b64 false":                              {goodHeader(k).with(object{"b64": false}), token.ErrMalformed},
		"alg twice":                              {strings.Replace(asJSON(goodHeader(k)), "{", `{"alg":"none",`, 1), token.ErrMalformed}, // req 9
		"a kid that is a number":                 {goodHeader(k).with(object{"kid": 7}), token.ErrMalformed},
		"no kid":                                 {goodHeader(k).with(object{"kid": nil}), token.ErrMalformed},
		"a kid that is a path":                   {goodHeader(k).with(object{"kid": "../../dev/null"}), token.ErrUnknownKey}, // req 34
		"a kid with a line end":                  {goodHeader(k).with(object{"kid": "a\nb"}), token.ErrMalformed},
		"a kid of a kilobyte":                    {goodHeader(k).with(object{"kid": strings.Repeat("k", 1024)}), token.ErrMalformed},
		"another's kid":                          {goodHeader(other), token.ErrUnknownKey},
		"the attacker's key in jwk (req 19)":     {goodHeader(other).with(object{"jwk": asObject(t, other.Private.Public().JWK())}), token.ErrUnknownKey},
		"the attacker's key behind jku (req 19)": {goodHeader(other).with(object{"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/c"}), token.ErrUnknownKey},
		"a header that is an array":              {"[]", token.ErrMalformed},
		"a header that is not UTF-8":             {"{\"alg\":\"ES256\",\"kid\":\"\xff\",\"typ\":\"at+jwt\"}", token.ErrMalformed}, // req 10
		"two values in a row":                    {asJSON(goodHeader(k)) + "{}", token.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			signer := k
			if strings.Contains(name, "attacker") {
				signer = other
			}
			got, err := verify(v, forge(t, signer, test.header, goodPayload()))
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantErr(t, got, err, test.want)
		})
	}
}

func TestPayloadRules(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	good := goodPayload()
	for name, test := range map[string]struct {
		payload any
		want    error
	}{
		"all that is required":            {good, nil},
		"nothing":                         {"", token.ErrMalformed},
		"audience in an array":            {good.with(object{"aud": []string{"x", audience}}), nil},
		"members that nobody knows":       {good.with(object{"x": []any{1, "2", nil}}), nil},
		"dates with a fraction":           {good.with(object{"exp": float64(start.Unix()) + 60.5}), nil},
		"another issuer (req 14)":         {good.with(object{"iss": issuer + "/"}), token.ErrIssuer},
		"the issuer in upper case":        {good.with(object{"iss": strings.ToUpper(issuer)}), token.ErrIssuer},
		"no issuer":                       {good.with(object{"iss": nil}), token.ErrMalformed}, // req 16
		"another audience (req 15)":       {good.with(object{"aud": "https://other.example"}), token.ErrAudience},
		"no audience (req 15)":            {good.with(object{"aud": nil}), token.ErrAudience},
		"audience null":                   {strings.Replace(asJSON(good.with(object{"aud": nil})), "{", `{"aud":null,`, 1), token.ErrMalformed},
		"an actor who is nobody":          {good.with(object{"act": object{}}), token.ErrMalformed},
		"an actor without a subject":      {good.with(object{"act": object{"sub": "", "client_id": "x"}}), token.ErrMalformed},
		"an actor in the other case":      {good.with(object{"act": object{"SUB": "support"}}), token.ErrMalformed},
		"a method that is null":           {good.with(object{"amr": []any{nil}}), token.ErrMalformed},
		"a member without a name":         {good.with(object{"": 1}), nil},
		"a nameless member null":          {strings.Replace(asJSON(good), "{", `{"":null,`, 1), nil},
		"nbf null":                        {strings.Replace(asJSON(good), "{", `{"nbf":null,`, 1), token.ErrMalformed},
		"scope null":                      {strings.Replace(asJSON(good), "{", `{"scope":null,`, 1), token.ErrMalformed},
		"data null":                       {strings.Replace(asJSON(good), "{", `{"data":null,`, 1), token.ErrMalformed},
		"nbf half a second too far":       {good.with(object{"nbf": float64(start.Unix()) + 5.5}), token.ErrNotYetValid},
		"nbf as far as the leeway":        {good.with(object{"nbf": float64(start.Unix()) + 5}), nil},
		"an empty audience array":         {good.with(object{"aud": []string{}}), token.ErrAudience},
		"an audience array with null":     {good.with(object{"aud": []any{nil, audience}}), token.ErrMalformed},
		"audience a number":               {good.with(object{"aud": 5}), token.ErrMalformed},
		"audience an object":              {good.with(object{"aud": object{"a": audience}}), token.ErrMalformed},
		"the audience's beginning":        {good.with(object{"aud": audience[:10]}), token.ErrAudience},
		"no subject (req 16)":             {good.with(object{"sub": nil}), token.ErrMalformed},
		"no jti (req 16)":                 {good.with(object{"jti": nil}), token.ErrMalformed},
		"no client_id (req 16)":           {good.with(object{"client_id": nil}), token.ErrMalformed},
		"no iat (req 16)":                 {good.with(object{"iat": nil}), token.ErrMalformed},
		"no exp (req 16)":                 {good.with(object{"exp": nil}), token.ErrMalformed},
		"no ist":                          {good.with(object{"ist": nil}), token.ErrMalformed},
		"exp null (req 18)":               {strings.Replace(asJSON(good.with(object{"exp": nil})), "{", `{"exp":null,`, 1), token.ErrMalformed},
		"exp 0 (req 18)":                  {good.with(object{"exp": 0}), token.ErrMalformed},
		"exp a string (req 18)":           {good.with(object{"exp": fmt.Sprint(start.Add(time.Minute).Unix())}), token.ErrMalformed},
		"exp negative (req 18)":           {good.with(object{"exp": -1}), token.ErrMalformed},
		"exp huge (req 18)":               {good.with(object{"exp": 1e300}), token.ErrMalformed},
		"exp beyond a double (req 18)":    {strings.Replace(asJSON(good.with(object{"exp": nil})), "{", `{"exp":1e999,`, 1), token.ErrMalformed},
		"exp NaN (req 18)":                {strings.Replace(asJSON(good.with(object{"exp": nil})), "{", `{"exp":NaN,`, 1), token.ErrMalformed},
		"exp after a thousand years":      {good.with(object{"exp": start.Unix() + 1000*365*86400}), token.ErrMalformed}, // req 65
		"a life above the limit (req 65)": {good.with(object{"exp": start.Add(token.MaxTTL).Unix() + 1}), token.ErrMalformed},
		"it ends before it begins":        {good.with(object{"exp": start.Unix() - 1}), token.ErrMalformed},
		"ist with a fraction":             {good.with(object{"ist": 1.5}), token.ErrMalformed},
		"ist beyond 2^53":                 {good.with(object{"ist": int64(1) << 53}), token.ErrMalformed},
		"sub twice (req 9)":               {strings.Replace(asJSON(good), "{", `{"sub":"mallory",`, 1), token.ErrMalformed},
		"sub and SUB":                     {good.with(object{"SUB": "mallory"}), nil},                              // one is a claim, the other a stranger
		"a subject that is not UTF-8":     {strings.Replace(asJSON(good), "alice", "\xff", 1), token.ErrMalformed}, // req 10
		"data that is no object":          {good.with(object{"data": []int{1}}), token.ErrMalformed},
		"bound to a key":                  {good.with(object{"cnf": object{"jkt": "x"}}), token.ErrBound}, // req 79
		"bound to nothing":                {strings.Replace(asJSON(good), "{", `{"cnf":null,`, 1), token.ErrMalformed},
		"no JSON at all":                  {"hello", token.ErrMalformed},
		"a JSON array":                    {"[]", token.ErrMalformed},
		"deeply nested":                   {good.with(object{"x": nested(2000)}), nil},
		"an early date":                   {good.with(object{"iat": start.Unix() + 6, "exp": start.Unix() + 60}), token.ErrNotYetValid},
		"an early date within the leeway": {good.with(object{"iat": start.Unix() + 5, "exp": start.Unix() + 60}), nil},
		"nbf ahead":                       {good.with(object{"nbf": start.Unix() + 6}), token.ErrNotYetValid}, // req 17
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify(v, forge(t, k, goodHeader(k), test.payload))
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				if got.Subject() != "alice" {
					t.Errorf("subject %q", got.Subject())
				}
				return
			}
			wantErr(t, got, err, test.want)
		})
	}
}

func TestTimeHoldsAtEveryCheck(t *testing.T) { // req 17
	k := newKey(t, keys.ES256)
	now := start
	v := verifier(t, token.VerifierConfig{Keys: k, Now: func() time.Time { return now }})
	raw := issue(t, k, token.Claims{})
	got, err := verify(v, raw)
	if err != nil {
		t.Fatal(err)
	}
	now = start.Add(10*time.Minute + 5*time.Second - time.Nanosecond)
	if err := v.Recheck(got); err != nil {
		t.Errorf("just before the end of the leeway: %v", err)
	}
	now = now.Add(time.Nanosecond)
	_, err = verify(v, raw)
	wantErr(t, nil, err, token.ErrExpired)
	wantErr(t, nil, v.Recheck(got), token.ErrExpired)
	strict := verifier(t, token.VerifierConfig{Keys: k, Leeway: -1, Now: func() time.Time { return start.Add(10 * time.Minute) }})
	_, err = verify(strict, raw)
	wantErr(t, nil, err, token.ErrExpired)
}

func TestABadSignatureIsThatAndNothingElse(t *testing.T) {
	k, other := newKey(t, keys.ES256), newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k, Now: func() time.Time { return start.Add(time.Hour) }})
	// CVE-2024-51744: expired as well, and must not be taken for "only expired".
	expired := forge(t, other, goodHeader(k), goodPayload())
	got, err := verify(v, expired)
	wantErr(t, got, err, token.ErrSignature)

	v = verifier(t, token.VerifierConfig{Keys: k})
	raw := issue(t, k, token.Claims{})
	cut := strings.LastIndexByte(raw, '.')
	body, signature := raw[:cut], raw[cut+1:]
	b, _ := base64.RawURLEncoding.DecodeString(signature)
	for name, s := range map[string][]byte{
		"all zero": make([]byte, 64), "one byte short": b[:63], "one byte long": append(b[:64:64], 0), "one byte": {1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify(v, body+"."+base64.RawURLEncoding.EncodeToString(s))
			wantErr(t, got, err, token.ErrSignature)
		})
	}
}

func TestThePublicKeyIsNoSecret(t *testing.T) { // req 5, CVE-2026-33322
	k := newKey(t, keys.ES256)
	pem, err := k.Private.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	v := verifier(t, token.VerifierConfig{Keys: k})
	for name, secret := range map[string][]byte{"PEM": pem, "JWK": k.Private.Public().JWK(), "kid": []byte(k.ID()), "empty": nil} {
		t.Run(name, func(t *testing.T) {
			signed := strings.TrimSuffix(forge(t, k, goodHeader(k).with(object{"alg": "HS256"}), goodPayload()), "")
			signed = signed[:strings.LastIndexByte(signed, '.')]
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(signed))
			got, err := verify(v, signed+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
			wantErr(t, got, err, token.ErrSignature)
		})
	}
}

func TestOneTokenHasOneSpelling(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	raw := issue(t, k, token.Claims{})
	parts := strings.Split(raw, ".")
	lastBit := func(s string) string { // another last character that decodes to the same bytes
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		return s[:len(s)-1] + string(alphabet[strings.IndexByte(alphabet, s[len(s)-1])^1])
	}
	for name, spelling := range map[string]string{
		"empty":                          "", // CVE-2023-48312
		"a space":                        " ",
		"the word Bearer":                "Bearer",
		"a space behind":                 raw + " ",
		"a line end behind (req 6)":      raw + "\n",
		"a line end within (req 6)":      raw[:20] + "\r\n" + raw[20:],
		"padding (req 6)":                raw + "=",
		"another alphabet (req 6)":       strings.NewReplacer("-", "+", "_", "/").Replace(raw) + "/",
		"a last bit set (req 7)":         parts[0] + "." + parts[1] + "." + lastBit(parts[2]),
		"two parts":                      parts[0] + "." + parts[1],
		"four parts":                     raw + ".x",
		"five parts, a JWE (req 11)":     raw + "..",
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"no header":                      "." + parts[1] + "." + parts[2],
		"JSON serialization (req 6)":     `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"a NUL":                          raw + "\x00",
		"something that is not ASCII":    raw + "é",
		"longer than the limit (req 20)": raw + strings.Repeat("A", token.MaxSize),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify(v, spelling)
			wantErr(t, got, err, token.ErrMalformed)
		})
	}
}

func TestHostileInputIsCutOffBeforeAllocation(t *testing.T) { // req 20, CVE-2025-30204
	v := verifier(t, token.VerifierConfig{Keys: newKey(t, keys.ES256)})
	for name, raw := range map[string]string{
		"a mebibyte of dots":    strings.Repeat(".", 1<<20),
		"8 KiB of dots":         strings.Repeat(".", token.MaxSize),
		"a mebibyte of letters": strings.Repeat("A", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(10, func() { verify(v, raw) }); n != 0 {
				t.Errorf("%v allocations, want none", n)
			}
		})
	}
}

func TestKeysThatCannotBeHadAreNotUnknown(t *testing.T) {
	k := newKey(t, keys.ES256)
	raw := issue(t, k, token.Claims{})
	got, err := verify(verifier(t, token.VerifierConfig{Keys: broken{}}), raw)
	wantErr(t, got, err, token.ErrUnavailable)
}

// twoIssuers knows the same kid under two names, for two keys (CVE-2026-49998).
type twoIssuers struct{ ours, theirs key }

func (s twoIssuers) Public(iss, kid string) (*keys.Public, error) {
	if iss == issuer {
		return s.ours.Private.Public(), nil
	}
	return s.theirs.Private.Public(), nil
}

func TestAKeyIsLookedUpUnderItsIssuer(t *testing.T) { // req 14, 37
	set := twoIssuers{newKey(t, keys.ES256), newKey(t, keys.ES256)}
	v := verifier(t, token.VerifierConfig{Keys: set})
	header := goodHeader(set.ours).with(object{"kid": "shared"})
	got, err := verify(v, forge(t, set.theirs, header, goodPayload()))
	wantErr(t, got, err, token.ErrSignature)
	if _, err := verify(v, forge(t, set.ours, header, goodPayload())); err != nil {
		t.Error(err)
	}
}

func TestRevocations(t *testing.T) {
	k := newKey(t, keys.ES256)
	raw := issue(t, k, token.Claims{})
	list := &revocations{}
	now := start
	v := verifier(t, token.VerifierConfig{Keys: k, Revocations: list, Now: func() time.Time { return now }})

	got, err := verify(v, raw)
	wantErr(t, got, err, token.ErrStale) // req 63: never loaded

	list.asOf = start
	good, err := verify(v, raw)
	if err != nil {
		t.Fatal(err)
	}
	now = start.Add(time.Minute)
	if err := v.Recheck(good); err != nil {
		t.Errorf("as old as allowed: %v", err)
	}
	now = start.Add(time.Minute + 1)
	wantErr(t, nil, v.Recheck(good), token.ErrStale) // req 62
	if err := v.ServeStale(2 * time.Minute).Recheck(good); err != nil {
		t.Errorf("ServeStale: %v", err)
	}
	wantErr(t, nil, v.Recheck(good), token.ErrStale) // the original is as it was

	list.revoked = true
	wantErr(t, nil, v.Recheck(good), token.ErrRevoked) // known is known, however old
	got, err = verify(v.ServeStale(time.Hour), raw)
	wantErr(t, got, err, token.ErrRevoked)

	list.revoked, list.asOf = false, start.Add(time.Hour).Round(0) // the wall clock was set back
	now = start
	if err := v.Recheck(good); err != nil {
		t.Error(err)
	}
}

func TestRecheckSeesThatAKeyWasRemoved(t *testing.T) { // req 40, CVE-2025-22149
	k := newKey(t, keys.ES256)
	set := &removable{key: k}
	v := verifier(t, token.VerifierConfig{Keys: set})
	good, err := verify(v, issue(t, k, token.Claims{}))
	if err != nil {
		t.Fatal(err)
	}
	set.removed = true
	wantErr(t, nil, v.Recheck(good), token.ErrUnknownKey)
}

type removable struct {
	key
	removed bool
}

func (r *removable) Public(iss, kid string) (*keys.Public, error) {
	if r.removed {
		return nil, keys.ErrUnknown
	}
	return r.key.Public(iss, kid)
}

func TestASilentConfigurationIsRefused(t *testing.T) {
	k := newKey(t, keys.ES256)
	good := token.VerifierConfig{Issuer: issuer, Audience: audience, Keys: k, UntilExpiry: true}
	for name, test := range map[string]struct {
		change func(*token.VerifierConfig)
		field  string
	}{
		"no issuer":             {func(c *token.VerifierConfig) { c.Issuer = "" }, "Issuer"},
		"no audience":           {func(c *token.VerifierConfig) { c.Audience = "" }, "Audience"},
		"no keys":               {func(c *token.VerifierConfig) { c.Keys = nil }, "Keys"},
		"no word on revocation": {func(c *token.VerifierConfig) { c.UntilExpiry = false }, "UntilExpiry"},
		"both words":            {func(c *token.VerifierConfig) { c.Revocations = &revocations{} }, "UntilExpiry"},
		"a leeway of an hour":   {func(c *token.VerifierConfig) { c.Leeway = time.Hour }, "Leeway"},
		"MaxStale of a day":     {func(c *token.VerifierConfig) { c.MaxStale = 24 * time.Hour }, "MaxStale"},
		"MaxStale negative":     {func(c *token.VerifierConfig) { c.MaxStale = -1 }, "MaxStale"},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			test.change(&c)
			if v, err := token.NewVerifier(c); v != nil || err == nil || !strings.Contains(err.Error(), test.field) {
				t.Errorf("error %v, want one that names %s", err, test.field)
			}
		})
	}
	if _, err := token.NewVerifier(good); err != nil {
		t.Error(err)
	}
}

func TestVerifyIsSafeForManyGoroutines(t *testing.T) {
	k := newKey(t, keys.EdDSA)
	v := verifier(t, token.VerifierConfig{Keys: k})
	var c token.Claims
	c.SetData(object{"name": "Alice"})
	raw := issue(t, k, c)
	shared, err := verify(v, raw)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 8 {
		go func() {
			for range 20 {
				if _, err := v.Verify(context.Background(), raw); err != nil {
					done <- err
					return
				}
				if d, err := token.Data[struct {
					Name string `json:"name"`
				}](shared); err != nil || d.Name != "Alice" {
					done <- fmt.Errorf("data %+v, %v", d, err)
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func nested(depth int) any {
	v := any(1)
	for range depth {
		v = []any{v}
	}
	return v
}
