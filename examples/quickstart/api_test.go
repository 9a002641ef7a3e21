package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMeSaysWhoAsksByHeaderOrCookie(t *testing.T) {
	s := newSite(t)
	browser, app := s.signedIn(), s.granted()
	for name, a := range map[string]answer{
		"cookie": browser.me(),
		"header": s.app().get("/api/me", "Authorization", "Bearer "+app.Access),
	} {
		got := decode[identity](t, a.want(t, 200))
		if got.Subject != "alice" || got.SessionID == "" || got.ExpiresAt-got.IssuedAt != 600 || got.Scope != "notes admin" || got.Data["name"] != "Alice Liddell" {
			t.Errorf("by %s: %+v", name, got)
		}
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("by %s: may be cached", name)
		}
	}
	access, _ := browser.held()
	s.app().get("/api/me").want(t, 401)
	s.app().get("/api/me?access_token="+access).want(t, 401)
	s.app().get("/api/me", "Authorization", "Bearer").want(t, 401) // Past failure: CVE-2023-48312
	browser.get("/api/me", "Authorization", "Bearer "+app.Access).want(t, 400)
}

func TestANoteIsWrittenOnlyByItsUser(t *testing.T) {
	s := newSite(t)
	v := s.signedIn()
	read := func() string { t.Helper(); return v.get("/").want(t, 200).body }

	v.post("/api/note", "text", "<script>alert(1)</script>\r\nsecond line").want(t, http.StatusSeeOther)
	if page := read(); !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;\nsecond line</textarea>") || strings.Contains(page, "<script") {
		t.Error("the note does not come back as text")
	}
	t.Run("not by another site that uses the cookies", func(t *testing.T) { // req 77
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site"},
			{"Sec-Fetch-Site", "same-site"},
			{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
			{"Sec-Fetch-Site", "", "Origin", "null"},
		} {
			v.send("/api/note", url.Values{"text": {"forged"}}, headers...).want(t, 403)
		}
		if strings.Contains(read(), "forged") {
			t.Error("another site wrote it")
		}
	})
	t.Run("by a token from anywhere, as no browser adds it", func(t *testing.T) {
		s.app().send("/api/note", url.Values{"text": {"from the app"}}, "Authorization", "Bearer "+s.granted().Access, "Origin", "https://other.example").want(t, 200)
		if !strings.Contains(read(), "from the app") {
			t.Error("it was not written")
		}
	})
	t.Run("not without the scope", func(t *testing.T) { // req 71
		carol := s.browser()
		carol.post("/login", "username", "carol", "password", "nothing").want(t, http.StatusSeeOther)
		if a := carol.post("/api/note", "text", "x").want(t, 403); !strings.Contains(a.Header.Get("WWW-Authenticate"), `scope="notes"`) {
			t.Error("the challenge does not name the scope")
		}
	})
	t.Run("not by a GET, not by nobody, and not a book", func(t *testing.T) {
		v.get("/api/note?text=x").want(t, http.StatusMethodNotAllowed)
		s.app().post("/api/note", "text", "x").want(t, 401)
		v.post("/api/note", "text", strings.Repeat("ü", longestNote+1)).want(t, http.StatusRequestEntityTooLarge)
		v.post("/api/note", "text", strings.Repeat("x", largestForm)).want(t, 400) // req 96
		v.post("/api/note", "text", strings.Repeat("ü", longestNote)).want(t, http.StatusSeeOther)
	})
	t.Run("and bob sees none of it", func(t *testing.T) {
		bob := s.browser()
		bob.post("/login", "username", "bob", "password", "builder").want(t, http.StatusSeeOther)
		if !strings.Contains(bob.get("/").want(t, 200).body, `maxlength="2000">`+"\n</textarea>") {
			t.Error("bob has a note")
		}
	})
}

func TestTheDatabaseSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quickstart.db")
	for _, port := range []string{"8080", "9090"} {
		db, err := openDatabase(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		issuer, err := db.issuer(t.Context(), "http://127.0.0.1:"+port)
		if err != nil || issuer != "http://127.0.0.1:8080" {
			t.Errorf("issuer %q, %v", issuer, err)
		}
		if note, err := db.note(t.Context(), "alice"); err != nil || (note == "kept") != (port == "9090") {
			t.Errorf("note %q, %v", note, err)
		}
		if err := db.setNote(t.Context(), "alice", "kept"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAppRefreshes(t *testing.T) {
	s := newSite(t)
	app := s.granted()
	s.wait(11 * time.Minute)
	s.app().get("/api/me", "Authorization", "Bearer "+app.Access).want(t, 401)
	a := s.refresh(app.Refresh).want(t, 200)
	next := decode[tokens](t, a)
	if next.Access == "" || next.Refresh == "" || next.Refresh == app.Refresh || len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Cache-Control") != "no-store" {
		t.Error("no new tokens, or not in a private body alone")
	}
	s.app().get("/api/me", "Authorization", "Bearer "+next.Access).want(t, 200)
}

func TestARefreshTokenThatIsNoGoodIsInvalidGrant(t *testing.T) {
	// Each case makes a token that is no good.
	for name, spoil := range map[string]func(s *site, v tokens) string{
		"one that was never given": func(*site, tokens) string { return "rt1.AAAA" },
		"no token at all":          func(*site, tokens) string { return "x" },
		"a truncated one":          func(_ *site, v tokens) string { return v.Refresh[:len(v.Refresh)-1] },
		"a re-cased one":           func(_ *site, v tokens) string { return strings.ToUpper(v.Refresh) },
		"an access token":          func(_ *site, v tokens) string { return v.Access }, // req 13
		"one that has expired":     func(s *site, v tokens) string { s.wait(15 * 24 * time.Hour); return v.Refresh },
		"one of a session that was signed out": func(s *site, v tokens) string {
			s.app().post("/logout", "refresh_token", v.Refresh).want(s.t, 204)
			return v.Refresh
		},
		"one used long before its successors": func(s *site, v tokens) string { // req 46
			last := v.Refresh
			for range 2 {
				s.wait(11 * time.Minute)
				last = decode[tokens](s.t, s.refresh(last).want(s.t, 200)).Refresh
			}
			s.refresh(v.Refresh).want(s.t, 400)
			return last // the theft has ended the whole family
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			a := s.refresh(spoil(s, s.granted())).want(t, 400)
			if got := decode[map[string]string](t, a)["error"]; got != "invalid_grant" {
				t.Errorf("error %q", got)
			}
		})
	}
}

func TestABrowserIsRefreshed(t *testing.T) {
	s := newSite(t)
	v := s.signedIn()
	before := decode[identity](t, v.me())
	t.Run("by asking", func(t *testing.T) {
		s.wait(11 * time.Minute)
		if a := v.post("/refresh").want(t, 200); !a.setsCookies() || strings.Contains(a.body, "rt1.") {
			t.Error("the new tokens are not in cookies alone")
		}
	})
	t.Run("before a page is shown", func(t *testing.T) {
		s.wait(11 * time.Minute)
		if page := v.get("/").want(t, 200); !strings.Contains(page.body, "Alice Liddell") || !page.setsCookies() {
			t.Error("the account page did not come with new cookies")
		}
	})
	t.Run("before a form is taken", func(t *testing.T) {
		s.wait(11 * time.Minute)
		v.post("/api/note", "text", "late").want(t, http.StatusSeeOther)
	})
	t.Run("not for another site", func(t *testing.T) {
		s.wait(11 * time.Minute)
		for _, path := range []string{"/refresh", "/api/note"} {
			if a := v.send(path, url.Values{}, "Sec-Fetch-Site", "cross-site").want(t, 403); len(a.Header["Set-Cookie"]) > 0 {
				t.Error("another site made the browser refresh")
			}
		}
	})
	after := decode[identity](t, v.me().want(t, 200))
	if after.SessionID != before.SessionID || after.IssuedAt <= before.IssuedAt {
		t.Error("not the same session with a newer token")
	}
	s.browser().post("/refresh").want(t, 401)
}
