package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/writ-go/writ/keys"
)

func TestKeysSurviveEveryFormat(t *testing.T) {
	for _, a := range asymmetric {
		k := generate(t, a)
		private, err := k.CleartextPEM()
		if err != nil {
			t.Fatal(err)
		}
		privateJWK, err := k.CleartextJWK()
		if err != nil {
			t.Fatal(err)
		}
		public, err := k.Public().PEM()
		if err != nil {
			t.Fatal(err)
		}
		sig, err := k.Sign([]byte("m"))
		if err != nil {
			t.Fatal(err)
		}
		var readers []*keys.Public
		p, err := keys.ParsePEM(a, append([]byte("\n"), public...))
		readers = append(readers, p)
		check(t, err)
		p, err = keys.ParseJWK(a, k.Public().JWK())
		readers = append(readers, p)
		check(t, err)
		s, err := keys.ParsePrivatePEM(a, private)
		check(t, err)
		readers = append(readers, s.Public())
		s, err = keys.ParsePrivateJWK(a, privateJWK)
		check(t, err)
		readers = append(readers, s.Public())
		for i, p := range readers {
			if p.ID() != k.ID() || p.Algorithm() != a || p.Verify([]byte("m"), sig) != nil {
				t.Errorf("%s: reader %d has another key", a.Name(), i)
			}
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPEMThatIsRefused(t *testing.T) {
	k := generate(t, keys.ES256)
	public, err := k.Public().PEM()
	check(t, err)
	private, err := k.CleartextPEM()
	check(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	check(t, err)
	other, err := x509.MarshalPKIXPublicKey(&p384.PublicKey)
	check(t, err)
	p384PEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: other})
	for name, data := range map[string][]byte{
		"nothing":                        {},
		"no PEM":                         []byte("hello"),
		"a private key for a public one": private,
		"text before it":                 append([]byte("x\n"), public...),
		"text after it":                  append(bytes.Clone(public), 'x'),
		"two blocks":                     append(bytes.Clone(public), public...),
		"a damaged block before it":      append([]byte("-----BEGIN PUBLIC KEY-----\n!\n"), public...),
		"headers":                        bytes.Replace(public, []byte("-----\n"), []byte("-----\nA: b\n\n"), 1),
		"a damaged key":                  bytes.Replace(public, []byte("MFkw"), []byte("MFkx"), 1),
		"another curve: req 27":          p384PEM,
	} {
		if _, err := keys.ParsePEM(keys.ES256, data); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := keys.ParsePEM(nil, public); err == nil {
		t.Error("no algorithm: accepted")
	}
	if _, err := keys.ParsePrivatePEM(keys.ES256, public); err == nil {
		t.Error("a public key for a private one: accepted")
	}
	if _, err := keys.ParsePrivatePEM(keys.EdDSA, private); err == nil {
		t.Error("an EC key for EdDSA: accepted")
	}
	for kind, remedy := range map[string]string{
		"EC PRIVATE KEY": "openssl pkcs8", "RSA PRIVATE KEY": "openssl pkcs8", "RSA PUBLIC KEY": "openssl rsa",
	} {
		block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("x")})
		_, err := keys.ParsePrivatePEM(keys.ES256, block)
		if strings.Contains(kind, "PUBLIC") {
			_, err = keys.ParsePEM(keys.RS256, block)
		}
		if err == nil || !strings.Contains(err.Error(), remedy) {
			t.Errorf("%s: %v, want the remedy", kind, err)
		}
	}
}

// TestOpenSSLAgrees has another implementation verify our signatures, and signs with the keys that
// it makes.
func TestOpenSSLAgrees(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: nothing to compare with")
	}
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, b, 0o600))
		return path
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), openssl, args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
		}
	}
	message := write("message", []byte("header.payload"))
	for a, options := range map[keys.Algorithm][]string{
		keys.ES256: {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"},
		keys.ES384: {"EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		keys.ES512: {"EC", "-pkeyopt", "ec_paramgen_curve:P-521"},
		keys.EdDSA: {"ED25519"},
		keys.RS256: {"RSA"},
		keys.PS384: {"RSA"},
	} {
		made := filepath.Join(dir, a.Name())
		run(append([]string{"genpkey", "-out", made, "-algorithm"}, options...)...)
		data, err := os.ReadFile(made)
		check(t, err)
		k, err := keys.ParsePrivatePEM(a, data)
		check(t, err)
		sig, err := k.Sign([]byte("header.payload"))
		check(t, err)
		public, err := k.Public().PEM()
		check(t, err)
		pub := write("public.pem", public)
		dgst := []string{"dgst", "-sha" + a.Name()[2:], "-verify", pub}
		switch a.Name()[:2] {
		case "Ed":
			run("pkeyutl", "-verify", "-pubin", "-inkey", pub, "-rawin", "-in", message, "-sigfile", write("sig", sig))
			continue
		case "ES":
			half := len(sig) / 2
			sig, err = asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:])})
			check(t, err)
		case "PS": // req 28
			dgst = append(dgst, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")
		}
		run(append(dgst, "-signature", write("sig", sig), message)...)
	}
}
