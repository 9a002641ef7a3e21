package middleware_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/writ-go/writ/middleware"
)

// req 73
func TestAFormHoldsATokenOnlyWhereRFC6750AllowsIt(t *testing.T) {
	l := newLogin()
	for _, c := range []struct {
		name, method, contentType, body string
		form                            middleware.Form
		status                          int
	}{
		{"POST", "POST", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{}, 200},
		{"PUT", "PUT", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{}, 200},
		{"a type in capitals, with a parameter", "POST", "Application/X-WWW-Form-Urlencoded;charset=utf-8", "access_token=T", middleware.Form{}, 200},
		{"a name of one's own", "POST", "application/x-www-form-urlencoded", "ticket=T", middleware.Form{Name: "ticket"}, 200},
		{"another's name", "POST", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{Name: "ticket"}, 401},
		{"GET with a body", "GET", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{}, 401},
		{"HEAD with a body", "HEAD", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{}, 401},
		{"DELETE with a body, which net/http does not parse", "DELETE", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{}, 401},
		{"several parts", "POST", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\nT\r\n--x--\r\n", middleware.Form{}, 401},
		{"text", "POST", "text/plain", "access_token=T", middleware.Form{}, 401},
		{"no type", "POST", "", "access_token=T", middleware.Form{}, 401},
		{"exactly as large as allowed", "POST", "application/x-www-form-urlencoded", "access_token=T", middleware.Form{MaxBytes: int64(len("access_token=" + l.token()))}, 200},
		{"a byte too large", "POST", "application/x-www-form-urlencoded", "access_token=T&", middleware.Form{MaxBytes: int64(len("access_token=" + l.token()))}, 413},
		{"too large for the default", "POST", "application/x-www-form-urlencoded", "access_token=T&a=" + strings.Repeat("x", 1<<20), middleware.Form{}, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{c.form}})
			for _, chunked := range []bool{false, true} {
				url, client := serve(t, g.Func(hello))
				var body io.Reader = strings.NewReader(strings.Replace(c.body, "T", l.token(), 1))
				if chunked {
					body = io.MultiReader(body) // its length is not known
				}
				r, _ := http.NewRequest(c.method, url, body)
				r.Header.Set("Content-Type", c.contentType)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != c.status {
					t.Errorf("chunked %t: status %d, want %d", chunked, resp.StatusCode, c.status)
				}
			}
		})
	}
	t.Run("a limit that somebody has set before is too large, too", func(t *testing.T) {
		g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Form{}}})
		r, w := formRequest(), httptest.NewRecorder()
		r.Body = http.MaxBytesReader(w, r.Body, 3)
		r.ContentLength = -1
		g.Optional().Func(hello).ServeHTTP(w, r)
		if w.Code != 413 {
			t.Errorf("status %d", w.Code)
		}
	})
	t.Run("a body that breaks off is no request without a credential", func(t *testing.T) {
		g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{middleware.Form{}}})
		r, w := formRequest(), httptest.NewRecorder()
		r.Body = io.NopCloser(io.MultiReader(strings.NewReader("a=1&acc"), brokenReader{}))
		r.ContentLength = -1
		g.Optional().Func(hello).ServeHTTP(w, r)
		if w.Code != 400 {
			t.Errorf("status %d", w.Code)
		}
	})
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// req 77
func TestAHiddenFieldCountsOnlyForRequestsOfThisSite(t *testing.T) {
	l := newLogin()
	custom := func(notAmbient bool) middleware.Source {
		return &middleware.Custom{Place: "x", Find: func(r *http.Request) []string { return r.Header["X-Token"] }, NotAmbient: notAmbient}
	}
	for _, c := range []struct {
		name   string
		from   middleware.Source
		put    string
		status int
	}{
		{"a hidden field", middleware.Form{}, "form", 403},
		{"a custom place", custom(false), "x", 403},
		{"a custom place that only scripts reach", custom(true), "x", 200},
		{"the URL", middleware.Query{}, "query", 200},
		{"a header", middleware.Header{Name: "X-Access-Token"}, "header", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(middleware.Config{Verifier: l.verifier, From: []middleware.Source{c.from}})
			r, w := formRequest(), httptest.NewRecorder()
			if c.put == "x" {
				r.Header.Set("X-Token", l.token())
			} else {
				places[c.put](r, l.token())
			}
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			g.Func(hello).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			if c.status == 403 && !strings.Contains(w.Body.String(), "Sec-Fetch-Site") {
				t.Errorf("the refusal does not say which rule: %s", w.Body)
			}
		})
	}
}
