package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// cookies are what the browser would send with a request for this page, by name.
func (b *tab) cookies() map[string]*network.Cookie {
	b.t.Helper()
	got, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	b.must(err)
	cookies := map[string]*network.Cookie{}
	for _, c := range got.Cookies {
		cookies[c.Name] = c
	}
	return cookies
}

// jar is every cookie that the browser holds.
func (b *tab) jar() []*network.Cookie {
	b.t.Helper()
	got, err := chromedp.CallBrowser(b.ctx, storage.GetCookies, storage.GetCookiesParams{
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	})
	b.must(err)
	return got.Cookies
}

// emptyJar takes every cookie away.
func (b *tab) emptyJar() {
	b.t.Helper()
	_, err := chromedp.CallBrowser(b.ctx, storage.ClearCookies, storage.ClearCookiesParams{
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
	})
	b.must(err)
}

// setCookies puts cookies back that a browser had for this page.
func (b *tab) setCookies(held []*network.Cookie) {
	b.t.Helper()
	p := storage.SetCookiesParams{BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID}
	for _, c := range held {
		p.Cookies = append(p.Cookies, &network.CookieParam{
			Name: c.Name, Value: c.Value, URL: b.origin(), Path: c.Path, Secure: c.Secure, HTTPOnly: c.HTTPOnly, SameSite: c.SameSite,
		})
	}
	_, err := chromedp.CallBrowser(b.ctx, storage.SetCookies, p)
	b.must(err)
}

// access is what the access token says.
type access struct {
	SessionID string `json:"sid"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

func (b *tab) access() (a access) {
	b.t.Helper()
	cookie := b.cookies()["__Host-access"]
	if cookie == nil {
		b.t.Fatal("the browser has no access token")
	}
	parts := strings.Split(cookie.Value, ".")
	if len(parts) != 3 {
		b.t.Fatal("the access cookie holds no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	b.must(err)
	b.must(json.Unmarshal(payload, &a))
	return a
}

// outlast waits until the access token has expired, for every clock.
func (b *tab) outlast() {
	b.t.Helper()
	time.Sleep(time.Until(time.Unix(b.access().ExpiresAt, 0).Add(100 * time.Millisecond)))
}

// tokens is both tokens that the browser holds.
func (b *tab) tokens() string {
	b.t.Helper()
	values := map[string]string{}
	for _, c := range b.jar() {
		values[c.Name] = c.Value
	}
	return values["__Host-access"] + " " + values["__Host-refresh"]
}
