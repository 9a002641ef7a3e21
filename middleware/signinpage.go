package middleware

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	returnTo    = "return_to"
	maxReturnTo = 2048 // bytes; a longer one is left out
)

// signInPage is where a browser is sent that has to sign in; nowhere if there is no page.
type signInPage struct{ page *url.URL }

func newSignInPage(path string) (signInPage, error) {
	if path == "" {
		return signInPage{}, nil
	}
	page, err := url.Parse(path)
	if err != nil || !localPath(path) {
		return signInPage{}, errors.New("middleware: Config.SignInPage must be a path of this site, such as /login")
	}
	return signInPage{page}, nil
}

// location is the page with where to return to, if that is a page, and with what err asks of somebody who is
// signed in, by the names that OpenID Connect gives to it.
func (s signInPage) location(r *http.Request, err error) string {
	query := s.page.Query()
	if errors.Is(err, ErrNotFresh) {
		query.Set("prompt", "login")
	}
	var fresh *freshError
	if errors.As(err, &fresh) {
		query.Set("max_age", strconv.Itoa(fresh.maxAge))
		if len(fresh.acr) > 0 {
			query.Set("acr_values", strings.Join(fresh.acr, " "))
		}
	}
	if path := requested(r); path != "" {
		query.Set(returnTo, path)
	}
	page := *s.page
	page.RawQuery = query.Encode()
	return page.String()
}

// requested is the path and query that r asks for as a browser knows it, or where a form was sent from;
// empty if that is no page to go to.
func requested(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return refererPath(r)
	}
	path := r.RequestURI // has what http.StripPrefix takes away
	if !strings.HasPrefix(path, "/") {
		path = r.URL.RequestURI()
	}
	if len(path) > maxReturnTo || !localPath(path) {
		return ""
	}
	return path
}

// ReturnPath is where a browser wanted to go when a Guard sent it to Config.SignInPage: the return_to of the
// URL, or else of the form, of r. It is "/" if there is none or two, or if it leads anywhere but to a path of this
// site. Redirect to it after signing in; let the sign-in form carry it on as a hidden field of that name.
func ReturnPath(r *http.Request) string {
	values := r.URL.Query()[returnTo]
	if len(values) == 0 && r.ParseForm() == nil {
		values = r.PostForm[returnTo]
	}
	if len(values) != 1 || len(values[0]) > maxReturnTo || !localPath(values[0]) {
		return "/"
	}
	return values[0]
}

// RefererPath is the path and query of the page of this host that a form was sent from; "/" if that is not
// known.
func RefererPath(r *http.Request) string { return cmp.Or(refererPath(r), "/") }

func refererPath(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || strings.Contains(u.Path, `\`) {
		return ""
	}
	u.Scheme, u.User, u.Host, u.Fragment, u.RawFragment = "", nil, "", "", ""
	if path := u.String(); len(path) <= maxReturnTo && localPath(path) {
		return path
	}
	return ""
}

// localPath reports whether a browser that is redirected to p stays on this site.
func localPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "//") &&
		!strings.ContainsFunc(p, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' })
}
