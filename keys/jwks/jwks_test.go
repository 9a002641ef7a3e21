package jwks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/keys/jwks"
)

func newRing(t testing.TB) *keys.Ring { return newRingOf(t, keys.ES256) }

func newRingOf(t testing.TB, a keys.Algorithm) *keys.Ring {
	t.Helper()
	r, err := keys.Open(context.Background(), keys.Config{
		Issuer: "https://app.example", Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), InClear: true, Algorithm: a,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func serve(h http.Handler, method string, header ...string) *http.Response {
	req := httptest.NewRequest(method, "/jwks.json", nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Result()
}

func body(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// req 32
func TestTheSetHoldsThePublicKeysAndNothingPrivate(t *testing.T) {
	r := newRing(t)
	res := serve(jwks.Handler(r), "GET")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/jwk-set+json" {
		t.Fatalf("%s, %s", res.Status, res.Header.Get("Content-Type"))
	}
	text := body(t, res)
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	if len(set.Keys) != 1 {
		t.Fatalf("%d keys, want 1: no MAC key may be among them", len(set.Keys))
	}
	for _, k := range set.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
			if _, ok := k[private]; ok {
				t.Errorf("the member %q is published", private)
			}
		}
		if k["kty"] == "oct" || k["use"] != "sig" || k["alg"] != "ES256" || k["kid"] != r.Publics()[0].ID() {
			t.Errorf("kty %q use %q alg %q kid %q", k["kty"], k["use"], k["alg"], k["kid"])
		}
	}
	key, err := json.Marshal(set.Keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if k, err := keys.ParseJWK(keys.ES256, key); err != nil || k.ID() != r.Publics()[0].ID() {
		t.Errorf("the published key does not read back: %v", err)
	}
}

// req 43
func TestCaching(t *testing.T) {
	h := jwks.Handler(newRing(t))
	res := serve(h, "GET")
	etag := res.Header.Get("ETag")
	if cc := res.Header.Get("Cache-Control"); cc != "public, max-age=300" {
		t.Errorf("Cache-Control: %s", cc)
	}
	if len(etag) < 10 || !strings.HasPrefix(etag, `"`) || !strings.HasSuffix(etag, `"`) {
		t.Fatalf("ETag %s is not a strong one", etag)
	}
	for name, c := range map[string]struct {
		header string
		want   int
	}{
		"the same":            {etag, 304},
		"weakened by a proxy": {"W/" + etag, 304},
		"in a list":           {`"x", ` + etag, 304},
		"any":                 {"*", 304},
		"another":             {`"x"`, 200},
		"not quoted":          {strings.Trim(etag, `"`), 200},
	} {
		res := serve(h, "GET", "If-None-Match", c.header)
		text := body(t, res)
		if res.StatusCode != c.want || (res.StatusCode == 304) != (text == "") {
			t.Errorf("If-None-Match %s: %s with %d bytes", name, res.Status, len(text))
		}
		if res.Header.Get("ETag") != etag || res.Header.Get("Cache-Control") == "" {
			t.Errorf("If-None-Match %s: ETag or Cache-Control is missing", name)
		}
	}
	if other := serve(jwks.Handler(newRing(t)), "GET").Header.Get("ETag"); other == etag {
		t.Error("two sets have one ETag")
	}
}

func TestMethods(t *testing.T) {
	h := jwks.Handler(newRing(t))
	if res := serve(h, "HEAD"); res.StatusCode != 200 || body(t, res) != "" || res.Header.Get("ETag") == "" {
		t.Errorf("HEAD: %s", res.Status)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "get"} {
		if res := serve(h, method); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s, Allow %q", method, res.Status, res.Header.Get("Allow"))
		}
	}
}

// req 43
func TestAnEmptySetIsNeverServed(t *testing.T) {
	res := serve(jwks.Handler(new(keys.Ring)), "GET")
	if res.StatusCode != 503 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Retry-After") == "" || res.Header.Get("ETag") != "" {
		t.Errorf("%s, %v", res.Status, res.Header)
	}
	if strings.Contains(body(t, res), "keys\":") {
		t.Error("the answer looks like a set")
	}
}

// req 32
func TestASharedSecretIsNeverPublished(t *testing.T) {
	r := newRingOf(t, keys.HS256)
	for _, method := range []string{"GET", "HEAD"} {
		res := serve(jwks.Handler(r), method)
		if res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("ETag") != "" {
			t.Errorf("%s: %s, %v", method, res.Status, res.Header)
		}
		if text := body(t, res); method == "GET" && text != "this issuer signs with a shared secret and has no public keys\n" {
			t.Errorf("%s answers %q", method, text)
		}
	}
	secret, err := keys.Generate(keys.HS512)
	if err != nil {
		t.Fatal(err)
	}
	public := newRing(t).Publics()[0]
	for name, set := range map[string][]*keys.Public{
		"before": {secret.Public(), public}, "behind": {public, secret.Public()}, "between": {secret.Public(), public, r.Publics()[0]},
	} {
		if got := string(jwks.Marshal(set)); got != string(jwks.Marshal([]*keys.Public{public})) {
			t.Errorf("a shared secret %s a public key: the set is not that key alone", name)
		}
	}
	if got := string(jwks.Marshal([]*keys.Public{secret.Public()})); got != `{"keys":[]}` {
		t.Error("a shared secret alone is written")
	}
}

func TestMarshalWritesEveryKey(t *testing.T) {
	var public []*keys.Public
	for _, a := range []keys.Algorithm{keys.ES256, keys.EdDSA} {
		k, err := keys.Generate(a)
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, k.Public())
	}
	for n := range 3 {
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(jwks.Marshal(public[:n]), &set); err != nil || len(set.Keys) != n || set.Keys == nil {
			t.Errorf("%d keys: %v", n, err)
		}
	}
}

func ExampleHandler() {
	mux := http.NewServeMux()
	mux.Handle("/.well-known/jwks.json", jwks.Handler(new(keys.Ring))) // in a program: the Ring of keys.Open
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	fmt.Println(w.Code)
	// Output: 503
}

// req 43: the closer the next change, the shorter a cache may keep the set.
func TestMaxAgeEndsAtTheNextChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring, err := keys.Open(t.Context(), keys.Config{
			Issuer: "https://app.example", Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), InClear: true, Period: 10 * time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		publishes := ring.NextChange(time.Now())
		for _, test := range []struct {
			before time.Duration
			want   string
		}{
			{time.Hour, "public, max-age=300"},
			{301 * time.Second, "public, max-age=300"},
			{299 * time.Second, "public, max-age=299"},
			{30 * time.Second, "public, max-age=30"},
			{time.Second, "public, max-age=10"},
			{-time.Minute, "public, max-age=10"},
		} {
			time.Sleep(time.Until(publishes.Add(-test.before)))
			if err := ring.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			jwks.Handler(ring).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if got := w.Header().Get("Cache-Control"); got != test.want {
				t.Errorf("%s before the change: %s, want %s", test.before, got, test.want)
			}
		}
	})
}

// req 41: a node that has lost its vault must not go on publishing a key that others have replaced.
func TestARingThatIsTooOldPublishesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := newRing(t)
		time.Sleep(2 * time.Minute) // nobody runs it
		w := httptest.NewRecorder()
		jwks.Handler(ring).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Retry-After") == "" {
			t.Errorf("status %d, %v", w.Code, w.Header())
		}
	})
}

// req 41: who asks past the caches has met a kid that this node may not know yet.
func TestARequestWithNoCacheHasTheRingReadAnew(t *testing.T) {
	c := keys.Config{Issuer: "https://app.example", Vault: keys.Dir(filepath.Join(t.TempDir(), "ring")), InClear: true}
	ring, err := keys.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keys.Load(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	k, err := other.Replace(t.Context(), ring.Publics()[0].ID())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cacheControl string
		want         bool
	}{{"", false}, {"max-age=0", false}, {"max-age=0, No-Cache", true}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cache-Control", test.cacheControl)
		w := httptest.NewRecorder()
		jwks.Handler(ring).ServeHTTP(w, r)
		if got := strings.Contains(w.Body.String(), k.ID()); got != test.want {
			t.Errorf("Cache-Control %q: has the new key: %v, want %v", test.cacheControl, got, test.want)
		}
	}
}
