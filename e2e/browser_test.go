package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is one tab of a browser. Whatever goes wrong in it ends the test.
type tab struct {
	t    *testing.T
	ctx  context.Context
	seen *trace
}

// trace is where a token must never turn up: addresses, Referer headers and the console.
type trace struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *trace) add(v ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(&s.text, v...)
}

func (s *trace) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newBrowser starts a browser without a past.
func newBrowser(t *testing.T) *tab {
	t.Helper()
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("no Chromium: install one (apt-get install chromium)")
		}
		t.Skip("no Chromium: install one (apt-get install chromium) to run the browser tests")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium),
		chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1000, 900),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which root cannot have
	}
	deadline, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	allocator, stop := chromedp.NewExecAllocator(deadline, options...)
	t.Cleanup(func() { stop(); cancel() })
	return (&tab{t, allocator, &trace{}}).open()
}

// open opens another tab, which shares the cookies unless an option says otherwise.
func (b *tab) open(options ...chromedp.ContextOption) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	next := &tab{b.t, ctx, b.seen}
	b.t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			b.t.Logf("closing the browser: %v", err)
		}
		cancel()
	})
	next.must(chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			next.seen.add("request", e.Request.URL, e.Request.Headers["Referer"])
		case *network.EventRequestWillBeSentExtraInfo:
			next.seen.add("referer", e.Headers["Referer"], e.Headers["referer"])
		case *runtime.EventConsoleAPICalled:
			for _, arg := range e.Args {
				next.seen.add("console", string(arg.Value), arg.Description)
			}
		case *log.EventEntryAdded:
			next.seen.add("console", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	}))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	next.must(err)
	return next
}

// withoutScripts turns JavaScript off in this tab, and makes sure that it is.
func (b *tab) withoutScripts() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.must(err)
	b.do(chromedp.Navigate(`data:text/html,<title>off</title><script>document.title="on"</script>`))
	if title := run(b, chromedp.Title()); title != "off" {
		b.t.Fatal("JavaScript is not off")
	}
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

const patience = 20 * time.Second

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(chromedp.Do(ctx, steps...))
}

func run[T any](b *tab, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	b.must(err)
	return v
}

// click presses a button and waits for the page that it leads to, which must be there.
func (b *tab) click(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
	b.must(err)
	if resp.Status != 200 {
		b.t.Fatalf("%s leads to a page with status %d", selector, resp.Status)
	}
}

// back presses the back button, and fails if the browser shows what it kept instead of asking again.
func (b *tab) back() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.NavigateBack()); err != nil {
		b.t.Fatalf("no page was loaded on the way back: %v", err)
	}
}

// count is how many elements match a selector.
func (b *tab) count(selector string) int {
	b.t.Helper()
	return run(b, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
}

// text is what the page shows.
func (b *tab) text() string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string]("document.body.innerText"))
}

// cookies are what the browser holds, by name.
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

// picture leaves a screenshot, if somebody wants to see one.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("WRIT_SCREENSHOTS")
	if dir == "" {
		return
	}
	for _, look := range []struct {
		name  string
		width int64
		dark  string
	}{{"wide", 1000, "light"}, {"dark", 1000, "dark"}, {"phone", 360, "light"}} {
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.dark}},
		})
		b.must(err)
		b.do(chromedp.EmulateViewport(look.width, 800))
		b.must(os.WriteFile(filepath.Join(dir, name+"-"+look.name+".png"), run(b, chromedp.FullScreenshot(100)), 0o600))
	}
	b.do(chromedp.ResetViewport())
}

// keepsSecrets fails if a token turned up where others could read it. // req 100
// Past failures: CVE-2026-44883 and CVE-2026-34969, tokens in URLs.
func (b *tab) keepsSecrets(s *server) {
	b.t.Helper()
	if !strings.Contains(b.seen.String(), s.url) || !strings.Contains(s.written(), "POST /login") {
		b.t.Error("nothing was recorded")
	}
	for place, text := range map[string]string{"an address, a Referer or the console": b.seen.String(), "the server's log": s.written()} {
		for _, piece := range []string{"rt1.", "eyJ"} {
			if strings.Contains(text, piece) {
				b.t.Errorf("a token is in %s", place)
			}
		}
	}
	if strings.Contains(b.seen.String(), "Content Security Policy") {
		b.t.Error("a page does something that its own policy forbids")
	}
	if got := run(b, chromedp.Evaluate[string]("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")); got != "{}{}" {
		b.t.Error("a script can read something")
	}
}
