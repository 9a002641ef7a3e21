package keys_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

// testSecret is a test secret, of no use elsewhere.
const testSecret = "q8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f"

func wrapper(t testing.TB) keys.Wrapper {
	t.Helper()
	w, err := keys.Secret([]byte(testSecret))
	check(t, err)
	return w
}

// req 99
func TestSecretsThatAreNotRandomAreRefused(t *testing.T) {
	sequence := make([]byte, 32)
	for i := range sequence {
		sequence[i] = byte(i)
	}
	for name, secret := range map[string]string{
		"empty":                   "",
		"31 bytes":                testSecret[:31],
		"32 zero bytes":           strings.Repeat("\x00", 32),
		"one letter":              strings.Repeat("a", 64),
		"one word over and over":  strings.Repeat("hunter2-hunting", 4),
		"a key doubled":           strings.Repeat("0123456789abcdef", 2),
		"seven letters":           "abacabadabacabaeabacabadabacabafx",
		"a sequence":              string(sequence),
		"the alphabet":            "abcdefghijklmnopqrstuvwxyz0123456789",
		"changeme":                "changeme-changeme-please-change-me!",
		"CHANGE_ME in the middle": "x7Gq-CHANGE_ME-before-going-live-9z",
		"your secret here":        "<your-secret-goes-here-32-chars-min>",
		"a password":              "my very long Password for sessions 1",
		"REPLACE_WITH":            "REPLACE_WITH_OUTPUT_OF_OPENSSL_RAND",
		"your 256 bit secret":     "your-256-bit-secret-goes-right-here",
		"in brackets":             "<openssl rand -base64 32 output here>",
		"in brackets, in words":   "<thirty-two bytes from your vault go here>",
		"a command":               "$(openssl rand -base64 32 | tr -d =)",
		"another command":         "$(head -c32 /dev/urandom | base64 -w0)",
		"a variable":              "${SESSIONS_WRIT_KEK_FROM_THE_VAULT}",
		"a template":              "{{ .Values.sessions.kek | b64enc }}",
		"not for production":      "dev-only-do-not-use-in-production!!",
		"zeros, then a sequence":  "00000000000000000000000012345678",
		"an a, over and over":     strings.Repeat("a", 25) + "bcdefgh",
		"a word, nearly repeated": "hunter2Ahunter2Bhunter2Chunter2D",
		"backwards":               "zyxwvutsrqponmlkjihgfedcba987654",
		"the keyboard":            "qwertyuiopasdfghjklzxcvbnm,.1234",
	} {
		if w, err := keys.Secret([]byte(secret)); err == nil || w != nil {
			t.Errorf("%s: accepted", name)
		} else if !strings.Contains(err.Error(), "openssl rand") || len(secret) > 0 && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error must name the remedy and not the secret", name)
		}
	}
	for name, secret := range map[string]string{
		"32 random characters": testSecret,
		"base64":               "8Kf+3yT1m0S7dVwq2u5nXz9bRjPcHsLgEaQ4oYhMiBk=",
		"hexadecimal":          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
	} {
		if _, err := keys.Secret([]byte(secret)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRandomSecretsAreAccepted draws from a fixed seed, so that it cannot fail by chance.
func TestRandomSecretsAreAccepted(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for range 5000 {
		var b [32]byte
		random.Read(b[:])
		for form, secret := range map[string]string{
			"32 bytes":                string(b[:]),
			"base64":                  base64.StdEncoding.EncodeToString(b[:]),
			"base64url":               base64.RawURLEncoding.EncodeToString(b[:]),
			"hexadecimal of 16 bytes": hex.EncodeToString(b[:16]),
			"hexadecimal":             hex.EncodeToString(b[:]),
		} {
			if _, err := keys.Secret([]byte(secret)); err != nil {
				t.Errorf("%s: %v", form, err)
			}
		}
	}
}

func TestSealing(t *testing.T) {
	ctx, w := context.Background(), wrapper(t)
	sealed, err := w.Wrap(ctx, []byte("plain"), []byte("ad"))
	check(t, err)
	if len(sealed) != 1+4+12+5+16 || sealed[0] != 1 || bytes.Contains(sealed, []byte("plain")) {
		t.Fatalf("sealed form of %d bytes, version %d", len(sealed), sealed[0])
	}
	if again, _ := w.Wrap(ctx, []byte("plain"), []byte("ad")); bytes.Equal(again, sealed) || !bytes.Equal(again[:5], sealed[:5]) {
		t.Error("sealing twice must differ in the nonce, not in the id of the key")
	}
	if got, err := wrapper(t).Unwrap(ctx, sealed, []byte("ad")); err != nil || string(got) != "plain" {
		t.Errorf("unsealed %q, %v", got, err)
	}

	other, err := keys.Secret([]byte("Zk3" + testSecret))
	check(t, err)
	_, err = other.Unwrap(ctx, sealed, []byte("ad"))
	if !errors.Is(err, keys.ErrOtherSecret) || !strings.Contains(err.Error(), "WRIT_SECRET") {
		t.Errorf("another secret: %v", err)
	}
	if _, err := w.Unwrap(ctx, sealed, []byte("da")); err == nil || errors.Is(err, keys.ErrOtherSecret) {
		t.Errorf("other additional data: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		_, err := w.Unwrap(ctx, bad, []byte("ad"))
		if err == nil {
			t.Errorf("byte %d altered: accepted", i)
		} else if other := i >= 1 && i < 5; errors.Is(err, keys.ErrOtherSecret) != other {
			t.Errorf("byte %d altered: %v", i, err)
		}
		if _, err := w.Unwrap(ctx, sealed[:i], []byte("ad")); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
}

// TestTheSealedFormIsFinal opens what the first version sealed.
func TestTheSealedFormIsFinal(t *testing.T) {
	got, err := wrapper(t).Unwrap(context.Background(), decode(t, sealedByV1), []byte("additional"))
	if err != nil || string(got) != "sealed by the first version" {
		t.Errorf("%q, %v", got, err)
	}
}

const sealedByV1 = "Af9_HWjnrvdkVvIHJs3f3Pn9guesRK8XVP5tkwl7YPMar7fSJIP7CR9AbCbFiENXwE41M3xgkjgVS756"

// req 99
func TestReadSecretFile(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []struct {
		name, content string
		mode          os.FileMode
		want          string // or
		err           string
	}{
		{"one line", testSecret + "\n", 0o600, testSecret, ""},
		{"no line end", testSecret, 0o400, testSecret, ""},
		{"a line end of Windows", testSecret + "\r\n", 0o600, testSecret, ""},
		{"only one line end goes", testSecret + "\n\n", 0o600, testSecret + "\n", ""},
		{"spaces stay", " " + testSecret + " \n", 0o600, " " + testSecret + " ", ""},
		{"the group may read", testSecret, 0o640, "", "chmod 600"},
		{"others may read", testSecret, 0o604, "", "chmod 600"},
		{"others may write", testSecret, 0o602, "", "chmod 600"},
		{"too short", testSecret[:31], 0o600, "", "openssl rand"},
		{"empty", "", 0o600, "", "openssl rand"},
		{"too long", strings.Repeat(testSecret, 200), 0o600, "", "cannot be the right file"},
	} {
		path := filepath.Join(dir, fmt.Sprint(i))
		check(t, os.WriteFile(path, []byte(c.content), 0o600))
		check(t, os.Chmod(path, c.mode))
		got, err := keys.ReadSecretFile(path)
		switch {
		case c.err == "":
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %v", c.name, err)
			}
		case err == nil || got != nil:
			t.Errorf("%s: accepted", c.name)
		case !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), testSecret[:31]):
			t.Errorf("%s: the error must name the path and the remedy %q and not the secret", c.name, c.err)
		}
	}
	if _, err := keys.ReadSecretFile(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v, want os.ErrNotExist", err)
	}
	if _, err := keys.ReadSecretFile(dir); err == nil {
		t.Error("a directory: accepted")
	}
}
