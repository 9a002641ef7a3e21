package fromenv

import (
	"context"
	"errors"
	"fmt"
	neturl "net/url"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

// followed is every variable of a program with a Follower.
type followed struct {
	Issuer   string `env:"WRIT_ISSUER"`
	Audience string `env:"WRIT_AUDIENCE"`
	KeysURL  string `env:"WRIT_KEYS_URL"`
	FeedURL  string `env:"WRIT_FEED_URL"`
	CacheDir string `env:"WRIT_CACHE_DIR"`

	MaxStale   time.Duration    `env:"WRIT_MAX_STALE"`
	ClockSkew  time.Duration    `env:"WRIT_CLOCK_SKEW"`
	CacheBytes int64            `env:"WRIT_CACHE_BYTES"`
	Algorithms []keys.Algorithm `env:"WRIT_ALGORITHMS"`
	RootCAs    string           `env:"WRIT_ROOT_CAS_FILE"`

	UntilExpiry      bool `env:"WRIT_UNTIL_EXPIRY"`
	PlainLoopback    bool `env:"WRIT_ALLOW_PLAIN_LOOPBACK"`
	PrivateAddresses bool `env:"WRIT_ALLOW_PRIVATE_ADDRESSES"`

	TypeJWT         bool          `env:"WRIT_FOREIGN_TYPE_JWT"`
	WithoutStamp    bool          `env:"WRIT_FOREIGN_WITHOUT_STAMP"`
	WithoutID       bool          `env:"WRIT_FOREIGN_WITHOUT_ID"`
	WithoutClientID bool          `env:"WRIT_FOREIGN_WITHOUT_CLIENT_ID"`
	MaxTTL          time.Duration `env:"WRIT_FOREIGN_MAX_TTL"`
	Claims          []string      `env:"WRIT_FOREIGN_CLAIMS"`
}

// Follow reads the environment of a service that only validates, and returns a Follower that is ready, or
// that says by Ready why not; see writ.Follow. Its error has every mistake, by variable name and without a
// value.
func Follow(ctx context.Context) (*writ.Follower, error) {
	v, c, err := readFollowed(writ.FollowConfig.Validate)
	if err != nil {
		return nil, err
	}
	f, err := writ.Follow(ctx, c)
	if err != nil {
		return nil, v.hide(err)
	}
	return f, nil
}

// FollowConfig is Follow's first half, for programs that set more before writ.Follow, or that permit there
// what the environment does not: an issuer on this machine with http, one inside the network. It asks nobody.
func FollowConfig() (writ.FollowConfig, error) {
	_, c, err := readFollowed(func(c writ.FollowConfig) error {
		c.AllowPlainLoopback, c.AllowPrivateAddresses = true, true
		return c.Validate()
	})
	return c, err
}

func readFollowed(validate func(writ.FollowConfig) error) (*followed, writ.FollowConfig, error) {
	v, parseErr := parse[followed]()
	roots, rootsErr := v.rootCAs()
	c := writ.FollowConfig{
		Issuer:      v.Issuer,
		Audience:    v.Audience,
		KeysURL:     v.KeysURL,
		FeedURL:     v.FeedURL,
		CacheDir:    absolute(v.CacheDir),
		UntilExpiry: v.UntilExpiry,
		MaxStale:    v.MaxStale,
		Leeway:      v.ClockSkew,
		CacheBytes:  v.CacheBytes,
		Algorithms:  v.Algorithms,
		RootCAs:     roots,
		Foreign: token.Foreign{
			TypeJWT:         v.TypeJWT,
			WithoutStamp:    v.WithoutStamp,
			WithoutID:       v.WithoutID,
			WithoutClientID: v.WithoutClientID,
			MaxTTL:          v.MaxTTL,
			Claims:          v.Claims,
		},
		AllowPlainLoopback:    v.PlainLoopback,
		AllowPrivateAddresses: v.PrivateAddresses,
	}
	if err := errors.Join(parseErr, rootsErr, v.hide(validate(c))); err != nil {
		return nil, writ.FollowConfig{}, fmt.Errorf("fromenv: the environment is refused:\n%w", err)
	}
	return v, c, nil
}

// hide puts the names of variables where the text of an error from elsewhere has what they hold, and where
// it has a field that a variable sets.
func (v *followed) hide(err error) error {
	if err == nil {
		return nil
	}
	list := []held{
		{absolute(v.CacheDir), "$WRIT_CACHE_DIR"},
		{v.Audience, "$WRIT_AUDIENCE"},
		{"set AllowPlainLoopback", "set WRIT_ALLOW_PLAIN_LOOPBACK=true"},
		{"set AllowPrivateAddresses", "set WRIT_ALLOW_PRIVATE_ADDRESSES=true"},
		{"set RootCAs", "set WRIT_ROOT_CAS_FILE"},
	}
	for _, url := range []held{{v.Issuer, "$WRIT_ISSUER"}, {v.KeysURL, "$WRIT_KEYS_URL"}, {v.FeedURL, "$WRIT_FEED_URL"}} {
		list = append(list, heldBy(url.name, url.value)...)
		if u, err := neturl.Parse(url.value); err == nil && u.Scheme != "" {
			list = append(list, held{fmt.Sprintf("has the scheme %.20q", u.Scheme), "has another scheme"})
		}
	}
	return hide(err, list)
}
