package fromenv

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
	"github.com/writ-go/writ/store/memory"
)

// Open reads the environment, opens the store and returns a Manager that is ready; see writ.Open.
// Its error has every mistake, by variable name and without a value. On error the store is closed.
func Open(ctx context.Context, s Stores) (*writ.Manager, error) {
	v, c, err := read(ctx, s)
	if err != nil {
		return nil, err
	}
	m, err := writ.Open(ctx, c)
	if err != nil {
		return nil, v.hide(errors.Join(err, c.Store.Close()))
	}
	return m, nil
}

// Config is Open's first half, for programs that set hooks before writ.Open. It opens the store,
// after everything else was found right; whoever called it closes the store. What only an open store
// can tell, such as whether it belongs to this issuer, writ.Open finds out.
func Config(ctx context.Context, s Stores) (writ.Config, error) {
	_, c, err := read(ctx, s)
	return c, err
}

func read(ctx context.Context, s Stores) (*variables, writ.Config, error) {
	v, parseErr := parse[variables]()
	secret, secretErr := v.secret()
	former, formerErr := v.former()
	open, storeErr := s.find(v.Store)
	c := writ.Config{
		Issuer:        v.Issuer,
		Audience:      v.Audience,
		Secret:        secret,
		FormerSecrets: former,
		KeysInClear:   v.KeysInClear,
		Algorithm:     v.Algorithm,
		KeyPeriod:     v.KeyPeriod,
		AccessTTL:     v.AccessTTL,
		AbsoluteTTL:   v.AbsoluteTTL,
		CacheBytes:    v.CacheBytes,
		MaxSessions:   v.MaxSessions,
		AskStore:      v.AskStore,
		FeedPublic:    v.FeedPublic,

		RefuseBeyondMax: v.RefuseBeyond,
		Rotation: rotation.Policy{
			Latency:  v.ClientLatency,
			JarFlush: v.JarFlush,
			Skew:     v.ClockSkew,
			Window:   v.RetryWindow,
			Idle:     v.IdleTTL,
		},
	}
	var ringErr error
	if v.Keys != "" {
		c.Keys = keys.Dir(absolute(v.Keys))
		if _, err := keys.Inspect(ctx, c.Keys, time.Now()); err != nil {
			ringErr = fmt.Errorf("WRIT_KEYS cannot be read: %w", v.hide(err))
		}
	}
	// What was judged above is not to be refused once more.
	rest := c
	rest.Store, rest.Secret, rest.FormerSecrets, rest.KeysInClear = memory.Open(), nil, nil, true

	if err := errors.Join(parseErr, secretErr, formerErr, storeErr, ringErr, rest.Validate()); err != nil {
		return nil, writ.Config{}, fmt.Errorf("fromenv: the environment is refused:\n%w", err)
	}
	var err error
	if c.Store, err = open(ctx); err != nil {
		return nil, writ.Config{}, fmt.Errorf("fromenv: WRIT_STORE cannot be opened: %w", v.hide(err))
	}
	return v, c, nil
}
