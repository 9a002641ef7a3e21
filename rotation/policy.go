package rotation

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Policy is the timing of refreshes. The zero value of a field means its default, and Validate
// explains what does not add up. All instances of one issuer must use the same Policy.
type Policy struct {
	// Latency (L) is the longest time from a client's sending a refresh to its having stored the
	// answer. Servers must end refresh requests sooner. Default 10 s, at most 1 hour.
	Latency time.Duration
	// JarFlush (D) is how long a client may hold a token before it is safe on disk; a crash brings
	// back a token this old. Default 30 s, as Chromium does; at most 1 hour.
	JarFlush time.Duration
	// Skew is the largest difference between the clocks of two nodes. Default 5 s, at most 1 hour.
	Skew time.Duration
	// Window (W) is how long after a refresh a token is repeated rather than rotated. It must
	// exceed 2 x Latency + JarFlush + Skew. Default 60 s, at most 1 day.
	Window time.Duration
	// Recovery (W_r) is how long after a rotation its parent may still ask for the answer again.
	// From Window to Idle; default Idle.
	Recovery time.Duration
	// Idle is how long a session lives without a refresh. At least twice the access lifetime.
	// Default 14 days, at most 10 years.
	Idle time.Duration
}

const (
	hour = time.Hour
	day  = 24 * hour
	year = 365 * day
)

// WithDefaults is p with every zero field set to its default.
func (p Policy) WithDefaults() Policy {
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	fill(&p.Latency, 10*time.Second)
	fill(&p.JarFlush, 30*time.Second)
	fill(&p.Skew, 5*time.Second)
	fill(&p.Window, time.Minute)
	fill(&p.Idle, 14*day)
	fill(&p.Recovery, p.Idle)
	return p
}

// Validate refuses a policy that could sign out an honest client, given the lifetime of access
// tokens. Its error names every rule that is broken, with the sum, the fields and the environment
// variables of package fromenv. It does not check that the absolute lifetime of a session is
// longer than Idle; a shorter one just wins.
func (p Policy) Validate(access time.Duration) error {
	p = p.WithDefaults()
	const longest = 10 * year
	var errs []error
	for _, limit := range []struct {
		name       string
		value, max time.Duration
	}{
		{"Latency (WRIT_CLIENT_LATENCY)", p.Latency, hour},
		{"JarFlush (WRIT_JAR_FLUSH)", p.JarFlush, hour},
		{"Skew (WRIT_CLOCK_SKEW)", p.Skew, hour},
		{"Window (WRIT_RETRY_WINDOW)", p.Window, day},
		{"Idle (WRIT_IDLE_TTL)", p.Idle, longest},
		{"the access lifetime (WRIT_ACCESS_TTL)", access, longest},
	} {
		if limit.value <= 0 || limit.value > limit.max {
			errs = append(errs, fmt.Errorf("rotation: %s is %v, but must be above 0 and at most %v", limit.name, limit.value, limit.max))
		}
	}
	// A sum of values that were refused above could overflow, and would mean nothing.
	fit := func(values ...time.Duration) bool {
		return slices.Min(values) > 0 && slices.Max(values) <= longest
	}
	if sum := 2*p.Latency + p.JarFlush + p.Skew; fit(p.Latency, p.JarFlush, p.Skew, p.Window) && p.Window <= sum {
		errs = append(errs, fmt.Errorf("rotation: W (Window) is %v, but must exceed 2 x Latency %v + JarFlush %v + Skew %v = %v: "+
			"raise Window (WRIT_RETRY_WINDOW) or lower Latency (WRIT_CLIENT_LATENCY), JarFlush (WRIT_JAR_FLUSH) or Skew (WRIT_CLOCK_SKEW)",
			p.Window, p.Latency, p.JarFlush, p.Skew, sum))
	}
	if fit(access, p.Window) && access < 2*p.Window {
		errs = append(errs, fmt.Errorf("rotation: the access lifetime is %v, but must be at least 2 x Window %v = %v: "+
			"raise it (WRIT_ACCESS_TTL) or lower Window (WRIT_RETRY_WINDOW)", access, p.Window, 2*p.Window))
	}
	if fit(access, p.Idle) && p.Idle < 2*access {
		errs = append(errs, fmt.Errorf("rotation: Idle is %v, but must be at least 2 x the access lifetime %v = %v: "+
			"raise Idle (WRIT_IDLE_TTL) or lower the access lifetime (WRIT_ACCESS_TTL)", p.Idle, access, 2*access))
	}
	if fit(p.Window, p.Idle) && (p.Recovery < p.Window || p.Recovery > p.Idle) {
		errs = append(errs, fmt.Errorf("rotation: Recovery is %v, but must lie between Window %v (WRIT_RETRY_WINDOW) and Idle %v (WRIT_IDLE_TTL)",
			p.Recovery, p.Window, p.Idle))
	}
	return errors.Join(errs...)
}
