package pkcs11_test

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	p11 "github.com/miekg/pkcs11"
	"github.com/writ-go/writ/keys"
)

// TestALostSessionIsNotNoticed: what a reset token or a restarted daemon does to a process is done here
// by another user of the library in this process.
func TestALostSessionIsNotNoticed(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, raw){
		"all sessions were closed":  func(t *testing.T, r raw) { check(t, r.CloseAllSessions(r.slot)) },
		"the user was logged out":   func(t *testing.T, r raw) { check(t, r.Logout(r.session)) },
		"the library was finalized": func(t *testing.T, r raw) { check(t, r.Finalize()) },
		"the library was started anew": func(t *testing.T, r raw) {
			check(t, r.Finalize())
			check(t, r.Initialize())
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, _ := softToken(t)
			c := open(t, config)
			k, ref := private(t, c, keys.ES256)
			other, _ := private(t, c, keys.ES384)
			for range 3 {
				lose(t, rawToken(t, config))
				check(t, signs(k))
				check(t, signs(other))
				lose(t, rawToken(t, config))
				reopen(t, c, keys.ES256, ref)
				lose(t, rawToken(t, config))
				_, err := c.Create(t.Context(), keys.ES512)
				check(t, err)
			}
		})
	}
}

// TestAHandleThatHasBecomeAnotherKeys: SoftHSM counts sessions and objects with one counter, so that some
// number of sessions makes the handle of one key that of the other.
func TestAHandleThatHasBecomeAnotherKeys(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	_, ref := private(t, c, keys.ES256)
	otherRef, err := c.Create(t.Context(), keys.ES256)
	check(t, err)
	check(t, c.Close())
	id, err := url.PathUnescape(strings.TrimSuffix(otherRef[strings.Index(otherRef, ";id=")+len(";id="):], ";type=private"))
	check(t, err)
	for sessions := 1; sessions <= 8; sessions++ {
		c := open(t, config)
		k := reopen(t, c, keys.ES256, ref)
		r := raw{Ctx: p11.New(config.Module), slot: slotOf(t, config)}
		check(t, r.Finalize())
		check(t, r.Initialize())
		for range sessions {
			r.session, err = r.OpenSession(r.slot, p11.CKF_SERIAL_SESSION)
			check(t, err)
		}
		check(t, r.Login(r.session, p11.CKU_USER, testPIN))
		check(t, r.FindObjectsInit(r.session, []*p11.Attribute{
			p11.NewAttribute(p11.CKA_CLASS, p11.CKO_PRIVATE_KEY), p11.NewAttribute(p11.CKA_ID, []byte(id)),
		}))
		_, _, err = r.FindObjects(r.session, 1)
		check(t, err)
		check(t, r.FindObjectsFinal(r.session))
		check(t, signs(k))
		check(t, c.Close())
	}
}

// TestManyNoticeALossAtOnce: sessions are lost between signatures, because SoftHSM crashes if they are
// closed while it works with them.
func TestManyNoticeALossAtOnce(t *testing.T) {
	config, _ := softToken(t)
	c := open(t, config)
	k, _ := private(t, c, keys.ES256)
	r := raw{Ctx: p11.New(config.Module), slot: slotOf(t, config)}
	for range 20 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if err := signs(k); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		check(t, r.CloseAllSessions(r.slot))
	}
}

// eventually waits, because a Custodian pauses between attempts. The limit is for a test that fails.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestATokenThatWasRemovedIsAnErrorUntilItIsBack(t *testing.T) {
	config, tokens := softToken(t)
	c := open(t, config)
	k, ref := private(t, c, keys.ES256)
	entries, err := os.ReadDir(tokens)
	check(t, err)
	in, out := filepath.Join(tokens, entries[0].Name()), filepath.Join(t.TempDir(), "token")
	for range 2 {
		check(t, os.Rename(in, out))
		err := signs(k)
		if err == nil || !strings.Contains(err.Error(), `pkcs11: token "`+testLabel+`": `) {
			t.Errorf("without its token: %v", err)
		}
		quiet(t, err)
		if _, err := c.Create(t.Context(), keys.ES256); err == nil {
			t.Error("made a key without its token")
		}
		check(t, os.Rename(out, in))
		eventually(t, func() error { return signs(k) })
		reopen(t, c, keys.ES256, ref)
	}
}

// A token that was made anew has the label, but not the keys.
func TestATokenThatWasMadeAnewLacksTheKey(t *testing.T) {
	config, tokens := softToken(t)
	c := open(t, config)
	k, _ := private(t, c, keys.ES256)
	entries, err := os.ReadDir(tokens)
	check(t, err)
	check(t, os.RemoveAll(filepath.Join(tokens, entries[0].Name())))
	initToken(t, testLabel)
	if err := signs(k); err == nil || !strings.Contains(err.Error(), "it has no such key") {
		t.Errorf("signing: %v", err)
	}
	fresh, _ := private(t, c, keys.ES256)
	check(t, signs(fresh))
}

// A wrong PIN is shown once, however often signatures are asked for. To see that, the token is given the
// PIN that it refused: a second try would succeed.
func TestARefusedPINIsNotTriedAgain(t *testing.T) {
	config, _ := softToken(t)
	pin := testPIN
	config.PIN = func() (string, error) { return pin, nil }
	c := open(t, config)
	k, _ := private(t, c, keys.ES256)
	setPIN := func(old, new string) {
		r := rawToken(t, config)
		check(t, r.SetPIN(r.session, old, new))
		check(t, r.CloseAllSessions(r.slot))
	}
	setPIN(testPIN, "another-pin")
	if err := signs(k); err == nil || !strings.Contains(err.Error(), "the PIN is wrong, and is not tried again") {
		t.Errorf("with a wrong PIN: %v", err)
	}
	r := raw{Ctx: p11.New(config.Module), slot: slotOf(t, config)}
	var err error
	r.session, err = r.OpenSession(r.slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	check(t, err)
	check(t, r.SetPIN(r.session, "another-pin", testPIN))
	check(t, r.CloseSession(r.session))
	eventually(t, func() error {
		if err := signs(k); err == nil || !strings.Contains(err.Error(), "was refused, and is not tried again") {
			return errors.Join(errors.New("not yet"), err)
		}
		return nil
	})
	r.session, err = r.OpenSession(r.slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	check(t, err)
	check(t, r.SetPIN(r.session, testPIN, "a-third-pin"))
	pin = "a-third-pin"
	eventually(t, func() error { return signs(k) })
}

func TestTwoCustodiansOfOneToken(t *testing.T) {
	config, _ := softToken(t)
	first, second := open(t, config), open(t, config)
	k, ref := private(t, first, keys.ES256)
	same := reopen(t, second, keys.ES256, ref)
	check(t, first.Close()) // which finalizes the library
	if signs(k) == nil {
		t.Error("a key of a closed Custodian signs")
	}
	check(t, signs(same))
	third := open(t, config)
	check(t, signs(reopen(t, third, keys.ES256, ref)))
	check(t, second.Close())
	check(t, signs(reopen(t, third, keys.ES256, ref)))
}
