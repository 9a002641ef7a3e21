package writtest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/writ-go/writ"
)

// Browser is an http.Client that keeps cookies as browsers do, and sends the headers of one that shows a
// page of the site: Accept, Origin and Sec-Fetch-Site, -Mode and -Dest, unless a request has them. It
// follows no redirect; set CheckRedirect to nil for one that does.
//
// A test that sets Sec-Fetch-Site to cross-site gets the cookies sent, whatever their SameSite: so it sees
// what the program itself refuses.
type Browser struct {
	*http.Client

	t    testing.TB
	jar  *jar
	home *url.URL
}

// NewBrowser makes a Browser with an empty jar, for a server that is started: one of
// httptest.NewTLSServer or of NewServer. To a server without TLS it sends Secure cookies only if that is on
// this machine, as browsers do.
func NewBrowser(t testing.TB, server *httptest.Server) *Browser {
	t.Helper()
	home, err := url.Parse(server.URL)
	if err != nil || home.Host == "" {
		t.Fatal("writtest: the server is not started")
	}
	jar := newJar()
	return &Browser{
		Client: &http.Client{
			Transport:     page{server.Client().Transport},
			Jar:           jar,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		t:    t,
		jar:  jar,
		home: home,
	}
}

// SignIn starts a session in the browser, as a login form does whose handler calls Manager.SignIn with l.
// It returns that handler's answer, which with Cookies.RefreshOnly has the access token.
func (b *Browser) SignIn(m *writ.Manager, l writ.Login) *http.Response {
	b.t.Helper()
	at := *b.home
	at.Path = b.jar.deepest()
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, at.String(), nil)
	sameOrigin(r)
	for _, c := range b.jar.Cookies(&at) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	if err := m.SignIn(w, r, l); err != nil {
		b.t.Fatalf("writtest: %v", err)
	}
	res := w.Result()
	b.jar.SetCookies(&at, res.Cookies())
	return res
}

// Cookies are those that the browser has, each with all that Set-Cookie said.
func (b *Browser) Cookies() []*http.Cookie { return b.jar.all() }

// page is what a browser's requests say of where they come from.
type page struct{ next http.RoundTripper }

func (p page) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // the caller's is not to be changed
	sameOrigin(r)
	return p.next.RoundTrip(r)
}

func sameOrigin(r *http.Request) {
	add := func(name, value string) {
		if _, there := r.Header[name]; !there {
			r.Header.Set(name, value)
		}
	}
	if _, there := r.Header["Sec-Fetch-Site"]; !there && r.Method != http.MethodGet && r.Method != http.MethodHead {
		add("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	add("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	add("Sec-Fetch-Site", "same-origin")
	add("Sec-Fetch-Mode", "navigate")
	add("Sec-Fetch-Dest", "document")
}
