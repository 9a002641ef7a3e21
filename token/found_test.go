package token_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// Expired tokens make room: with room for some thirty, ten generations of ten users each cost one
// check a user and generation.
func TestDeadTokensDoNotKeepLiveOnesOut(t *testing.T) {
	inBubble(t, token.VerifierConfig{CacheBytes: 64 << 10}, func(t *testing.T, w *world) {
		const users, generations = 10, 10
		for range generations {
			var raws [users]string
			for i := range raws {
				raws[i] = w.issue(t)
			}
			w.change(func() { w.revoked.asOf = time.Now() })
			for range 5 {
				for _, raw := range raws {
					if _, err := verify(w.verifier, raw); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second) // ristretto has them all by then
			}
			time.Sleep(12 * time.Minute)
			synctest.Wait()
		}
		if n := w.checks.Load(); n != users*generations {
			t.Errorf("%d signature checks, want %d", n, users*generations)
		}
	})
}

// An issuer puts another key behind a kid while a token under the old one is being checked.
func TestACheckIsSharedUnderOneKeyOnly(t *testing.T) {
	inBubble(t, token.VerifierConfig{}, func(t *testing.T, w *world) {
		good := w.issue(t)
		now := w.set[w.key.ID()]
		w.change(func() {
			w.set[w.key.ID()] = newKey(t, counted{keys.EdDSA, &w.checks, func() { time.Sleep(time.Second) }}).Private.Public()
		})
		var all sync.WaitGroup
		all.Go(func() { verify(w.verifier, good) }) // fails, under the key that is wrong now
		time.Sleep(100 * time.Millisecond)
		w.change(func() { w.set[w.key.ID()] = now })
		if _, err := verify(w.verifier, good); err != nil {
			t.Errorf("under the right key: %v", err)
		}
		all.Wait()
	})
}

type fragile struct{ ReadOnly bool }

func (*fragile) UnmarshalJSON([]byte) error { panic("a broken decoder") }

func TestDataThatCouldNotBeDecodedStaysAnError(t *testing.T) {
	k := newKey(t, keys.HS256)
	v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{Data: []byte(`{"ReadOnly":true}`)}))
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		token.Data[fragile](v)
	}()
	if data, err := token.Data[fragile](v); err == nil {
		t.Errorf("%+v and no error after a panic", data)
	}
}

func TestDataErrorsDoNotQuoteTheData(t *testing.T) { // req 100
	k := newKey(t, keys.HS256)
	v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{Data: []byte(`{"limits":{"bob@example.com":"canary"}}`)}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = token.Data[struct {
		Limits map[string]int `json:"limits"`
	}](v)
	if err == nil || strings.Contains(err.Error(), "bob") || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v", err)
	}
}

func TestAVerifiedPrintsItsNameOnly(t *testing.T) { // req 100
	k := newKey(t, keys.HS256)
	v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{Subject: "canary", SessionID: "s1", Data: []byte(`{"a":"canary"}`)}))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		if text := fmt.Sprintf(verb, v); strings.Contains(text, "canary") || !strings.Contains(text, v.ID()) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func TestAPairIsNotMarshalled(t *testing.T) {
	p := token.Pair{Access: "canary", Refresh: "canary"}
	var b bytes.Buffer
	for name, err := range map[string]error{
		"JSON": json.NewEncoder(&b).Encode(p), "XML": xml.NewEncoder(&b).Encode(p), "gob": gob.NewEncoder(&b).Encode(p),
	} {
		if err == nil || strings.Contains(b.String(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What no Verifier made opens nothing.
func TestAZeroVerifiedIsNothing(t *testing.T) {
	if v, ok := token.FromContext(token.NewContext(context.Background(), &token.Verified{})); ok || v != nil {
		t.Error("a zero Verified is taken for a token")
	}
	v := verifier(t, token.VerifierConfig{Keys: newKey(t, keys.HS256)})
	wantErr(t, nil, v.Recheck(&token.Verified{}), token.ErrInvalid)
	wantErr(t, nil, v.Recheck(nil), token.ErrInvalid)
}

func TestRecheckIsForTheSameIssuerAndAudience(t *testing.T) {
	k := newKey(t, keys.HS256)
	got, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{}))
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, nil, verifier(t, token.VerifierConfig{Keys: k, Audience: "https://other.example"}).Recheck(got), token.ErrAudience)
	wantErr(t, nil, verifier(t, token.VerifierConfig{Keys: k, Issuer: "https://other.example"}).Recheck(got), token.ErrIssuer)
}

// misleading fails with an error that is also a reason of package token.
type misleading struct{ key }

func (misleading) Public(string, string) (*keys.Public, error) {
	return nil, fmt.Errorf("cached: %w", token.ErrMalformed)
}
func (misleading) Signing() (*keys.Private, error) {
	return nil, fmt.Errorf("cached: %w", token.ErrExpired)
}

// silent returns neither a key nor an error.
type silent struct{}

func (silent) Public(string, string) (*keys.Public, error) { return nil, nil }
func (silent) Signing() (*keys.Private, error)             { return nil, nil }

func TestWhatBreaksIsNeverInvalid(t *testing.T) {
	k := newKey(t, keys.HS256)
	raw := issue(t, k, token.Claims{})
	for name, broken := range map[string]interface {
		token.KeySet
		token.SigningKey
	}{"misleading errors": misleading{k}, "no key and no error": silent{}} {
		got, err := verify(verifier(t, token.VerifierConfig{Keys: broken}), raw)
		wantErr(t, got, err, token.ErrUnavailable)
		_, err = newIssuer(t, broken).Issue(token.Claims{Subject: "a"}, start, start.Add(time.Minute), 1)
		if !errors.Is(err, token.ErrUnavailable) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: Issue says %v", name, err)
		}
	}
}

func TestNothingIsSignedThatNoVerifierAccepts(t *testing.T) {
	i := newIssuer(t, newKey(t, keys.HS256))
	claims := token.Claims{Subject: "a"}
	early, late := claims, claims
	early.AuthTime, late.AuthTime = time.Unix(-1, 0), time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC)
	for name, issue := range map[string]func() (string, error){
		"an auth_time before 1970": func() (string, error) { return i.Issue(early, start, start.Add(time.Minute), 1) },
		"an auth_time after 9999":  func() (string, error) { return i.Issue(late, start, start.Add(time.Minute), 1) },
		"issued at 0":              func() (string, error) { return i.Issue(claims, time.Unix(0, 0), time.Unix(60, 0), 1) },
		"a life that overflows":    func() (string, error) { return i.Issue(claims, start, start.Add(1).AddDate(1<<30, 0, 0), 1) },
		"a method of nothing": func() (string, error) {
			c := claims
			c.AMR = []string{""}
			return i.Issue(c, start, start.Add(time.Minute), 1)
		},
		"an expiry after the year 9999":  func() (string, error) { return i.Issue(claims, late.AuthTime, late.AuthTime.Add(time.Minute), 1) },
		"a stamp of nothing":             func() (string, error) { return i.Issue(claims, start, start.Add(time.Minute), 0) },
		"a stamp beyond exact doubles":   func() (string, error) { return i.Issue(claims, start, start.Add(time.Minute), 1<<53) },
		"a life of 2^55 seconds exactly": func() (string, error) { return i.Issue(claims, start, time.Unix(start.Unix()+1<<55, 0), 1) },
	} {
		if raw, err := issue(); err == nil || raw != "" || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCacheBytesHasBounds(t *testing.T) {
	for _, bytes := range []int64{1, 100, 1 << 62} {
		_, err := token.NewVerifier(token.VerifierConfig{Issuer: issuer, Audience: audience, Keys: silent{}, UntilExpiry: true, CacheBytes: bytes})
		if err == nil || !strings.Contains(err.Error(), "CacheBytes") {
			t.Errorf("%d: %v", bytes, err)
		}
	}
}

// The biggest claims are named, and what they hold is not.
func TestATokenThatIsTooLongNamesItsBiggestClaims(t *testing.T) {
	claims := token.Claims{Subject: "a", Scope: []string{strings.Repeat("s", 900)}}
	if err := claims.SetData(map[string]any{"permissions": strings.Repeat("canary", 1200), "name": "x"}); err != nil {
		t.Fatal(err)
	}
	_, err := newIssuer(t, newKey(t, keys.HS256)).Issue(claims, start, start.Add(time.Minute), 1)
	if err == nil || !strings.Contains(err.Error(), `"data.permissions" 7202 bytes, "scope" 902 bytes`) || strings.Contains(err.Error(), "canary") {
		t.Errorf("error is %v", err)
	}
}

// More tokens than stand among the newest: ristretto has them.
func TestManyTokensAreRemembered(t *testing.T) {
	inBubble(t, token.VerifierConfig{CacheBytes: 1 << 20}, func(t *testing.T, w *world) {
		raws := make([]string, 250)
		for round := range 3 {
			for i := range raws {
				if round == 0 {
					raws[i] = w.issue(t)
				}
				if _, err := verify(w.verifier, raws[i]); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := w.checks.Load(); n != int64(len(raws)) {
			t.Errorf("%d signature checks for %d tokens", n, len(raws))
		}
	})
}
