package middleware

import (
	"errors"
	"net/http"
)

// refresh exchanges the refresh cookie of r, if it has one, and lets o be about the new access token.
// It never clears cookies: the browser may have got newer ones from a sign-in meanwhile.
func (g *Guard) refresh(w http.ResponseWriter, r *http.Request, o *outcome) {
	cookies := g.jars[0]
	raw, n := cookies.findRefresh(r.Header)
	switch {
	case n > 1:
		o.err = errTwoRefreshCookies
		return
	case raw == "":
		return
	}
	p, err := g.refresher.Refresh(r.Context(), raw, ClientOf(r))
	if err == nil && p == nil {
		err = errors.New("middleware: the Refresher returned neither tokens nor an error")
	}
	if err == nil {
		err = cookies.Set(w, p)
	}
	if err != nil {
		o.err = err
		return
	}
	o.rule |= noStore
	o.credential.raw = p.Access
	r.Header = r.Header.Clone() // a handler outside that has not waited for this one may be reading
	replaceCookie(r.Header, cookies.accessName(), p.Access)
	if p.Refresh != "" {
		replaceCookie(r.Header, cookies.refreshName(), p.Refresh)
	}
	o.token, o.err = g.verify(r.Context(), p.Access)
}
