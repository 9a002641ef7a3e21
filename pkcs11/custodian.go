package pkcs11

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/keys"
)

// Custodian makes and opens signing keys in a PKCS#11 token. It is a keys.Custodian, and safe for
// concurrent use: as many signatures as Config.Sessions are made at once.
//
// A token that was removed, reset or restarted makes signing fail while it is away. The Custodian
// connects again at the next call, at most once a second, and goes on.
type Custodian struct{ token *token }

var _ keys.Custodian = (*Custodian)(nil)

// Open loads the token's library, which calls C_Initialize in this process, and logs in. One Custodian
// serves any number of rings; a second one of the same token works, but shares its login.
func Open(c Config) (*Custodian, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newToken(c)
	if err != nil {
		return nil, err
	}
	return &Custodian{t}, nil
}

// Close ends the sessions, and calls C_Finalize if Open was the first in this process to call
// C_Initialize. It waits for signatures under way; later ones fail.
func (c *Custodian) Close() error { return c.token.close() }

// Create makes a key pair in the token, which the private half cannot leave: CKA_SENSITIVE, and not
// CKA_EXTRACTABLE. It signs and does nothing else. RSA keys have 2048 bits, as those of package keys.
//
// ref is a PKCS #11 URI (RFC 7512) with the token's label and a random CKA_ID, and no PIN. The key's
// CKA_LABEL is "writ" and the algorithm, for who lists the token's objects.
func (c *Custodian) Create(ctx context.Context, a keys.Algorithm) (string, error) {
	k, err := kindOf(a)
	if err != nil {
		return "", err
	}
	var made string
	err = c.token.use(ctx, true, func(c call) error {
		id, err := c.newID()
		if err != nil {
			return err
		}
		public, private, err := c.generate(k, id, "writ "+a.Name())
		if err != nil {
			return err
		}
		if err = c.staysInside(private); err == nil {
			id, err = c.attribute(private, p11.CKA_ID) // some tokens choose it themselves
		}
		if err != nil {
			return errors.Join(err, c.DestroyObject(c.session, private), c.DestroyObject(c.session, public))
		}
		made = ref(c.info, id)
		return nil
	})
	return made, err
}

// newID is a CKA_ID that the token does not have. YubiHSM 2 takes two bytes; longer ones cost it an
// object of their own, for which its user may have no right.
func (c call) newID() ([]byte, error) {
	id := make([]byte, 16)
	if strings.HasPrefix(c.info.ManufacturerID, "Yubico") {
		id = id[:2]
	}
	for range 100 {
		rand.Read(id)
		taken := false
		for _, class := range []uint{p11.CKO_PRIVATE_KEY, p11.CKO_PUBLIC_KEY} {
			objects, err := c.find(class, name{id: string(id)})
			if err != nil {
				return nil, err
			}
			taken = taken || len(objects) > 0
		}
		if !taken && id[0] != 0 { // a leading zero is lost where the ID is taken for a number
			return id, nil
		}
	}
	return nil, errors.New("it has no room for another CKA_ID: destroy keys that are no longer needed")
}

func (c call) generate(k kind, id []byte, label string) (public, private p11.ObjectHandle, err error) {
	with := func(more ...*p11.Attribute) []*p11.Attribute {
		return append(more,
			p11.NewAttribute(p11.CKA_TOKEN, true),
			p11.NewAttribute(p11.CKA_ID, id),
			p11.NewAttribute(p11.CKA_LABEL, label))
	}
	inside := with(
		p11.NewAttribute(p11.CKA_PRIVATE, true),
		p11.NewAttribute(p11.CKA_SENSITIVE, true),
		p11.NewAttribute(p11.CKA_EXTRACTABLE, false),
		p11.NewAttribute(p11.CKA_SIGN, true))
	for _, use := range k.unwanted {
		inside = append(inside, p11.NewAttribute(use, false))
	}
	for _, parameters := range k.public {
		outside := append(with(p11.NewAttribute(p11.CKA_VERIFY, true)), parameters...)
		public, private, err = c.GenerateKeyPair(c.session, []*p11.Mechanism{p11.NewMechanism(k.mechanism, nil)}, outside, inside)
		if err == nil {
			return public, private, nil
		}
	}
	if errors.Is(err, p11.Error(p11.CKR_MECHANISM_INVALID)) {
		err = fmt.Errorf("it makes no keys for this algorithm: set another keys.Config.Algorithm: %w", err)
	}
	return 0, 0, err
}

// Open returns the key that ref names, which may also be one that another tool made: a PKCS #11 URI
// with id, object or both, and what else it says of the token must be so. A key that can be read out of
// the token is refused, and so is a URI with a query.
//
// The signer takes digests of SHA-256, SHA-384 and SHA-512, and of RSA-PSS only a salt of fixed length.
// It fails once the Custodian is closed, and waits for a free session for 10 s at most. A call of the
// token itself cannot be interrupted, by ctx neither.
func (c *Custodian) Open(ctx context.Context, ref string) (crypto.Signer, error) {
	k := &signer{token: c.token}
	err := c.token.use(ctx, false, func(c call) (err error) {
		if k.name, err = parseRef(ref, c.info); err != nil {
			return err
		}
		private, err := c.private(k.name)
		if err != nil {
			return err
		}
		if err := c.staysInside(private); err != nil {
			return err
		}
		if k.public, err = c.publicKey(private, k.name); err != nil {
			return err
		}
		k.found.Store(&found{private, c.generation})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Destroy destroys both halves of the key that ref names, for good. A key that is not there is no
// error. The ring never calls it: see keys.Config.Observe for when it has dropped a key.
func (c *Custodian) Destroy(ctx context.Context, ref string) error {
	return c.token.use(ctx, true, func(c call) error {
		n, err := parseRef(ref, c.info)
		if err != nil {
			return err
		}
		private, err := c.private(n)
		if err != nil && !errors.Is(err, errNoKey) {
			return err
		}
		public, findErr := c.find(p11.CKO_PUBLIC_KEY, n)
		if findErr != nil {
			return findErr
		}
		if err == nil {
			if err := c.DestroyObject(c.session, private); err != nil {
				return err
			}
		}
		// Some tokens have no public half of its own, or destroy it with the private one.
		for _, o := range public {
			if err := c.DestroyObject(c.session, o); err != nil && !errors.Is(err, p11.Error(p11.CKR_OBJECT_HANDLE_INVALID)) {
				return err
			}
		}
		return nil
	})
}

// String names the token.
func (c *Custodian) String() string {
	if c == nil || c.token == nil {
		return "no PKCS#11 token"
	}
	return fmt.Sprintf("PKCS#11 token %q", c.token.config.Token)
}

// GoString is String.
func (c *Custodian) GoString() string { return c.String() }
