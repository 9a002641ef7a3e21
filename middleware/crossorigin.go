package middleware

import (
	"fmt"
	"net/http"
)

// CrossOrigin makes the check that a Guard makes of every request that a cookie authenticates; use
// it for requests that set or clear cookies (sign-in, sign-out). It returns ErrCrossOrigin for a
// request that another site had a browser send, unless that site is one of trusted: origins such as
// "https://app.example".
//
// It is http.CrossOriginProtection, and it takes the opening of a WebSocket too, which is a GET that
// any site can make. Other GET, HEAD and OPTIONS requests pass: handlers must not change anything for
// those. A request with neither Sec-Fetch-Site nor Origin passes, because no browser has sent such a
// one since 2020.
func CrossOrigin(trusted []string) (check func(*http.Request) error, err error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("middleware: trusted origin: %w", err)
		}
	}
	return func(r *http.Request) error {
		if r.Header["Upgrade"] != nil {
			opening := *r
			opening.Method = http.MethodPost
			r = &opening
		}
		if protection.Check(r) == nil {
			return nil
		}
		if r.Header.Get("Sec-Fetch-Site") != "" {
			return errFetchSite
		}
		return errOrigin
	}, nil
}

// The two rules of http.CrossOriginProtection.
var (
	errFetchSite = &crossOriginError{"Sec-Fetch-Site says that it comes from another origin"}
	errOrigin    = &crossOriginError{"its Origin is not this host"}
)
