package jwks

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// unstated is how long an answer that says nothing about it is good.
	unstated = 5 * time.Minute

	firstRetry = time.Second
)

// lifetime is for how much longer the header says that its answer is good: RFC 9111 section 4.2.
// What cannot be read counts as stale. It is not bounded.
func lifetime(h http.Header, now time.Time) time.Duration {
	d := unstated
	if expires := h.Values("Expires"); len(expires) > 0 {
		d = 0
		if at, err := http.ParseTime(expires[0]); err == nil {
			date, err := http.ParseTime(h.Get("Date"))
			if err != nil {
				date = now
			}
			d = at.Sub(date)
		}
	}
	maxAge, noStore := time.Duration(-1), false
	for part := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.Trim(part, " \t")), "=")
		switch name {
		case "no-store", "no-cache":
			noStore = true
		case "max-age":
			if s := seconds(strings.Trim(value, `"`)); maxAge < 0 || s < maxAge { // of two, the safer
				maxAge = s
			}
		}
	}
	switch {
	case noStore:
		return 0
	case maxAge >= 0:
		d = maxAge
	}
	return max(0, d-seconds(h.Get("Age")))
}

// seconds reads delta-seconds (RFC 9111 section 1.2.2), 0 if s is none.
func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil && strings.Trim(s, "0123456789") == "" && s != "" {
		n = 1<<31 - 1 // too large
	} else if err != nil {
		n = 0
	}
	return time.Duration(n) * time.Second
}

// backoff is how long after the nth failure in a row to try again.
func backoff(n int, limit time.Duration) time.Duration {
	return min(firstRetry<<min(n-1, 12), limit)
}

// jittered is d less up to a tenth, so that services that were started together do not ask together
// for ever.
func jittered(d time.Duration) time.Duration { return d - rand.N(d/10) }
