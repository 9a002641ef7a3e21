package fromenv

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/outbound"
)

// followed is every variable of a program with a Follower.
type followed struct {
	Issuer   string `env:"WRIT_ISSUER"`
	Audience string `env:"WRIT_AUDIENCE"`
	KeysURL  string `env:"WRIT_KEYS_URL"`
	FeedURL  string `env:"WRIT_FEED_URL"`
	CacheDir string `env:"WRIT_CACHE_DIR"`
}

// Follow reads the environment of a service that only validates, and returns a Follower that is ready, or
// that says by Ready why not; see writ.Follow. Its error has every mistake, by variable name and without a
// value.
func Follow(ctx context.Context) (*writ.Follower, error) {
	v, c, err := readFollowed(outbound.Target{})
	if err != nil {
		return nil, err
	}
	f, err := writ.Follow(ctx, c)
	if err != nil {
		return nil, v.hide(err)
	}
	return f, nil
}

// FollowConfig is Follow's first half, for programs that permit or forbid something before writ.Follow: an
// issuer on this machine with http, one inside the network, an issuer that has no feed. It asks nobody.
func FollowConfig() (writ.FollowConfig, error) {
	_, c, err := readFollowed(outbound.Target{AllowPlainLoopback: true, AllowPrivateAddresses: true})
	return c, err
}

// readFollowed permits for URLs what permitted does.
func readFollowed(permitted outbound.Target) (*followed, writ.FollowConfig, error) {
	v, parseErr := parse[followed]()
	if err := errors.Join(parseErr, v.check(permitted)); err != nil {
		return nil, writ.FollowConfig{}, fmt.Errorf("fromenv: the environment is refused:\n%w", err)
	}
	return v, writ.FollowConfig{
		Issuer:   v.Issuer,
		Audience: v.Audience,
		KeysURL:  v.KeysURL,
		FeedURL:  v.FeedURL,
		CacheDir: absolute(v.CacheDir),
	}, nil
}

// check is what can be said without asking anybody.
func (v *followed) check(permitted outbound.Target) error {
	var wrong []error
	address := func(name, raw string) {
		if err := v.checkURL(raw, permitted); err != nil {
			wrong = append(wrong, fmt.Errorf("%s %w", name, err))
		}
	}
	switch {
	case v.Issuer == "":
		wrong = append(wrong, errors.New("WRIT_ISSUER is not set: set the URL that stands in the tokens, such as https://app.example"))
	case v.KeysURL == "" || v.FeedURL == "": // it is asked itself
		address("WRIT_ISSUER", v.Issuer)
	}
	if v.Audience == "" {
		wrong = append(wrong, errors.New("WRIT_AUDIENCE is not set: set it to what the issuer has there; if that has nothing, to the issuer's URL"))
	}
	if v.KeysURL != "" {
		address("WRIT_KEYS_URL", v.KeysURL)
	}
	if v.FeedURL != "" {
		address("WRIT_FEED_URL", v.FeedURL)
	}
	return errors.Join(wrong...)
}

func (v *followed) checkURL(raw string, permitted outbound.Target) error {
	if scheme, _, _ := strings.Cut(raw, "://"); scheme != "https" && scheme != "http" {
		return errors.New("is not an URL such as https://app.example")
	}
	permitted.URL = raw
	return v.hide(permitted.Check())
}

// hide puts the names of variables where the text of an error from elsewhere has what they hold.
func (v *followed) hide(err error) error {
	if err == nil {
		return nil
	}
	list := []held{
		{absolute(v.CacheDir), "$WRIT_CACHE_DIR"},
		{v.Audience, "$WRIT_AUDIENCE"},
	}
	for _, url := range []held{{v.Issuer, "$WRIT_ISSUER"}, {v.KeysURL, "$WRIT_KEYS_URL"}, {v.FeedURL, "$WRIT_FEED_URL"}} {
		list = append(list, heldBy(url.name, url.value)...)
	}
	return hide(err, list)
}
