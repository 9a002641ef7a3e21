package pkcs11

import (
	"errors"
	"fmt"

	p11 "github.com/miekg/pkcs11"
)

// errPIN is of a login that the PIN is in the way of.
var errPIN = errors.New("the PIN")

// showPIN logs the session in, and with it all others of this process. A PIN that the token refused is
// not shown to it again, and its last try is never taken: after a few wrong ones a token locks for good.
func (t *token) showPIN(session p11.SessionHandle) error {
	if in, err := loggedIn(t.module, session); in || err != nil {
		return err
	}
	const lastTry = p11.CKF_USER_PIN_FINAL_TRY | p11.CKF_USER_PIN_LOCKED
	if t.info.Flags&lastTry != 0 {
		return fmt.Errorf("%w is locked or has one try left: log in with the maker's tool first", errPIN)
	}
	pin, err := t.config.PIN()
	switch {
	case err != nil:
		return fmt.Errorf("%w cannot be had: %w", errPIN, err)
	case pin == "":
		return fmt.Errorf("%w is empty: see to what Config.PIN returns", errPIN)
	case t.refused != nil && t.refused(pin):
		return fmt.Errorf("%w was refused, and is not tried again: change what Config.PIN returns", errPIN)
	}
	err = t.module.Login(session, p11.CKU_USER, pin)
	switch {
	case err == nil, errors.Is(err, p11.Error(p11.CKR_USER_ALREADY_LOGGED_IN)):
		t.refused = nil
		return nil
	case errors.Is(err, p11.Error(p11.CKR_PIN_INCORRECT)), errors.Is(err, p11.Error(p11.CKR_PIN_INVALID)),
		errors.Is(err, p11.Error(p11.CKR_PIN_LEN_RANGE)):
		t.refused = func(other string) bool { return other == pin }
		return fmt.Errorf("%w is wrong, and is not tried again: change what Config.PIN returns: %w", errPIN, err)
	case errors.Is(err, p11.Error(p11.CKR_PIN_LOCKED)), errors.Is(err, p11.Error(p11.CKR_PIN_EXPIRED)),
		errors.Is(err, p11.Error(p11.CKR_USER_PIN_NOT_INITIALIZED)):
		return fmt.Errorf("%w cannot be used: set a new one with the maker's tool: %w", errPIN, err)
	}
	return err
}

func loggedIn(module *p11.Ctx, session p11.SessionHandle) (bool, error) {
	info, err := module.GetSessionInfo(session)
	return info.State == p11.CKS_RO_USER_FUNCTIONS || info.State == p11.CKS_RW_USER_FUNCTIONS, err
}
