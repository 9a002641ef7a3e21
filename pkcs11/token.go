package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	p11 "github.com/miekg/pkcs11"
)

const (
	sessionWait = 10 * time.Second // how long a signature waits for a session, since Sign has no context
	pause       = time.Second      // how long after a failed attempt the next one to connect is made
)

// token is the connection to one token: sessions, the login that they share, and how to get both back
// when the token was removed, reset, or restarted.
type token struct {
	config Config
	busy   chan struct{} // one element for every session in use

	// Whoever calls the module holds mu for reading; whoever connects or closes, for writing, because
	// C_Finalize must not run beside any other call.
	mu         sync.RWMutex
	module     *p11.Ctx // nil once closed
	ours       bool     // C_Initialize was called here, so that C_Finalize may be
	slot       uint
	info       p11.TokenInfo
	generation int // goes up with each connection; handles of earlier ones mean nothing
	down       error
	since      time.Time             // when down was set
	refused    func(pin string) bool // nil if no PIN was refused. A function, so that nothing prints the PIN

	idleMu sync.Mutex
	idle   []p11.SessionHandle // read-only sessions that nobody uses
}

var (
	errNotOpen = errors.New("pkcs11: this Custodian was not opened: use Open")
	errClosed  = errors.New("the Custodian is closed")
	errAnew    = errors.New("the token does not know this session any more") // lost, though no call said so
)

// call is one use of a session.
type call struct {
	*p11.Ctx
	session    p11.SessionHandle
	generation int
	info       p11.TokenInfo
}

func newToken(c Config) (*token, error) {
	module := p11.New(c.Module)
	if module == nil {
		return nil, fmt.Errorf("pkcs11: %s cannot be loaded: set Config.Module to the PKCS#11 library of the token, "+
			"built for this system, and see that all that it needs is installed", c.Module)
	}
	t := &token{config: c, module: module, busy: make(chan struct{}, c.Sessions)}
	if err := t.connect(); err != nil {
		t.close()
		return nil, fmt.Errorf("pkcs11: token %q: %w", c.Token, err)
	}
	return t, nil
}

// use runs do in a session of its own. If the token turns out to have lost the session, it connects
// anew and runs do once more.
func (t *token) use(ctx context.Context, readWrite bool, do func(call) error) error {
	if t == nil {
		return errNotOpen
	}
	ctx, cancel := context.WithTimeout(ctx, sessionWait)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return fmt.Errorf("pkcs11: token %q: no session became free: %w", t.config.Token, ctx.Err())
	}
	generation, err := t.try(readWrite, do)
	if lost(err) {
		if err = t.reconnect(generation); err == nil {
			_, err = t.try(readWrite, do)
		}
	}
	if err != nil {
		return fmt.Errorf("pkcs11: token %q: %w", t.config.Token, err)
	}
	return nil
}

func (t *token) try(readWrite bool, do func(call) error) (generation int, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.module == nil {
		return 0, errClosed
	}
	session, err := t.session(readWrite)
	if err != nil {
		return t.generation, err
	}
	// A session in which something failed may be in the middle of an operation, and is of no more use.
	keep := false
	defer func() {
		if !keep {
			t.module.CloseSession(session)
			return
		}
		t.idleMu.Lock()
		t.idle = append(t.idle, session)
		t.idleMu.Unlock()
	}()
	err = do(call{t.module, session, t.generation, t.info})
	keep = err == nil && !readWrite
	return t.generation, err
}

func (t *token) session(readWrite bool) (p11.SessionHandle, error) {
	if readWrite {
		return t.module.OpenSession(t.slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	}
	t.idleMu.Lock()
	if n := len(t.idle); n > 0 {
		session := t.idle[n-1]
		t.idle = t.idle[:n-1]
		t.idleMu.Unlock()
		return session, nil
	}
	t.idleMu.Unlock()
	return t.module.OpenSession(t.slot, p11.CKF_SERIAL_SESSION)
}

// lost reports whether err says that the connection, and not what was asked of the token, is at fault.
// Makers differ in what they return after a reset, so that the general errors count too.
func lost(err error) bool {
	var code p11.Error
	if !errors.As(err, &code) {
		return errors.Is(err, errAnew)
	}
	return slices.Contains([]p11.Error{
		p11.CKR_CRYPTOKI_NOT_INITIALIZED, p11.CKR_SLOT_ID_INVALID, p11.CKR_TOKEN_NOT_PRESENT, p11.CKR_TOKEN_NOT_RECOGNIZED,
		p11.CKR_DEVICE_REMOVED, p11.CKR_DEVICE_ERROR, p11.CKR_GENERAL_ERROR, p11.CKR_FUNCTION_FAILED,
		p11.CKR_SESSION_HANDLE_INVALID, p11.CKR_SESSION_CLOSED, p11.CKR_USER_NOT_LOGGED_IN,
		p11.CKR_KEY_HANDLE_INVALID, p11.CKR_OBJECT_HANDLE_INVALID,
		p11.CKR_OPERATION_ACTIVE, // the handle is another's session by now
	}, code)
}

// reconnect connects anew, unless that has been done since generation.
func (t *token) reconnect(generation int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.module == nil:
		return errClosed
	case t.generation != generation:
		return nil
	case t.down != nil && time.Since(t.since) < pause:
		return t.down
	}
	t.down, t.since = t.connect(), time.Now()
	return t.down
}

// connect is called with mu held. What a plain login does not find, a module may find once it was
// finalized: some read the list of their tokens only at C_Initialize.
func (t *token) connect() error {
	t.drop()
	err := t.login()
	if err != nil && !errors.Is(err, errPIN) && t.ours {
		t.module.Finalize()
		err = t.login()
	}
	if err == nil {
		t.generation++
	}
	return err
}

func (t *token) login() error {
	switch err := t.module.Initialize(); {
	case err == nil:
		t.ours = true
	case !errors.Is(err, p11.Error(p11.CKR_CRYPTOKI_ALREADY_INITIALIZED)):
		return err
	}
	if err := t.find(); err != nil {
		return err
	}
	session, err := t.module.OpenSession(t.slot, p11.CKF_SERIAL_SESSION)
	if err != nil {
		return err
	}
	if err := t.showPIN(session); err != nil {
		t.module.CloseSession(session)
		return err
	}
	t.idle = append(t.idle, session)
	return nil
}

// find looks for the token in every slot.
func (t *token) find() error {
	slots, err := t.module.GetSlotList(true)
	if err != nil {
		return err
	}
	found := 0
	for _, slot := range slots {
		info, err := t.module.GetTokenInfo(slot)
		if err != nil || padded(info.Label) != t.config.Token || t.config.Serial != "" && padded(info.SerialNumber) != t.config.Serial {
			continue
		}
		t.slot, t.info = slot, info
		found++
	}
	switch {
	case found == 0:
		return errors.New("there is no such token: plug it in, or set Config.Token to its label and Config.Serial to its serial number or nothing")
	case found > 1:
		return errors.New("there are several such tokens: set Config.Serial to the serial number of the right one")
	}
	return nil
}

// drop closes the sessions that nobody uses.
func (t *token) drop() {
	t.idleMu.Lock()
	defer t.idleMu.Unlock()
	for _, session := range t.idle {
		t.module.CloseSession(session)
	}
	t.idle = nil
}

// close leaves the library loaded: many do not survive being unloaded.
func (t *token) close() error {
	if t == nil {
		return errNotOpen
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.module == nil {
		return nil
	}
	t.drop()
	module := t.module
	t.module = nil
	if !t.ours {
		return nil
	}
	return module.Finalize()
}
