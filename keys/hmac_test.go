package keys_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
)

func secretOf(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// req 25
func TestASecretAsLongAsTheHashIsTaken(t *testing.T) {
	for _, a := range hmacs {
		size := signatureSizes[a.Name()]
		for _, n := range []int{size, size + 1, 200, 1024} {
			secret := secretOf(n)
			k, err := keys.FromSecret(a, secret)
			if err != nil {
				t.Errorf("%s, %d bytes: %v", a.Name(), n, err)
				continue
			}
			sum := sha256.Sum256([]byte(`{"k":"` + encode(secret) + `","kty":"oct"}`)) // req 33
			if k.ID() != encode(sum[:]) || k.Public().ID() != k.ID() {
				t.Errorf("%s: the kid is not the thumbprint", a.Name())
			}
			clear(secret)
			jwk, err := k.CleartextJWK()
			check(t, err)
			if again, err := keys.ParsePrivateJWK(a, jwk); err != nil || again.ID() != k.ID() {
				t.Errorf("%s: the caller changed the key's secret", a.Name())
			}
		}
		for _, n := range []int{0, 1, size - 1, 1025} {
			if _, err := keys.FromSecret(a, secretOf(n)); err == nil {
				t.Errorf("%s: a secret of %d bytes: accepted", a.Name(), n)
			}
		}
	}
}

func TestSecretsThatAreRefused(t *testing.T) {
	ec, rsa := generate(t, keys.ES256), generate(t, keys.RS256)
	publicPEM, err := rsa.Public().PEM()
	check(t, err)
	privatePEM, err := ec.CleartextPEM()
	check(t, err)
	block, _ := pem.Decode(publicPEM)
	ecBlock, _ := pem.Decode(privatePEM)
	var ecJWK struct{ X, Y string }
	check(t, json.Unmarshal(ec.Public().JWK(), &ecJWK))
	pkcs1 := x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey)
	for name, secret := range map[string][]byte{
		"a public key in PEM: req 5":        publicPEM,
		"... after white space: req 5":      append([]byte("\n "), publicPEM...),
		"... after a comment: req 5":        append([]byte("# key\n"), publicPEM...),
		"... without line ends: req 5":      bytes.ReplaceAll(publicPEM, []byte("\n"), nil),
		"a private key in PEM":              privatePEM,
		"a public JWK: req 5":               ec.Public().JWK(),
		"a JWK after white space: req 5":    append([]byte("\n "), ec.Public().JWK()...),
		"a JWK set: req 5":                  append(append([]byte(`{"keys":[`), ec.Public().JWK()...), "]}"...),
		"a public key in DER: req 5":        block.Bytes,
		"... in base64: req 5":              []byte(base64.StdEncoding.EncodeToString(block.Bytes)),
		"a public key in PKCS #1: req 5":    pkcs1,
		"a private key in DER":              ecBlock.Bytes,
		"the point of a public key: req 5":  append(append([]byte{4}, decode(t, ecJWK.X)...), decode(t, ecJWK.Y)...),
		"a public key of SSH: req 5":        []byte("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDJ3k8vYwq2F0mXz test@example"),
		"a public key of SSH, ECDSA: req 5": []byte("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTY"),
		"a placeholder":                     []byte("changeme-7f3aQ9zXw2LkPv5TtBq8GJb0cQv1rT5mXzN3uYw7eKp2LsHd9f"),
		"a word, again and again":           bytes.Repeat([]byte("k7Gq"), 16),
		"zeros":                             make([]byte, 64),
		"a sequence":                        []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"),
	} {
		if k, err := keys.FromSecret(keys.HS256, secret); err == nil || k != nil {
			t.Errorf("%s: accepted", name)
		} else if len(secret) > 20 && strings.Contains(err.Error(), string(secret)) { // req 100
			t.Errorf("%s: the error holds it", name)
		}
	}
	for _, a := range append(asymmetric, nil) {
		if k, err := keys.FromSecret(a, secretOf(64)); err == nil || k != nil {
			t.Errorf("a secret for %v: accepted", a)
		}
	}
}

// req 5: no way leads from a public key to an HMAC secret.
func TestAPublicKeyNeverBecomesASymmetricOne(t *testing.T) {
	for _, a := range asymmetric {
		k := generate(t, a)
		publicPEM, err := k.Public().PEM()
		check(t, err)
		privatePEM, err := k.CleartextPEM()
		check(t, err)
		privateJWK, err := k.CleartextJWK()
		check(t, err)
		unlabelled := bytes.Replace(k.Public().JWK(), []byte(`"alg":"`+a.Name()+`",`), nil, 1)
		for _, h := range hmacs {
			_, fromPEM := keys.ParsePEM(h, publicPEM)
			_, fromJWK := keys.ParseJWK(h, k.Public().JWK())
			_, fromUnlabelled := keys.ParseJWK(h, unlabelled)
			_, fromPrivatePEM := keys.ParsePrivatePEM(h, privatePEM)
			_, fromPrivateJWK := keys.ParsePrivateJWK(h, privateJWK)
			_, fromMarshal := h.MarshalJWK([]byte("key"))
			verify := h.Verify(publicPEM, []byte("m"), make([]byte, 32))
			for i, err := range []error{fromPEM, fromJWK, fromUnlabelled, fromPrivatePEM, fromPrivateJWK, fromMarshal, verify} {
				if err == nil {
					t.Errorf("%s for %s: way %d is open", a.Name(), h.Name(), i)
				}
			}
		}
	}
}

func TestPrivateJWKsOfSymmetricKeys(t *testing.T) {
	k := encode(secretOf(32))
	good := `{"kty":"oct","k":"` + k + `"}`
	for name, c := range map[string]struct {
		jwk  string
		good bool
	}{
		"kty and k":                {good, true},
		"its alg":                  {with(good, `"alg":"HS256"`), true},
		"key_ops sign, verify":     {with(good, `"key_ops":["sign","verify"],"use":"sig"`), true},
		"another alg: req 3":       {with(good, `"alg":"HS512"`), false},
		"alg none: req 4":          {with(good, `"alg":"none"`), false},
		"use enc: req 29":          {with(good, `"use":"enc"`), false},
		"key_ops verify: req 29":   {with(good, `"key_ops":["verify"]`), false},
		"31 bytes: req 25":         {`{"kty":"oct","k":"` + encode(secretOf(31)) + `"}`, false},
		"an empty k: req 25":       {`{"kty":"oct","k":""}`, false},
		"no k":                     {`{"kty":"oct"}`, false},
		"another kty":              {strings.Replace(good, "oct", "OKP", 1), false},
		"padding":                  {strings.Replace(good, k, k+"=", 1), false},
		"a member of another type": {with(good, `"d":"AAAA"`), false},
		"k twice":                  {with(good, `"k":"`+k+`"`), false},
		"50,000 bytes":             {`{"kty":"oct","k":"` + strings.Repeat(k[:40], 1200) + `"}`, false},
	} {
		p, err := keys.ParsePrivateJWK(keys.HS256, []byte(c.jwk))
		if (err == nil) != c.good || (p != nil) != c.good {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && strings.Contains(err.Error(), k) { // req 100
			t.Errorf("%s: the error holds the secret", name)
		}
		if s, err := keys.HS256.(keys.Exporter).ParsePrivateJWK([]byte(c.jwk)); (err == nil) != (s != nil) {
			t.Errorf("%s: a key with an error", name)
		}
		if _, err := keys.ParseJWK(keys.HS256, []byte(c.jwk)); err == nil {
			t.Errorf("%s: accepted as a public key", name)
		}
	}
}

// req 32
func TestASymmetricKeyHasNoPublicForm(t *testing.T) {
	for _, a := range algorithms {
		k := generate(t, a).Public()
		block, err := k.PEM()
		if symmetric := k.Symmetric(); symmetric != isHMAC(a) || symmetric != (k.JWK() == nil) || symmetric != (err != nil) || symmetric != (block == nil) {
			t.Errorf("%s: symmetric %t, PEM: %v", a.Name(), symmetric, err)
		}
	}
	for _, a := range hmacs {
		k := generate(t, a)
		if _, err := k.CleartextPEM(); err == nil {
			t.Errorf("%s: there is no such PEM", a.Name())
		}
		jwk, err := k.CleartextJWK()
		check(t, err)
		again, err := keys.ParsePrivateJWK(a, jwk)
		check(t, err)
		sig, err := k.Sign([]byte("m"))
		check(t, err)
		if again.ID() != k.ID() || again.Public().Verify([]byte("m"), sig) != nil {
			t.Errorf("%s: another key came back", a.Name())
		}
	}
}

func TestManyVerifyWithOneSymmetricKey(t *testing.T) {
	k := generate(t, keys.HS256)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			message := bytes.Repeat([]byte{byte(worker)}, 100+worker)
			for range 200 {
				sig, err := k.Sign(message)
				if err != nil || k.Public().Verify(message, sig) != nil || k.Public().Verify(message[1:], sig) == nil {
					t.Error("two mixed their states")
					return
				}
			}
		})
	}
	group.Wait()
}

func TestARingOfSymmetricKeys(t *testing.T) {
	for kept, configure := range map[string]func(*keys.Config){"sealed": func(*keys.Config) {}, "in clear": inClear} {
		for _, a := range hmacs {
			t.Run(a.Name()+" "+kept, func(t *testing.T) {
				r, c := newRing(t, func(c *keys.Config) { configure(c); c.Algorithm = a })
				k, err := r.Signing()
				check(t, err)
				sig, err := k.Sign([]byte("m"))
				check(t, err)
				again := reopen(t, keys.Config{Issuer: issuer, Vault: c.Vault, Wrapper: c.Wrapper, InClear: c.InClear})
				p, err := again.Public(issuer, k.ID())
				check(t, err)
				check(t, p.Verify([]byte("m"), sig))
				if set := again.Publics(); len(set) != 1 || !set[0].Symmetric() || set[0] != p {
					t.Error("Publics does not have it")
				}

				doc, _, err := c.Vault.Load(t.Context())
				check(t, err)
				if !c.InClear {
					for _, secret := range secretsOf(t, k) {
						assertAbsent(t, string(doc), secret)
					}
				}
				ring, _ := ringOf(t, c, func(object) {})
				var public struct {
					Keys []struct{ Public map[string]string }
				}
				check(t, json.Unmarshal(ring, &public))
				if m := public.Keys[0].Public; len(m) != 3 || m["kty"] != "oct" || m["kid"] != k.ID() || m["alg"] != a.Name() {
					t.Error("public is not alg, kid and kty alone")
				}

				info, err := keys.Inspect(t.Context(), c.Vault, time.Now())
				check(t, err)
				seen := info.Keys[0].Public
				if seen.ID() != k.ID() || !seen.Symmetric() || seen.JWK() != nil || seen.Verify([]byte("m"), sig) == nil {
					t.Error("Inspect has no secret, so its key is a name only")
				}
			})
		}
	}
}

func TestRingsOfSymmetricKeysThatAreRefused(t *testing.T) {
	for kept, configure := range map[string]func(*keys.Config){"sealed": func(*keys.Config) {}, "in clear": inClear} {
		hs256 := func(c *keys.Config) { configure(c); c.Algorithm = keys.HS256 }
		_, good := newRing(t, hs256)
		_, second := newRing(t, hs256)
		for name, change := range map[string]func(doc, other object){
			"wiped":                      func(d, _ object) { without(firstKey(d), "private", "private_in_clear") },
			"wiped, beside another":      func(d, o object) { without(firstKey(d), "private", "private_in_clear"); add(d, firstKey(o)) },
			"another's secret":           func(d, o object) { copyPrivate(firstKey(d), firstKey(o)) },
			"another's name":             func(d, o object) { firstKey(d)["public"] = firstKey(o)["public"] },
			"another's name and kid":     func(d, o object) { k := firstKey(o); firstKey(d)["public"], firstKey(d)["kid"] = k["public"], k["kid"] },
			"another algorithm: req 3":   func(d, _ object) { firstKey(d)["alg"] = "HS512" },
			"another alg, twice: req 3":  func(d, _ object) { k := firstKey(d); k["alg"], k["public"].(object)["alg"] = "HS384", "HS384" },
			"an asymmetric alg: req 5":   func(d, _ object) { k := firstKey(d); k["alg"], k["public"].(object)["alg"] = "ES256", "ES256" },
			"no kid in public":           func(d, _ object) { delete(firstKey(d)["public"].(object), "kid") },
			"a kid that is no digest":    func(d, _ object) { k := firstKey(d); k["kid"], k["public"].(object)["kid"] = "x", "x" },
			"a secret in public: req 32": func(d, _ object) { firstKey(d)["public"].(object)["k"] = "AAAA" },
			"no kty":                     func(d, _ object) { delete(firstKey(d)["public"].(object), "kty") },
		} {
			var other object
			documentOf(t, second, func(doc object) { other = doc })
			c := good
			c.Vault = stored(documentOf(t, good, func(doc object) { change(doc, other) }))
			if r, err := keys.Open(context.Background(), c); err == nil || r != nil {
				t.Errorf("%s, %s: accepted", name, kept)
			}
		}
	}
}
