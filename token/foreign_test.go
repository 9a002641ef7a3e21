package token_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

func TestEachWaiverGivesUpOneThing(t *testing.T) {
	k := newKey(t, keys.ES256)
	jwt := goodHeader(k).with(object{"typ": "JWT"})
	good := goodPayload()
	day := good.with(object{"exp": start.Add(24 * time.Hour).Unix()})
	for name, test := range map[string]struct {
		header, payload object
		foreign         token.Foreign
		want            error // without the waiver
	}{
		"typ JWT":      {jwt, good, token.Foreign{TypeJWT: true}, token.ErrType},
		"no typ":       {goodHeader(k).with(object{"typ": nil}), good, token.Foreign{TypeJWT: true}, token.ErrType},
		"no ist":       {goodHeader(k), good.with(object{"ist": nil}), token.Foreign{WithoutStamp: true}, token.ErrMalformed},
		"no jti":       {goodHeader(k), good.with(object{"jti": nil}), token.Foreign{WithoutID: true}, token.ErrMalformed},
		"no client_id": {goodHeader(k), good.with(object{"client_id": nil}), token.Foreign{WithoutClientID: true}, token.ErrMalformed},
		"azp for it":   {goodHeader(k), good.with(object{"client_id": nil, "azp": "app"}), token.Foreign{WithoutClientID: true}, token.ErrMalformed},
		"a day's life": {goodHeader(k), day, token.Foreign{MaxTTL: 24 * time.Hour}, token.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			raw := forge(t, k, test.header, test.payload)
			got, err := verify(verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true, Foreign: test.foreign}), raw)
			if err != nil {
				t.Fatal(err)
			}
			if name == "azp for it" && got.ClientID() != "app" {
				t.Errorf("client %q", got.ClientID())
			}
			all := token.Foreign{TypeJWT: true, WithoutStamp: true, WithoutID: true, WithoutClientID: true, MaxTTL: 24 * time.Hour}
			for waiver, off := range map[string]func(*token.Foreign){
				"TypeJWT":         func(f *token.Foreign) { f.TypeJWT = false },
				"WithoutStamp":    func(f *token.Foreign) { f.WithoutStamp = false },
				"WithoutID":       func(f *token.Foreign) { f.WithoutID = false },
				"WithoutClientID": func(f *token.Foreign) { f.WithoutClientID = false },
				"MaxTTL":          func(f *token.Foreign) { f.MaxTTL = 0 },
			} {
				others := all
				off(&others)
				_, err := verify(verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true, Foreign: others}), raw)
				one := test.foreign
				off(&one)
				if needed := !reflect.DeepEqual(one, test.foreign); needed != (err != nil) {
					t.Errorf("without %s: %v", waiver, err)
				}
			}
			got, err = verify(verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true}), raw)
			wantErr(t, got, err, test.want)
		})
	}
}

func TestNoWaiverGivesUpMore(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true, Foreign: token.Foreign{
		TypeJWT: true, WithoutStamp: true, WithoutID: true, WithoutClientID: true, MaxTTL: 24 * time.Hour,
	}})
	header, good := goodHeader(k).with(object{"typ": "JWT"}), goodPayload().with(object{"ist": nil, "jti": nil, "client_id": nil})
	for name, test := range map[string]struct {
		header, payload object
		want            error
	}{
		"a logout token":       {header.with(object{"typ": "logout+jwt"}), good, token.ErrType},
		"a refused typ":        {header.with(object{"typ": "jwt+x"}), good, token.ErrType},
		"no kid":               {header.with(object{"kid": nil}), good, token.ErrMalformed},
		"another audience":     {header, good.with(object{"aud": "x"}), token.ErrAudience},
		"another issuer":       {header, good.with(object{"iss": "https://x.example"}), token.ErrIssuer},
		"no subject":           {header, good.with(object{"sub": nil}), token.ErrMalformed},
		"no exp":               {header, good.with(object{"exp": nil}), token.ErrMalformed},
		"no iat":               {header, good.with(object{"iat": nil}), token.ErrMalformed},
		"a stamp below zero":   {header, good.with(object{"ist": -5}), token.ErrMalformed},
		"a stamp as text":      {header, good.with(object{"ist": "5"}), token.ErrMalformed},
		"two days' life":       {header, good.with(object{"exp": start.Add(48 * time.Hour).Unix()}), token.ErrMalformed},
		"a key that binds it":  {header, good.with(object{"cnf": object{"jkt": "x"}}), token.ErrBound},
		"an actor, but nobody": {header, good.with(object{"act": object{}}), token.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify(v, forge(t, k, test.header, test.payload))
			wantErr(t, got, err, test.want)
		})
	}
}

// A token that says its issue to the second only is revoked with all of that second.
func TestATokenWithoutStampIsRevokedByTheSecond(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k, UntilExpiry: true, Foreign: token.Foreign{WithoutStamp: true}})
	got, err := verify(v, forge(t, k, goodHeader(k), goodPayload().with(object{"ist": nil, "iat": float64(start.Unix()) + 0.9})))
	if err != nil {
		t.Fatal(err)
	}
	if got.Stamp() != start.Unix()*1e6 {
		t.Errorf("stamp %d, want the beginning of the second", got.Stamp())
	}
}

func TestLongLivesExcludeRevocations(t *testing.T) {
	k := newKey(t, keys.ES256)
	for _, c := range []token.VerifierConfig{
		{Revocations: broken{}, Foreign: token.Foreign{MaxTTL: 2 * time.Hour}},
		{UntilExpiry: true, Foreign: token.Foreign{MaxTTL: 31 * 24 * time.Hour}},
		{UntilExpiry: true, Foreign: token.Foreign{MaxTTL: -time.Hour}},
		{UntilExpiry: true, Foreign: token.Foreign{MaxTTL: time.Second - 1}}, // no token lives so shortly
	} {
		c.Issuer, c.Audience, c.Keys = issuer, audience, k
		if _, err := token.NewVerifier(c); err == nil || !strings.Contains(err.Error(), "Foreign.MaxTTL") {
			t.Errorf("%v", err)
		}
	}
}
