package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
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

// newBrowser opens a tab of a browser without a past.
func newBrowser(t *testing.T) *tab {
	t.Helper()
	ctx, err := chromium()
	switch {
	case err == errNoChromium && os.Getenv("CI") != "true":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return (&tab{t, ctx, &trace{}}).open(chromedp.WithNewBrowserContext())
}

// in is the same tab for a part of its test, without the cookies of the parts before. What a site showed there
// is of no matter to another site, which has an origin of its own.
func (b *tab) in(t *testing.T) *tab {
	part := &tab{t, b.ctx, b.seen}
	part.emptyJar()
	return part
}

// open opens another tab, which shares the cookies unless an option says otherwise.
func (b *tab) open(options ...chromedp.ContextOption) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	next := &tab{b.t, ctx, b.seen}
	b.t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			b.t.Logf("closing the tab: %v", err)
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
	if status := b.press(selector); status != 200 {
		b.t.Fatalf("%s leads to a page with status %d", selector, status)
	}
}

// leave runs JavaScript that leads to another page, and waits for that.
func (b *tab) leave(script string) (status int) {
	b.t.Helper()
	return b.follow(chromedp.Evaluate[chromedp.Void](script))
}

// press presses a button, and waits for the page that it leads to.
func (b *tab) press(selector string) (status int) {
	b.t.Helper()
	return b.follow(chromedp.Click(chromedp.CSS(selector)))
}

// status is how a page that is visited was answered.
func (b *tab) status(address string) int {
	b.t.Helper()
	return int(run(b, chromedp.NavigateResponse(address)).Status)
}

func (b *tab) follow(step chromedp.Action[chromedp.Void]) (status int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	b.must(err)
	return int(resp.Status)
}

// back presses the back button, and reports whether the browser shows the page as it kept it, scripts running on,
// instead of loading it.
func (b *tab) back() (kept bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	events := make(chan any, 64)
	b.must(chromedp.Listen(ctx, func(event any) {
		switch event.(type) {
		case *page.EventFrameNavigated, *page.EventLoadEventFired:
			events <- event
		}
	}))
	history := run(b, chromedp.NavigationEntries())
	_, err := chromedp.Call(ctx, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: history.Entries[history.CurrentIndex-1].ID})
	b.must(err)
	for navigated := false; ; {
		select {
		case event := <-events:
			switch e := event.(type) {
			case *page.EventFrameNavigated:
				if e.Frame.ParentID == "" && e.Type == page.NavigationTypeBackForwardCacheRestore {
					return true
				}
				navigated = navigated || e.Frame.ParentID == ""
			case *page.EventLoadEventFired:
				if navigated {
					return false
				}
			}
		case <-ctx.Done():
			b.t.Fatal("the way back leads nowhere")
		}
	}
}

// count is how many elements match a selector.
func (b *tab) count(selector string) int {
	b.t.Helper()
	return run(b, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", selector)))
}

// signedIn fails unless the page is alice's at a site.
func (b *tab) signedIn() {
	b.t.Helper()
	if b.count("#who") != 1 {
		b.t.Fatal("alice is signed out")
	}
}

// text is what the page shows.
func (b *tab) text() string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string]("document.body.innerText"))
}

// visit opens an address and waits for the page.
func (b *tab) visit(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// origin is the page's.
func (b *tab) origin() string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string]("location.origin"))
}

// script runs JavaScript in the page, and waits for what it promises.
func (b *tab) script(text string) string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[string]("(async () => String(await ("+text+")))()", chromedp.EvalAwaitPromise))
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
