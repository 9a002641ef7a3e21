package writtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

func TestAnIssuersTokenSaysWhatItWasToldTo(t *testing.T) {
	i := writtest.NewIssuer(t, writ.Config{Issuer: name})
	v := unitVerifier(t, i.VerifierConfig(api))
	got, err := v.Verify(t.Context(), i.Issue(writtest.Token{}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer() != name || got.Subject() != "user" || got.ClientID() != name || got.SessionID() == "" || got.AuthTime().IsZero() {
		t.Errorf("a token of which nothing was said: %v", got)
	}
	then := time.Now().Add(-time.Minute).Truncate(time.Second)
	got, err = v.Verify(t.Context(), i.Issue(writtest.Token{
		Claims:   token.Claims{Subject: "ada", SessionID: "s1", ClientID: "web", Scope: []string{"read"}, AuthTime: then, ACR: "gold"},
		IssuedAt: then,
		TTL:      2 * time.Minute,
		Payload:  map[string]any{"act": map[string]any{"sub": "support"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject() != "ada" || got.SessionID() != "s1" || got.ClientID() != "web" || !got.HasScope("read") || !got.AuthTime().Equal(then) ||
		got.ACR() != "gold" || got.Actor() != "support" || !got.IssuedAt().Equal(then) || !got.ExpiresAt().Equal(then.Add(2*time.Minute)) ||
		got.Stamp() != then.UnixMicro() {
		t.Errorf("a token of which all was said: %v", got)
	}
}

func TestEveryTokenThatIsNoGoodIsRefusedForItsReason(t *testing.T) {
	now := time.Now()
	another := thiefs(t)
	rsa, err := keys.Generate(keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	payload := func(name string, value any) map[string]any { return map[string]any{name: value} }
	i := writtest.NewIssuer(t, writ.Config{Issuer: name})
	verifiers := map[string]verifier{
		"a Verifier": unitVerifier(t, i.VerifierConfig(api)),
		"a Manager":  i.Manager,
		"a Follower": follow(t, i.FollowConfig(api)),
	}
	for what, test := range map[string]struct {
		token writtest.Token
		want  error
	}{
		"nothing is wrong":                      {writtest.Token{}, nil},
		"it expired":                            {writtest.Token{IssuedAt: now.Add(-time.Hour)}, token.ErrExpired},
		"it expired early":                      {writtest.Token{IssuedAt: now.Add(-2 * time.Minute), TTL: time.Minute}, token.ErrExpired},
		"its time is to come":                   {writtest.Token{IssuedAt: now.Add(time.Hour)}, token.ErrNotYetValid},
		"it lives too long":                     {writtest.Token{TTL: 2 * time.Hour}, token.ErrMalformed},
		"it is for somebody else":               {writtest.Token{Audience: "https://other.example"}, token.ErrAudience},
		"another signed it":                     {writtest.Token{Key: another}, token.ErrSignature},
		"another signed it, with another alg":   {writtest.Token{Key: rsa}, token.ErrSignature},
		"it is not signed, by its header":       {writtest.Token{Header: payload("alg", "none")}, token.ErrSignature},
		"its alg is for a shared secret":        {writtest.Token{Header: payload("alg", "HS256")}, token.ErrSignature},
		"it has no kid":                         {writtest.Token{Header: payload("kid", nil)}, token.ErrMalformed},
		"it is of another type":                 {writtest.Token{Header: payload("typ", "JWT")}, token.ErrType},
		"it is of no type":                      {writtest.Token{Header: payload("typ", nil)}, token.ErrType},
		"it has a header that must be known":    {writtest.Token{Header: payload("crit", []string{"exp"})}, token.ErrMalformed},
		"another issuer's name is in it":        {writtest.Token{Payload: payload("iss", "https://evil.example")}, token.ErrIssuer},
		"it has no ist":                         {writtest.Token{Payload: payload("ist", nil)}, token.ErrMalformed},
		"it has no exp":                         {writtest.Token{Payload: payload("exp", nil)}, token.ErrMalformed},
		"its exp is a text":                     {writtest.Token{Payload: payload("exp", "tomorrow")}, token.ErrMalformed},
		"it is bound to a key":                  {writtest.Token{Payload: payload("cnf", map[string]string{"jkt": "x"})}, token.ErrBound},
		"all is said twice, the Payload counts": {writtest.Token{Audience: "https://other.example", Payload: payload("aud", api)}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			raw := i.Issue(test.token)
			for who, v := range verifiers {
				want(t, who, verdict(t, v, raw), test.want)
			}
		})
	}
}

// A verifier that reads no network knows that there is no such key. One that follows has to ask first.
func TestAKeyThatTheIssuerDoesNotHave(t *testing.T) {
	i := writtest.NewIssuer(t, writ.Config{})
	k := thiefs(t)
	raw := i.Issue(writtest.Token{Key: k, Header: map[string]any{"kid": k.Public().ID()}})
	want(t, "a Verifier", verdict(t, unitVerifier(t, i.VerifierConfig(api)), raw), token.ErrUnknownKey)
	f := follow(t, i.FollowConfig(api))
	want(t, "a Follower that has not asked", verdict(t, f, raw), token.ErrUnavailable)
	soon(t, "the Follower has asked", func() bool { return errors.Is(verdict(t, f, raw), token.ErrUnknownKey) })
}

func TestTokensAsOtherIssuersMakeThem(t *testing.T) { // req 60
	keycloak := writtest.Token{
		Header: map[string]any{"typ": "JWT"},
		Payload: map[string]any{
			"iss": nil, "aud": []string{api, "account"}, "ist": nil, "client_id": nil, "azp": "web", "typ": "Bearer",
			"realm_access": map[string]any{"roles": []string{"notes"}},
		},
	}
	auth0 := writtest.Token{
		TTL:     24 * time.Hour,
		Header:  map[string]any{"typ": "JWT"},
		Payload: map[string]any{"iss": nil, "ist": nil, "jti": nil, "sid": nil, "client_id": nil, "azp": "mU3rW9xK2pQ7"},
	}
	for what, test := range map[string]struct {
		token   writtest.Token
		path    string
		foreign token.Foreign
		client  string
	}{
		"Keycloak": {keycloak, "/realms/demo", token.Foreign{TypeJWT: true, WithoutStamp: true, WithoutClientID: true}, "web"},
		"Auth0": {auth0, "/", token.Foreign{
			TypeJWT: true, WithoutStamp: true, WithoutID: true, WithoutClientID: true, MaxTTL: 24 * time.Hour,
		}, "mU3rW9xK2pQ7"},
	} {
		t.Run(what, func(t *testing.T) {
			i := writtest.NewIssuer(t, writ.Config{Issuer: name + test.path})
			test.token.Payload["iss"] = i.URL
			raw := i.Issue(test.token)
			c := i.FollowConfig(api)
			c.UntilExpiry = true
			want(t, "without Foreign", verdict(t, follow(t, c), raw), token.ErrType)
			c.Foreign = test.foreign
			v, err := follow(t, c).Verify(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if v.Issuer() != name+test.path || v.ClientID() != test.client {
				t.Errorf("issuer %s, client %s", v.Issuer(), v.ClientID())
			}
			if i.Requests(test.path+"/.well-known/jwks.json")+i.Requests("/.well-known/jwks.json") == 0 {
				t.Error("nobody asked for the key set")
			}
		})
	}
}
