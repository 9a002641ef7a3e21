package middleware

import (
	"errors"
	"net/http"
	"net/url"
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

// location is the page with where to return to, if that is a page; again asks somebody who is signed in.
func (s signInPage) location(r *http.Request, again bool) string {
	query := s.page.Query()
	if again {
		query.Set("prompt", "login") // the name that OpenID Connect gives to it
	}
	if path := requested(r); path != "" {
		query.Set(returnTo, path)
	}
	page := *s.page
	page.RawQuery = query.Encode()
	return page.String()
}

// requested is the path and query that r asks for as a browser knows it; empty if it is no page to go to.
func requested(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
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

// localPath reports whether a browser that is redirected to p stays on this site.
func localPath(p string) bool {
	return strings.HasPrefix(p, "/") && !strings.HasPrefix(p, "//") &&
		!strings.ContainsFunc(p, func(c rune) bool { return c <= ' ' || c > '~' || c == '\\' })
}
