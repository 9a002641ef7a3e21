package token_test

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// asked is a key set that remembers whom it was asked about.
type asked struct {
	key
	mu      sync.Mutex
	issuers map[string]bool
}

func (a *asked) Public(iss, kid string) (*keys.Public, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issuers[iss] = true
	return a.Private.Public(), nil
}

// CVE-2026-30223, CVE-2026-55669, GO-2026-5732: no mode of a Verifier leaves a claim unchecked, however
// often the token comes.
func TestEveryModeChecksEveryClaim(t *testing.T) {
	k := newKey(t, keys.HS256)
	list := &revocations{asOf: start}
	modes := map[string]*token.Verifier{
		"as it is":        verifier(t, token.VerifierConfig{Keys: k, Revocations: list}),
		"without a cache": verifier(t, token.VerifierConfig{Keys: k, Revocations: list, CacheBytes: -1}),
		"serving stale":   verifier(t, token.VerifierConfig{Keys: k, Revocations: list}).ServeStale(time.Hour),
		"until expiry":    verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true}),
		"most leeway":     verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true, Leeway: time.Minute}),
		"running":         verifier(t, token.VerifierConfig{Keys: k, Revocations: list}),
	}
	run(t, modes["running"])
	good := goodPayload()
	for name, test := range map[string]struct {
		payload object
		want    error
	}{
		"no audience":       {good.with(object{"aud": nil}), token.ErrAudience},
		"another audience":  {good.with(object{"aud": "https://other.example"}), token.ErrAudience},
		"no issuer":         {good.with(object{"iss": nil}), token.ErrMalformed},
		"another issuer":    {good.with(object{"iss": "https://other.example"}), token.ErrIssuer},
		"no expiry":         {good.with(object{"exp": nil}), token.ErrMalformed},
		"expired":           {good.with(object{"iat": start.Unix() - 600, "exp": start.Unix() - 61}), token.ErrExpired},
		"not yet valid":     {good.with(object{"nbf": start.Unix() + 61}), token.ErrNotYetValid},
		"issued in future":  {good.with(object{"iat": start.Unix() + 61}), token.ErrNotYetValid},
		"no issue date":     {good.with(object{"iat": nil}), token.ErrMalformed},
		"no subject":        {good.with(object{"sub": nil}), token.ErrMalformed},
		"no name":           {good.with(object{"jti": nil}), token.ErrMalformed},
		"no client":         {good.with(object{"client_id": nil}), token.ErrMalformed},
		"bound to a key":    {good.with(object{"cnf": object{"jkt": "x"}}), token.ErrBound},
		"no issue stamp":    {good.with(object{"ist": nil}), token.ErrMalformed},
		"too long a life":   {good.with(object{"exp": start.Unix() + 7200}), token.ErrMalformed},
		"a life of nothing": {good.with(object{"exp": start.Unix()}), token.ErrMalformed},
	} {
		raw := forge(t, k, goodHeader(k), test.payload)
		for mode, v := range modes {
			for range 3 {
				got, err := verify(v, raw)
				if err == nil {
					t.Fatalf("%s, %s: accepted", mode, name)
				}
				wantErr(t, got, err, test.want)
			}
		}
	}
	for mode, v := range modes {
		if _, err := verify(v, forge(t, k, goodHeader(k), good)); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// CVE-2026-32301: nothing that a token says of itself decides where its key comes from.
func TestATokenDoesNotChooseItsKeySet(t *testing.T) {
	set := &asked{key: newKey(t, keys.HS256), issuers: map[string]bool{}}
	v := verifier(t, token.VerifierConfig{Keys: set})
	for _, iss := range []string{"https://evil.example", "http://127.0.0.1:1", issuer} {
		verify(v, forge(t, set.key, goodHeader(set.key), goodPayload().with(object{"iss": iss})))
	}
	if got := fmt.Sprint(set.issuers); got != fmt.Sprint(map[string]bool{issuer: true}) {
		t.Errorf("asked for the keys of %s", got)
	}
}

// GO-2026-4703: there is no switch that turns verification off. A new one must be thought about here.
func TestTheOnlyWaiverIsNamed(t *testing.T) {
	c := reflect.TypeFor[token.VerifierConfig]()
	for i := range c.NumField() {
		if f := c.Field(i); f.Type.Kind() == reflect.Bool && f.Name != "UntilExpiry" {
			t.Errorf("VerifierConfig.%s is a switch that this test does not know", f.Name)
		}
	}
}

// CVE-2026-33496, GO-2022-0406, CVE-2026-71326: many users at once, each at first sight and again, and
// nobody is taken for another.
func TestNobodyIsTakenForAnother(t *testing.T) {
	k := newKey(t, keys.HS256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	run(t, v)
	const users = 40
	raws := make([]string, users)
	for i := range raws {
		raws[i] = issue(t, k, token.Claims{Subject: fmt.Sprint("user", i), Scope: []string{fmt.Sprint("scope", i)}})
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for round := range 500 {
				i := (round*7 + n) % users
				got, err := verify(v, raws[i])
				if err != nil {
					t.Error(err)
					return
				}
				other := fmt.Sprint("scope", (i+1)%users)
				if got.Subject() != fmt.Sprint("user", i) || !got.HasScope(fmt.Sprint("scope", i)) || got.HasScope(other) {
					t.Errorf("user%d is taken for %s", i, got.Subject())
					return
				}
			}
		})
	}
	all.Wait()
}
