package middleware_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/writ-go/writ/middleware"
)

// req 77. Past failures: CVE-2025-24358 and CVE-2025-46721, where the origin check was void on plain
// HTTP and for a missing Origin.
func TestACookieCountsOnlyForRequestsOfThisSite(t *testing.T) {
	for _, c := range []struct {
		name, method string
		headers      []string
		ok           bool
	}{
		{"a form of this site", "POST", []string{"Sec-Fetch-Site", "same-origin", "Origin", "OWN"}, true},
		{"a form of another site", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		{"a form of a sibling host", "POST", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example"}, false},
		{"a form of another site that lies about its Origin", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "OWN"}, false},
		{"a trusted origin", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://spa.example"}, true},
		{"a trusted host by plain http", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "http://spa.example"}, false},
		{"a trusted host's sibling", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://spa.example.evil.example"}, false},
		{"an unknown Sec-Fetch-Site", "POST", []string{"Sec-Fetch-Site", "odd"}, false},
		{"an older browser, this site", "POST", []string{"Origin", "OWN"}, true},
		{"an older browser, another site", "POST", []string{"Origin", "https://evil.example"}, false},
		{"an older browser, another port", "POST", []string{"Origin", "https://127.0.0.1:1"}, false},
		{"an older browser, Origin null", "POST", []string{"Origin", "null"}, false},
		{"an older browser, a Referer of this site and another Origin", "POST", []string{"Referer", "OWN", "Origin", "https://evil.example"}, false},
		{"neither header: no browser", "POST", nil, true},
		{"DELETE", "DELETE", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"a method of one's own", "BREW", []string{"Sec-Fetch-Site", "cross-site"}, false},
		{"GET changes nothing", "GET", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"HEAD changes nothing", "HEAD", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"another site opens a WebSocket", "GET", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Upgrade", "websocket"}, false},
		{"an older browser, another site opens a WebSocket", "GET", []string{"Origin", "https://evil.example", "Upgrade", "websocket"}, false},
		{"this site opens a WebSocket", "GET", []string{"Sec-Fetch-Site", "same-origin", "Origin", "OWN", "Upgrade", "websocket"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLogin()
			g := newGuard(middleware.Config{
				Verifier: l.verifier, TrustedOrigins: []string{"https://spa.example"},
				From: []middleware.Source{middleware.Bearer(), middleware.Cookies{}}})
			secure, secureClient := serve(t, g.Func(hello))
			plain := httptest.NewServer(g.Func(hello))
			defer plain.Close()
			send := func(client *http.Client, url, name, value string) int {
				r, _ := http.NewRequest(c.method, url, nil)
				for i := 0; i < len(c.headers); i += 2 {
					v := c.headers[i+1]
					if v == "OWN" {
						v = url
					}
					r.Header.Set(c.headers[i], v)
				}
				r.Header.Set(name, value)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return resp.StatusCode
			}
			want := 200
			if !c.ok {
				want = 403
			}
			if got := send(secureClient, secure, "Cookie", "__Host-access="+l.token()); got != want {
				t.Errorf("cookie over TLS: %d, want %d", got, want)
			}
			if got := send(plain.Client(), plain.URL, "Cookie", "__Host-access="+l.token()); got != want {
				t.Errorf("cookie over plain http: %d, want %d", got, want)
			}
			if got := send(secureClient, secure, "Authorization", "Bearer "+l.token()); got != 200 {
				t.Errorf("a token in the header, which no browser sends unasked: %d", got)
			}
		})
	}
}

func TestCrossOriginIsTheSameCheckForSignIn(t *testing.T) {
	check, err := middleware.CrossOrigin([]string{"https://spa.example"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "https://app.example/login", nil)
	if err := check(r); err != nil {
		t.Errorf("no browser: %v", err)
	}
	r.Header.Set("Origin", "https://spa.example")
	if err := check(r); err != nil {
		t.Errorf("a trusted origin: %v", err)
	}
	r.Header.Set("Origin", "https://evil.example")
	if err := check(r); !errors.Is(err, middleware.ErrCrossOrigin) {
		t.Errorf("another site: %v", err)
	}
	for _, origin := range []string{"", "*", "app.example", "https://app.example/", "null"} {
		if _, err := middleware.CrossOrigin([]string{origin}); err == nil {
			t.Errorf("%q was taken for an origin", origin)
		}
	}
}
