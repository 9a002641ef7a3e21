package pkcs11_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/pkcs11"
)

func asymmetric() (all []keys.Algorithm) {
	for _, a := range keys.Algorithms() {
		if !strings.HasPrefix(a.Name(), "HS") {
			all = append(all, a)
		}
	}
	return all
}

// private makes a key in the token and opens it.
func private(t *testing.T, c *pkcs11.Custodian, a keys.Algorithm) (*keys.Private, string) {
	t.Helper()
	ref, err := c.Create(t.Context(), a)
	check(t, err)
	return reopen(t, c, a, ref), ref
}

func reopen(t *testing.T, c *pkcs11.Custodian, a keys.Algorithm, ref string) *keys.Private {
	t.Helper()
	s, err := c.Open(t.Context(), ref)
	check(t, err)
	k, err := keys.FromSigner(a, s)
	check(t, err)
	return k
}

func signs(k *keys.Private) error {
	message := []byte("header.payload")
	signature, err := k.Sign(message)
	if err != nil {
		return err
	}
	return k.Public().Verify(message, signature)
}

func TestATokenMakesKeysForEveryAlgorithm(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	refs := map[string]bool{}
	for _, a := range asymmetric() {
		k, ref := private(t, c, a)
		check(t, signs(k))
		if other := reopen(t, c, a, ref); other.ID() != k.ID() {
			t.Errorf("%s: opened again, it is another key", a.Name())
		}
		if !strings.HasPrefix(ref, "pkcs11:token=writ%20test%3B%20a%3Db%25;id=") || !strings.HasSuffix(ref, ";type=private") || refs[ref] {
			t.Errorf("%s is called %s", a.Name(), ref)
		}
		refs[ref] = true
	}
	for _, a := range []keys.Algorithm{keys.HS256, nil} {
		if ref, err := c.Create(t.Context(), a); err == nil || ref != "" {
			t.Errorf("Create for %v: %q, %v", a, ref, err)
		}
	}
}

func TestNoKeyLeavesTheToken(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	for _, a := range asymmetric() {
		_, err := c.Create(t.Context(), a)
		check(t, err)
	}
	r := rawToken(t, config)
	objects := r.find(t, p11.CKO_PRIVATE_KEY)
	if len(objects) != len(asymmetric()) {
		t.Fatalf("%d private keys, want %d", len(objects), len(asymmetric()))
	}
	for _, o := range objects {
		want := map[uint]bool{
			p11.CKA_SENSITIVE: true, p11.CKA_ALWAYS_SENSITIVE: true, p11.CKA_EXTRACTABLE: false, p11.CKA_NEVER_EXTRACTABLE: true,
			p11.CKA_LOCAL: true, p11.CKA_PRIVATE: true, p11.CKA_TOKEN: true, p11.CKA_SIGN: true, p11.CKA_DERIVE: false,
		}
		if kind, err := r.attribute(o, p11.CKA_KEY_TYPE); err != nil {
			t.Error(err)
		} else if bytes.Equal(kind, p11.NewAttribute(p11.CKA_KEY_TYPE, p11.CKK_RSA).Value) { // a curve's key can do neither
			want[p11.CKA_DECRYPT], want[p11.CKA_UNWRAP] = false, false
			delete(want, p11.CKA_DERIVE)
		}
		for kind, want := range want {
			value, err := r.attribute(o, kind)
			if err != nil || !bytes.Equal(value, p11.NewAttribute(kind, want).Value) {
				t.Errorf("object %d: attribute %#x is %x, %v, want %v", o, kind, value, err, want)
			}
		}
		id, err := r.attribute(o, p11.CKA_ID)
		if err != nil || len(id) != 16 {
			t.Errorf("object %d: a CKA_ID of %d bytes, %v", o, len(id), err)
		}
		for _, secret := range []uint{p11.CKA_VALUE, p11.CKA_PRIVATE_EXPONENT, p11.CKA_PRIME_1} {
			if value, err := r.attribute(o, secret); err == nil && len(value) > 0 {
				t.Errorf("object %d: attribute %#x can be read", o, secret)
			}
		}
		if r.SetAttributeValue(r.session, o, []*p11.Attribute{p11.NewAttribute(p11.CKA_EXTRACTABLE, true)}) == nil {
			t.Errorf("object %d was made extractable afterwards", o)
		}
	}
}

func TestAKeyThatCanBeReadOutIsRefused(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	r := rawToken(t, config)
	p256 := []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	for i, spoiled := range [][]*p11.Attribute{
		{p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, true)},
		{p11.NewAttribute(p11.CKA_SENSITIVE, false), p11.NewAttribute(p11.CKA_EXTRACTABLE, false)},
		{p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, false)}, // as it should be
	} {
		label := fmt.Sprint("made elsewhere ", i)
		outside := []*p11.Attribute{p11.NewAttribute(p11.CKA_EC_PARAMS, p256), p11.NewAttribute(p11.CKA_TOKEN, true), p11.NewAttribute(p11.CKA_LABEL, label)}
		inside := append(spoiled, p11.NewAttribute(p11.CKA_TOKEN, true), p11.NewAttribute(p11.CKA_PRIVATE, true),
			p11.NewAttribute(p11.CKA_SIGN, true), p11.NewAttribute(p11.CKA_LABEL, label))
		_, _, err := r.GenerateKeyPair(r.session, []*p11.Mechanism{p11.NewMechanism(p11.CKM_EC_KEY_PAIR_GEN, nil)}, outside, inside)
		check(t, err)
		ref := strings.ReplaceAll("pkcs11:object="+label, " ", "%20")
		if i == 2 {
			check(t, signs(reopen(t, c, keys.ES256, ref)))
			continue
		}
		if s, err := c.Open(t.Context(), ref); err == nil || s != nil || !strings.Contains(err.Error(), "can be read out") {
			t.Errorf("%s: %v", label, err)
		}
	}
}

func TestManySignAtOnce(t *testing.T) {
	config, _ := softToken(t)
	config.Sessions = 3
	c := open(t, config)
	var ring []*keys.Private
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA, keys.PS256} {
		k, _ := private(t, c, a)
		ring = append(ring, k)
	}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			for j := range 20 {
				if err := signs(ring[(i+j)%len(ring)]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Go(func() {
		if _, err := c.Create(t.Context(), keys.ES384); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
}

const childRef = "PKCS11_TEST_CHILD_REF"

func TestAKeyOutlivesTheProcess(t *testing.T) {
	if ref := os.Getenv(childRef); ref != "" { // the child
		k := reopen(t, open(t, pkcs11.Config{Module: softHSM(t), Token: testLabel, PIN: pkcs11.PINEnv("PKCS11_TEST_PIN")}), keys.ES256, ref)
		check(t, signs(k))
		fmt.Printf("child %s\n", k.ID())
		return
	}
	config, _ := softToken(t)
	c := open(t, config)
	k, ref := private(t, c, keys.ES256)
	self, err := os.Executable()
	check(t, err)
	for range 2 { // beside this process, and after it has let go of the token
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), childRef+"="+ref, "PKCS11_TEST_PIN="+testPIN)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "child "+k.ID()+"\n") {
			t.Errorf("%v\n%s", err, out)
		}
		check(t, c.Close())
	}
}

func TestDestroyedKeysAreGone(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	k, ref := private(t, c, keys.ES256)
	other, _ := private(t, c, keys.ES256)
	for range 2 {
		check(t, c.Destroy(t.Context(), ref))
	}
	if signs(k) == nil {
		t.Error("it still signs")
	}
	if s, err := c.Open(t.Context(), ref); err == nil || s != nil || !strings.Contains(err.Error(), "it has no such key") {
		t.Errorf("Open: %v", err)
	}
	check(t, signs(other))
	r := rawToken(t, config)
	if n := len(r.find(t, p11.CKO_PUBLIC_KEY)) + len(r.find(t, p11.CKO_PRIVATE_KEY)); n != 2 {
		t.Errorf("%d objects are left, want 2", n)
	}
}

// what no RFC 7512 URI of a key of this token is. None of it is repeated: it may hold a PIN.
func TestRefsThatAreRefused(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	_, ref := private(t, c, keys.ES256)
	for name, refused := range map[string]string{
		"nothing":             "",
		"another scheme":      "https://example.com/" + testPIN,
		"a PIN in the query":  ref + "?pin-value=" + testPIN,
		"a PIN as attribute":  ref + ";pin-value=" + testPIN,
		"no attribute at all": "pkcs11:",
		"neither id nor name": "pkcs11:type=private",
		"an empty id":         "pkcs11:id=",
		"an id twice":         ref + ";id=%01",
		"a broken escape":     "pkcs11:id=%0",
		"a public key":        strings.Replace(ref, "type=private", "type=public", 1),
		"another token":       strings.Replace(ref, "token=writ", "token=other", 1),
		"another serial":      ref + ";serial=0000",
		"another maker":       ref + ";manufacturer=Acme",
		"another model":       ref + ";model=Acme",
		"another key":         "pkcs11:id=%01",
	} {
		s, err := c.Open(t.Context(), refused)
		if err == nil || s != nil {
			t.Errorf("%s was opened", name)
		}
		quiet(t, err)
		quiet(t, c.Destroy(t.Context(), refused))
	}
	if _, err := c.Open(t.Context(), ref+"?pin-value="+testPIN); err == nil || !strings.Contains(err.Error(), "the URI has a query") {
		t.Errorf("a PIN in the query: %v", err)
	}
	r := rawToken(t, config)
	info, err := r.GetTokenInfo(r.slot)
	check(t, err)
	serial := strings.TrimRight(info.SerialNumber, " \x00")
	reopen(t, c, keys.ES256, ref+";serial="+serial+";manufacturer=SoftHSM%20project;model=SoftHSM%20v2;object=writ%20ES256")
}

func TestWhatASignerDoesNotSign(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	for _, a := range []keys.Algorithm{keys.ES256, keys.RS256, keys.EdDSA} {
		ref, err := c.Create(t.Context(), a)
		check(t, err)
		s, err := c.Open(t.Context(), ref)
		check(t, err)
		for name, opts := range map[string]crypto.SignerOpts{
			"a digest of another length":     crypto.SHA512,
			"a hash that is too old":         crypto.SHA1,
			"a salt of the token's choosing": &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256},
		} {
			if strings.Contains(name, "salt") && a != keys.RS256 {
				continue
			}
			if _, err := s.Sign(rand.Reader, make([]byte, 32), opts); err == nil {
				t.Errorf("%s signs %s", a.Name(), name)
			}
		}
	}
	ref, err := c.Create(t.Context(), keys.PS384)
	check(t, err)
	s, err := c.Open(t.Context(), ref)
	check(t, err)
	signature, err := s.Sign(rand.Reader, make([]byte, 48), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA384})
	check(t, err)
	check(t, rsa.VerifyPSS(s.Public().(*rsa.PublicKey), crypto.SHA384, make([]byte, 48), signature, nil))
}
