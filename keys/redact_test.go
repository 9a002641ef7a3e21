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
		jwk, err := k.CleartextJWK()
		check(t, err)
		d := string(jwk[bytes.Index(jwk, []byte(`"d":"`))+5:])[:43]
		type holder struct {
			k keys.Private
			p *keys.Private
		}
		var out bytes.Buffer
		for _, value := range []any{k, *k, []any{k, *k}, holder{*k, k}, &holder{*k, k}, map[string]any{"k": k}, struct{ K *keys.Private }{k}} {
			for _, verb := range verbs {
				fmt.Fprintf(&out, verb+"\n", value)
			}
			j, err := json.Marshal(value)
			check(t, err)
			out.Write(j)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", value)
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", value)
		}
		assertAbsent(t, out.String(), decode(t, d))
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
