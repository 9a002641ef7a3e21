package keys

import (
	"errors"
	"fmt"
	"slices"
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

	// Period is how long a key signs before its successor does; default 30 days, at most 10 years.
	// It must be at least 2 (Propagation + MaxStale + 2 Skew). Negative: keys rotate only by hand.
	Period time.Duration

	// Propagation is how long it takes until every verifier has seen a newly published key: the max-age
	// of the key set (5 min), and a verifier's refresh interval (15 min for many), and what caches in
	// between add. 1 s to 7 days, default 1 h.
	Propagation time.Duration

	// Leeway is the largest leeway of a verifier, up to 60 s; default 60 s.
	Leeway time.Duration

	// MACPeriod is Period for MAC keys and data keys; default 90 days.
	MACPeriod time.Duration

	// MACLife is how long a refresh token may live, and sealed data be kept: so long MAC keys and data
	// keys are kept once they have retired. At most 10 years, default 400 days.
	MACLife time.Duration

	// Also are further algorithms that keys of the ring may have, beside those of this package and
	// Algorithm: name keys/mldsa's here after Algorithm has changed.
	Also []Algorithm

	// Custodian makes and keeps signing keys, and the ring only their names; default: the ring keeps
	// them. MAC keys and data keys need Wrapper or InClear all the same.
	Custodian Custodian

	// Observe is told what happens to the ring, one event at a time; default: nobody. It must return at
	// once, and must not call a method of the ring that takes a context.
	Observe func(RingEvent)

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
	setDefault(&c.Period, 30*day)
	setDefault(&c.Propagation, time.Hour)
	setDefault(&c.Leeway, time.Minute)
	setDefault(&c.MACPeriod, 90*day)
	setDefault(&c.MACLife, 400*day)

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
	refuse(c.Propagation < time.Second || c.Propagation > 7*day, "Propagation is %v: use 1s to 168h", c.Propagation)
	refuse(c.Leeway < 0 || c.Leeway > time.Minute, "Leeway is %v: use at most 1m", c.Leeway)
	refuse(c.Period > 0 && c.Period < 2*c.lead() || c.Period > maxPeriod,
		"Period is %v: it must be at least 2 x (Propagation %v + MaxStale %v + 2 x Skew %v) = %v, and at most %v: "+
			"raise Period, lower Propagation, or rotate by hand only (negative)",
		c.Period, c.Propagation, c.MaxStale, c.Skew, 2*c.lead(), maxPeriod)
	refuse(c.MACPeriod > 0 && c.MACPeriod < 2*c.secretLead() || c.MACPeriod > maxPeriod,
		"MACPeriod is %v: it must be at least 2 x (MaxStale %v + 2 x Skew %v) = %v, and at most %v",
		c.MACPeriod, c.MaxStale, c.Skew, 2*c.secretLead(), maxPeriod)
	refuse(c.MACLife < 0 || c.MACLife > maxPeriod, "MACLife is %v: use at most %v", c.MACLife, maxPeriod)
	refuse(slices.Contains(c.Also, nil), "Also holds a nil: name algorithms only")
	_, symmetric := c.Algorithm.(hs)
	refuse(symmetric && c.Custodian != nil, "Custodian cannot keep keys of %s: whoever verifies needs them too", c.Algorithm.Name())
	refuse(c.Wrapper != nil && c.InClear, "Wrapper and Config.InClear exclude each other: set one")
	refuse(c.Wrapper == nil && !c.InClear, "Wrapper is missing: use keys.Secret; Config.InClear gives up encryption")
	c.Also = slices.Clone(c.Also)
	return c, errors.Join(errs...)
}

const (
	day       = 24 * time.Hour
	maxPeriod = 3650 * day
)

const maxMaxTTL = 24 * time.Hour

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

func validIssuer(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}
