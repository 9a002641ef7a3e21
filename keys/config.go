package keys

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Config configures a Ring. Issuer, Vault and exactly one of Wrapper and InClear are required.
type Config struct {
	// Issuer is whose keys these are, exactly as it stands in tokens.
	Issuer string

	// Vault keeps the ring's document.
	Vault Vault

	// Algorithm is for keys made from now on; default ES256. Keys that the ring has keep theirs.
	//
	// HS256, HS384 and HS512 are for one service only, which signs and verifies: whoever can verify
	// can also sign. Their keys stand in no JWKS, so nobody else can verify anything.
	Algorithm Algorithm

	// MaxTTL is the longest lifetime of a token that a key made from now on may sign: whole
	// seconds, 1 s to 24 h, default 1 h. A key that the ring has keeps its own; see Private.MaxTTL.
	MaxTTL time.Duration

	// MaxStale is how old the last reading of the vault may be, Skew to 1 h, default 60 s. After it
	// the ring neither signs nor says that a kid is unknown.
	MaxStale time.Duration

	// Skew is the largest difference between the clocks of two nodes: 1 ms to 60 s, default 5 s.
	Skew time.Duration

	// Wrapper encrypts private halves in the vault; see Secret.
	Wrapper Wrapper

	// InClear leaves private halves unencrypted in the vault: whoever reads it can forge tokens.
	InClear bool

	// Now is the clock; default time.Now.
	Now func() time.Time
}

// withDefaults returns the complete configuration, or all that is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Algorithm == nil {
		c.Algorithm = ES256
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	setDefault(&c.MaxTTL, time.Hour)
	setDefault(&c.MaxStale, time.Minute)
	setDefault(&c.Skew, 5*time.Second)

	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("keys: Config."+format, args...))
		}
	}
	refuse(!validIssuer(c.Issuer), "Issuer is missing or not printable: set it to what stands in tokens, such as https://app.example")
	refuse(c.Vault == nil, "Vault is missing: use keys.Dir or writ.Vault")
	refuse(c.MaxTTL < time.Second || c.MaxTTL > maxMaxTTL || c.MaxTTL%time.Second != 0,
		"MaxTTL is %v: use whole seconds from 1s to %v", c.MaxTTL, maxMaxTTL)
	refuse(c.Skew < time.Millisecond || c.Skew > time.Minute, "Skew is %v: use 1ms to 1m", c.Skew)
	refuse(c.MaxStale < c.Skew || c.MaxStale > time.Hour,
		"MaxStale is %v: use from Skew (%v) to 1h", c.MaxStale, c.Skew)
	refuse(c.Wrapper != nil && c.InClear, "Wrapper and Config.InClear exclude each other: set one")
	refuse(c.Wrapper == nil && !c.InClear, "Wrapper is missing: use keys.Secret; Config.InClear gives up encryption")
	return c, errors.Join(errs...)
}

const maxMaxTTL = 24 * time.Hour

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

func validIssuer(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}
