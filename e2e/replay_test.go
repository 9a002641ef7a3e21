package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/middleware"
	"github.com/writ-go/writ/token"
)

// transports are all the ways in which a token may come, and how a client uses each.
var transports = map[string]struct {
	source middleware.Source
	put    func(r *http.Request, raw string)
}{
	"bearer": {middleware.Bearer(), func(r *http.Request, raw string) { r.Header.Set("Authorization", "Bearer "+raw) }},
	"header": {middleware.Header{Name: "X-Access-Token"}, func(r *http.Request, raw string) { r.Header.Set("X-Access-Token", raw) }},
	"cookie": {middleware.Cookies{}, func(r *http.Request, raw string) { r.Header.Set("Cookie", "__Host-access="+raw) }},
	"query":  {middleware.Query{}, func(r *http.Request, raw string) { r.URL.RawQuery = url.Values{"access_token": {raw}}.Encode() }},
	"form": {middleware.Form{}, func(r *http.Request, raw string) {
		setForm(r, url.Values{"access_token": {raw}})
	}},
	"custom": {&middleware.Custom{Place: "the Sec-WebSocket-Protocol header", Find: subprotocols}, func(r *http.Request, raw string) {
		r.Header.Set("Sec-WebSocket-Protocol", "chat, token."+raw)
	}},
}

func subprotocols(r *http.Request) (found []string) {
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for part := range strings.SplitSeq(line, ",") {
			if raw, ok := strings.CutPrefix(strings.TrimSpace(part), "token."); ok {
				found = append(found, raw)
			}
		}
	}
	return found
}

func setForm(r *http.Request, form url.Values) {
	body := form.Encode()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// byTransport mounts a handler for each at /by/.
func (s *site) byTransport() {
	for name, transport := range transports {
		s.mux.Handle("/by/"+name, s.sessions.Guard(transport.source).Func(func(w http.ResponseWriter, _ *http.Request, t *token.Verified) {
			s.ran(name)
			fmt.Fprint(w, t.Subject())
		}))
	}
}

// send is a program that does what a browser would not: it sends what it likes.
func (s *site) send(path string, change func(*http.Request)) int {
	s.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(certificate().Leaf)
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.secure.Listener.Addr().String())
		},
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.at("app.test", path), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	change(r)
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal("a request failed") // its error has the URL
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Past failures: the many sign-outs that only clear a cookie.
func TestWhatWasCopiedFromABrowserIsWorthlessAfterItsSignOut(t *testing.T) {
	browser := newBrowser(t)
	for how, signOut := range map[string]func(b *tab, s *site){
		"by its form":  func(b *tab, s *site) { b.visit(s.at("app.test", "/")); b.press("#sign-out") },
		"by a script":  func(b *tab, s *site) { b.script(`fetch("/logout", {method: "POST"})`) },
		"everywhere":   func(b *tab, s *site) { b.script(`fetch("/logout-all", {method: "POST"})`) },
		"by a new one": func(b *tab, s *site) { b.visit(s.at("app.test", "/enter")) },
	} {
		t.Run(how, func(t *testing.T) {
			b, s := browser.in(t), newSite(t)
			s.byTransport()
			e := s.sessions.Endpoints()
			s.mux.Handle("POST /refresh", e.Refresh)
			s.mux.Handle("POST /token", e.Token)
			s.mux.Handle("POST /logout-all", e.LogoutAll)
			b.visit(s.at("app.test", "/enter"))
			var access, refresh []string
			keep := func() {
				held := b.cookies()
				access, refresh = append(access, held["__Host-access"].Value), append(refresh, held["__Host-refresh"].Value)
			}
			keep()
			s.wait(accessTTL - 40*time.Second) // the first token is good still
			b.script(`fetch("/refresh", {method: "POST"})`)
			keep()
			if access[0] == access[1] || refresh[0] == refresh[1] {
				t.Fatal("there are no new tokens")
			}
			replay := func(want int) {
				t.Helper()
				for name, transport := range transports {
					for i, raw := range access {
						if status := s.send("/by/"+name, func(r *http.Request) { transport.put(r, raw) }); status != want {
							t.Errorf("%s, generation %d: status %d, want %d", name, i, status, want)
						}
					}
				}
			}
			replay(http.StatusOK)
			signOut(b, s)
			ran := s.times("bearer")
			replay(http.StatusUnauthorized)
			if s.times("bearer") != ran {
				t.Error("the handler ran")
			}
			for i, raw := range refresh {
				if status := s.send("/refresh", func(r *http.Request) { r.Header.Set("Cookie", "__Host-refresh="+raw) }); status != http.StatusUnauthorized {
					t.Errorf("the refresh cookie of generation %d: status %d", i, status)
				}
				if status := s.send("/token", func(r *http.Request) {
					setForm(r, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {raw}})
				}); status != http.StatusBadRequest {
					t.Errorf("the refresh token of generation %d: status %d", i, status)
				}
				if status := s.send("/by/cookie", func(r *http.Request) { r.Header.Set("Cookie", "__Host-refresh="+raw) }); status != http.StatusUnauthorized {
					t.Errorf("a page with the refresh cookie of generation %d: status %d", i, status)
				}
			}
		})
	}
}
