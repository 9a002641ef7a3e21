package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// realm is how Keycloak says which roles a user has.
type realm struct {
	Roles []string `json:"roles"`
}

const rolesName = "https://app.example/roles"

func TestClaimsThatAreNamedAreKept(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k, Foreign: token.Foreign{
		Claims: []string{"realm_access", "permissions", rolesName, "level", "nothing", "absent", "Permissions"},
	}})
	got, err := verify(v, forge(t, k, goodHeader(k), goodPayload().with(object{
		"realm_access": object{"roles": []string{"offline_access", "notes"}, "more": 1}, "permissions": []string{"read:notes"}, rolesName: []string{"admin"},
		"level": int64(1<<53 + 1), "nothing": json.RawMessage("null"), "others": "x",
	})))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, "realm_access", realm{[]string{"offline_access", "notes"}})
	same(t, got, "permissions", []string{"read:notes"})
	same(t, got, rolesName, []string{"admin"})
	same(t, got, "level", int64(1<<53+1))
	same(t, got, "level", json.RawMessage("9007199254740993"))
	for _, name := range []string{"nothing", "absent", "Permissions"} {
		if value, err := token.Claim[[]string](got, name); !errors.Is(err, token.ErrNoClaim) || value != nil {
			t.Errorf("%s: %v, want ErrNoClaim", name, err)
		}
	}
	for _, name := range []string{"others", "sub", ""} {
		if value, err := token.Claim[any](got, name); err == nil || errors.Is(err, token.ErrNoClaim) || value != nil {
			t.Errorf("%q, which is not named: %v", name, err)
		}
	}
	if value, err := token.Claim[any](nil, "roles"); err == nil || errors.Is(err, token.ErrNoClaim) || value != nil {
		t.Errorf("of no token: %v", err)
	}
	wrong, err := token.Claim[[]int](got, "permissions")
	if err == nil || wrong != nil || strings.Contains(err.Error(), "notes") {
		t.Errorf("as what it is not: %v", err)
	}
}

func same[T any](t *testing.T, v *token.Verified, name string, want T) {
	t.Helper()
	if got, err := token.Claim[T](v, name); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, %v, want %v", name, got, err, want)
	}
}

// All requests that carry a token share what was made of it.
func TestAClaimIsTheCallersOwn(t *testing.T) {
	k := newKey(t, keys.ES256)
	names := []string{"roles"}
	v := verifier(t, token.VerifierConfig{Keys: k, Foreign: token.Foreign{Claims: names}})
	run(t, v)
	names[0] = "sub" // of no effect by now
	raw := forge(t, k, goodHeader(k), goodPayload().with(object{"roles": []string{"notes", "admin"}}))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			got, err := verify(v, raw)
			if err != nil {
				t.Error(err)
				return
			}
			same(t, got, "roles", []string{"notes", "admin"})
			text, err := token.Claim[json.RawMessage](got, "roles")
			if err != nil {
				t.Error(err)
				return
			}
			clear(text)
			roles, _ := token.Claim[[]string](got, "roles")
			slices.Sort(roles)
		})
	}
	all.Wait()
}

// What is kept beside them is refused as ever.
func TestClaimsChangeNothingElse(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k, Foreign: token.Foreign{Claims: []string{"roles"}}})
	for name, test := range map[string]struct {
		payload any
		want    error
	}{
		"no ist":                     {goodPayload().with(object{"roles": []string{}, "ist": nil}), token.ErrMalformed},
		"another audience":           {goodPayload().with(object{"roles": []string{}, "aud": "x"}), token.ErrAudience},
		"the claim twice":            {strings.Replace(asJSON(goodPayload()), "{", `{"roles":["notes"],"roles":["admin"],`, 1), token.ErrMalformed}, // req 9
		"a member of it twice":       {strings.Replace(asJSON(goodPayload()), "{", `{"roles":{"a":1,"a":2},`, 1), token.ErrMalformed},
		"a claim that is not UTF-8":  {strings.Replace(asJSON(goodPayload()), "{", "{\"roles\":\"\xff\",", 1), token.ErrMalformed}, // req 10
		"a claim that is cut in two": {strings.Replace(asJSON(goodPayload()), "{", `{"roles":[1,`, 1), token.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify(v, forge(t, k, goodHeader(k), test.payload))
			wantErr(t, got, err, test.want)
		})
	}
	got, err := verify(v, issue(t, k, token.Claims{})) // one of writ's own, which has no such claim
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Claim[any](got, "roles"); !errors.Is(err, token.ErrNoClaim) {
		t.Errorf("of writ's own: %v", err)
	}
}

func TestWhichNamesClaimsMayHave(t *testing.T) {
	k := newKey(t, keys.ES256)
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprint("canary", i)
	}
	for name, claims := range map[string][]string{
		"none":                  {""},
		"one of RFC 9068":       {"roles", "sub"},
		"one that binds":        {"cnf"},
		"one of writ":           {"ist"},
		"white space around it": {"canary "},
		"one twice":             {"canary", "roles", "canary"},
		"more than 32":          many,
	} {
		_, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: audience, Keys: k, UntilExpiry: true, Foreign: token.Foreign{Claims: claims}})
		if err == nil || !strings.Contains(err.Error(), "Foreign.Claims") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	verifier(t, token.VerifierConfig{Keys: k, Foreign: token.Foreign{Claims: many[:32]}})
}

// What is kept takes room, too: of 24 tokens of about 4 KiB each with it not all are remembered in 64 KiB.
func TestTheCacheCountsClaims(t *testing.T) {
	names := make([]string, 32)
	for i := range names {
		names[i] = fmt.Sprint("claim", i)
	}
	for name, test := range map[string]struct {
		foreign token.Foreign
		all     bool
	}{
		"without claims": {token.Foreign{}, true},
		"with them":      {token.Foreign{Claims: names}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, token.VerifierConfig{CacheBytes: 64 << 10, Foreign: test.foreign}, func(t *testing.T, w *world) {
				raws := make([]string, 24)
				for i := range raws {
					raws[i] = w.issue(t)
				}
				var checks int64
				for range 10 {
					checks = w.checks.Load()
					for _, raw := range raws {
						if _, err := verify(w.verifier, raw); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(time.Second)
				}
				if again := w.checks.Load() - checks; (again == 0) != test.all {
					t.Errorf("%d of 24 were checked again", again)
				}
			})
		})
	}
}
