package writ

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/writ-go/writ/internal/outbound"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
)

// Validate returns every mistake in c that can be seen without asking anybody, as Follow would.
func (c FollowConfig) Validate() error {
	_, err := c.withDefaults()
	return err
}

// withDefaults returns c filled in, or every mistake in it.
func (c FollowConfig) withDefaults() (FollowConfig, error) {
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	c.checkURLs(refuse)
	if c.Audience == "" {
		refuse("Audience (WRIT_AUDIENCE) is empty: name what this service is called in tokens, which is what the issuer has there; if that has nothing, the issuer's URL")
	}
	if strings.TrimSpace(c.Audience) != c.Audience || strings.ContainsFunc(c.Audience, unicode.IsControl) {
		refuse("Audience (WRIT_AUDIENCE) begins or ends with white space, such as a line end, or has control characters: nobody would match it")
	}
	if c.UntilExpiry && c.MaxStale != 0 {
		refuse("MaxStale (WRIT_MAX_STALE) has no effect beside UntilExpiry (WRIT_UNTIL_EXPIRY): leave one out")
	}
	if c.UntilExpiry && (c.FeedURL != "" || c.Authorize != nil) {
		refuse("UntilExpiry (WRIT_UNTIL_EXPIRY) excludes FeedURL (WRIT_FEED_URL) and Authorize: is there a feed or not?")
	}
	base := strings.TrimSuffix(c.Issuer, "/")
	if c.KeysURL == "" {
		c.KeysURL = base + "/.well-known/jwks.json"
	}
	if c.FeedURL == "" {
		c.FeedURL = base + "/.well-known/revocations"
	}
	if c.Algorithms == nil {
		c.Algorithms = slices.DeleteFunc(keys.Algorithms(), isShared)
	}
	checkPublic(c.Algorithms, refuse)
	if c.MaxStale == 0 {
		c.MaxStale = time.Minute
	}
	if c.MaxStale < 10*time.Second || c.MaxStale > time.Hour {
		refuse("MaxStale (WRIT_MAX_STALE) is %s, but must be from 10s to 1h", c.MaxStale)
	}
	if c.Leeway < 0 || c.Leeway > time.Minute {
		refuse("Leeway (WRIT_CLOCK_SKEW) is %s, but must be at most 1m: set the clocks (NTP)", c.Leeway)
	}
	if c.CacheBytes > 0 && (c.CacheBytes < 64<<10 || c.CacheBytes > 64<<30) {
		refuse("CacheBytes (WRIT_CACHE_BYTES) must be from 65536 (64 KiB) to 68719476736 (64 GiB), or negative (WRIT_CACHE_BYTES=0) for none")
	}
	// What of Foreign is allowed depends on whether there is a feed, and on nothing else.
	verify := token.VerifierConfig{Issuer: "-", Audience: "-", Keys: &jwks.Remote{}, UntilExpiry: c.UntilExpiry, Foreign: c.Foreign}
	if !c.UntilExpiry {
		verify.Revocations = &revocation.List{}
	}
	if _, err := token.NewVerifier(verify); err != nil {
		refuse("Foreign (WRIT_FOREIGN_MAX_TTL, WRIT_FOREIGN_CLAIMS): %w", err)
	}
	if c.Transport != nil && c.RootCAs != nil {
		refuse("RootCAs (WRIT_ROOT_CAS_FILE) has no effect beside Transport: give them to the Transport")
	}
	if c.Transport != nil && !c.AllowPrivateAddresses {
		refuse("AllowPrivateAddresses (WRIT_ALLOW_PRIVATE_ADDRESSES) is not set: what a Transport connects to cannot be checked, so permit it")
	}
	if _, err := (&Follower{config: c}).newGuard([]middleware.Source{middleware.Bearer()}); err != nil {
		refuse("%w", err) // TrustedOrigins, SignInPage
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(wrong) > 0 {
		return c, fmt.Errorf("writ: the configuration is refused:\n%w", errors.Join(wrong...))
	}
	return c, nil
}

// checkURLs checks what is asked. The issuer itself is only if nothing else is named.
func (c FollowConfig) checkURLs(refuse func(format string, args ...any)) {
	check := func(name, url string) {
		target := outbound.Target{URL: url, AllowPlainLoopback: c.AllowPlainLoopback, AllowPrivateAddresses: c.AllowPrivateAddresses}
		if err := target.Check(); err != nil {
			refuse("%s %w", name, err)
		}
	}
	if err := checkIssuer(c.Issuer); err != nil {
		refuse("Issuer (WRIT_ISSUER) %w", err)
	} else if c.KeysURL == "" || c.FeedURL == "" && !c.UntilExpiry {
		check("Issuer (WRIT_ISSUER)", c.Issuer)
	}
	if c.KeysURL != "" {
		check("KeysURL (WRIT_KEYS_URL)", c.KeysURL)
	}
	if c.FeedURL != "" {
		check("FeedURL (WRIT_FEED_URL)", c.FeedURL)
	}
}

// checkPublic wants algorithms whose keys an issuer can publish.
func checkPublic(algorithms []keys.Algorithm, refuse func(format string, args ...any)) {
	var seen []string
	for _, a := range algorithms {
		switch {
		case a == nil:
			refuse("Algorithms (WRIT_ALGORITHMS) has one that is nil")
			continue
		case isShared(a):
			refuse("Algorithms (WRIT_ALGORITHMS) has HS256, HS384 or HS512, whose keys are secrets: an issuer publishes none")
		case slices.Contains(seen, a.Name()):
			refuse("Algorithms (WRIT_ALGORITHMS) has one twice")
		}
		seen = append(seen, a.Name())
	}
	if len(algorithms) == 0 {
		refuse("Algorithms (WRIT_ALGORITHMS) is empty: name those that the issuer signs with, or leave it out for all")
	}
}

// isShared reports whether signer and verifier have the same key.
func isShared(a keys.Algorithm) bool {
	return slices.Contains([]string{"HS256", "HS384", "HS512"}, a.Name())
}
