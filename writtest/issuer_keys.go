package writtest

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/writ-go/writ/keys"
)

// StageKey publishes the next key, which is returned. It signs when its time has come: in a bubble, after
// Config.KeyPeriod.
func (i *Issuer) StageKey() *keys.Public {
	i.t.Helper()
	k, err := i.ring.Stage(i.t.Context())
	i.changed(err)
	return k
}

// RotateKey has a new key, which is returned, sign from now on; tokens of the one before stay good. Nobody
// can know the new key yet, as with an issuer that does not publish keys ahead of time: services have
// to ask for it.
func (i *Issuer) RotateKey() *keys.Public {
	i.t.Helper()
	k, err := keys.Generate(cmp.Or(i.config.Algorithm, keys.ES256))
	if err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
	return i.signsNow(func() (*keys.Public, error) { return i.ring.Import(i.t.Context(), k, true) })
}

// ReplaceKey is RotateKey because the key is compromised: it leaves the key set, and its tokens are
// revoked.
func (i *Issuer) ReplaceKey() *keys.Public {
	i.t.Helper()
	return i.signsNow(func() (*keys.Public, error) { return i.ring.Replace(i.t.Context(), i.signing().ID()) })
}

// signsNow makes a change and waits until the key that it returns signs. The ring's times are
// milliseconds, of which no two changes share one.
func (i *Issuer) signsNow(change func() (*keys.Public, error)) *keys.Public {
	i.t.Helper()
	const instant = 2 * time.Millisecond
	time.Sleep(instant) // the present key may have begun just now
	k, err := change()
	i.changed(err)
	for tries := 0; i.signing().ID() != k.ID(); tries++ {
		if tries == 1000 {
			i.t.Fatal("writtest: the new key does not sign")
		}
		time.Sleep(instant)
	}
	return k
}

// changed has the Manager know what was done to its ring.
func (i *Issuer) changed(err error) {
	i.t.Helper()
	if err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
	if status := readKeysAnew(i.Manager); status != http.StatusOK && status != http.StatusNotFound {
		i.t.Fatalf("writtest: the Manager does not read its keys: status %d", status)
	}
}

// signing is the key that signs now.
func (i *Issuer) signing() *keys.Private {
	i.t.Helper()
	if err := i.ring.Reload(i.t.Context()); err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
	k, err := i.ring.Signing()
	if err != nil {
		i.t.Fatalf("writtest: %v", err)
	}
	return k
}

// keySet is the ring's keys as they are now, although nothing runs.
type keySet struct{ *Issuer }

// Public implements token.KeySet.
func (s keySet) Public(issuer, kid string) (*keys.Public, error) {
	if err := s.ring.Reload(context.Background()); err != nil {
		return nil, err
	}
	return s.ring.Public(issuer, kid)
}
