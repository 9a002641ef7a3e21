package keys_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%f", "%c", "%U", "%p"}

// req 100
func TestNothingPrintsAPrivateKey(t *testing.T) {
	ring, config := newRing(t, nil)
	for _, a := range algorithms {
		k := generate(t, a)
		type holder struct {
			k keys.Private
			p *keys.Private
		}
		type publics struct { // of a symmetric key it is as secret
			k keys.Public
			p *keys.Public
			v any
		}
		var out bytes.Buffer
		for _, value := range []any{
			k, *k, []any{k, *k}, holder{*k, k}, &holder{*k, k}, map[string]any{"k": k}, struct{ K *keys.Private }{k},
			k.Public(), *k.Public(), publics{*k.Public(), k.Public(), k.Public()}, &publics{v: *k.Public()}, struct{ K *keys.Public }{k.Public()},
		} {
			for _, verb := range verbs {
				fmt.Fprintf(&out, verb+"\n", value)
			}
			j, err := json.Marshal(value)
			check(t, err)
			out.Write(j)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", value)
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", value)
		}
		for _, secret := range secretsOf(t, k) {
			assertAbsent(t, out.String(), secret)
		}
		if !strings.Contains(out.String(), k.ID()) {
			t.Error("the kid is not printed")
		}
	}

	mac, err := ring.SigningMAC()
	check(t, err)
	var out bytes.Buffer
	for _, value := range []any{ring, config, config.Wrapper} {
		for _, verb := range verbs {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		j, _ := json.Marshal(value)
		out.Write(j)
	}
	wrapping, err := hkdf.Key(sha256.New, []byte(testSecret), nil, "writ 1 wrapping key", 32)
	check(t, err)
	assertAbsent(t, out.String(), wrapping)
	assertAbsent(t, out.String(), mac)
	assertAbsent(t, out.String(), []byte(testSecret))
}

// secretsOf are the private members of a key's JWK.
func secretsOf(t *testing.T, k *keys.Private) [][]byte {
	t.Helper()
	jwk, err := k.CleartextJWK()
	check(t, err)
	var members map[string]string
	check(t, json.Unmarshal(jwk, &members))
	var list [][]byte
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
		if text, ok := members[name]; ok {
			list = append(list, decode(t, text))
		}
	}
	if len(list) == 0 {
		t.Fatal("the JWK has no private member")
	}
	return list
}

// req 5, req 100: where a symmetric key travels as a crypto.Signer, it does not show either.
func TestASymmetricSignerPrintsRedacted(t *testing.T) {
	for _, a := range hmacs {
		s, err := a.Generate()
		check(t, err)
		k, err := keys.FromSigner(a, s)
		check(t, err)
		var out bytes.Buffer
		for _, value := range []any{s, s.Public(), struct{ s any }{s}, []any{s}} {
			for _, verb := range verbs {
				fmt.Fprintf(&out, verb+"\n", value)
			}
			j, err := json.Marshal(value)
			check(t, err)
			out.Write(j)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", value)
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", value)
		}
		for _, secret := range secretsOf(t, k) {
			assertAbsent(t, out.String(), secret)
		}
	}
}

// assertAbsent looks for key in the forms in which it could be printed, without printing it.
func assertAbsent(t *testing.T, text string, key []byte) {
	t.Helper()
	for _, form := range []string{
		string(key), hex.EncodeToString(key), encode(key), strings.Trim(fmt.Sprint(key), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key), "[]byte{"), "}"),
	} {
		if strings.Contains(text, form) {
			t.Fatal("a private key was printed")
		}
	}
}

// req 100
func TestErrorsDoNotHoldKeysOrSecrets(t *testing.T) {
	_, config := newRing(t, nil)
	other, err := keys.Secret([]byte("Zk3" + testSecret))
	check(t, err)
	config.Wrapper = other
	_, err = keys.Open(context.Background(), config)
	if err == nil {
		t.Fatal("opened with another secret")
	}
	assertAbsent(t, err.Error(), []byte(testSecret))
}
