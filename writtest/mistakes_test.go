package writtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/revocation"
	"github.com/writ-go/writ/token"
	"github.com/writ-go/writ/writtest"
)

func TestAMistakeFailsTheTestThatMakesIt(t *testing.T) {
	for what, test := range map[string]struct {
		mistake func(testing.TB)
		says    string
	}{
		"a configuration that does not add up":  {func(t testing.TB) { writtest.New(t, writ.Config{AccessTTL: time.Second}) }, "WRIT_ACCESS_TTL"},
		"an issuer that is no URL":              {func(t testing.TB) { writtest.NewIssuer(t, writ.Config{Issuer: "login"}) }, "Config.Issuer"},
		"an issuer that no certificate is for":  {func(t testing.TB) { writtest.NewIssuer(t, writ.Config{Issuer: "https://localhost"}) }, "127.0.0.1"},
		"an address that is not this machine's": {func(t testing.TB) { writtest.NewIssuer(t, writ.Config{Issuer: "https://127.0.0.1:99999"}) }, "no server"},
		"a server that is not started":          {func(t testing.TB) { writtest.NewBrowser(t, &httptest.Server{}) }, "not started"},
		"a clock that is set back":              {func(t testing.TB) { new(writtest.Clock).Advance(t, -time.Second) }, "set back"},
		"a value that is not JSON":              {issue(writtest.Token{Payload: map[string]any{"x": func() {}}}), "Token"},
		"claims that no token may have":         {issue(writtest.Token{Claims: token.Claims{Scope: []string{"a b"}}}), "scope"},
		"to revoke everything that anyone signed": {func(t testing.TB) {
			writtest.NewIssuer(t, writ.Config{Issuer: name}).Revoke(revocation.Everything, "")
		}, "revoke"},
		"to sign in nobody": {func(t testing.TB) {
			b := writtest.NewBrowser(t, writtest.NewServer(t, http.NotFoundHandler()))
			b.SignIn(writtest.New(t, writ.Config{}), writ.Login{})
		}, "Subject"},
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.HasPrefix(said, "writtest: ") || !strings.Contains(said, test.says) {
					t.Errorf("it says %q, want something of %q", said, test.says)
				}
			}()
			inTest(test.mistake)
		})
	}
}

func issue(k writtest.Token) func(testing.TB) {
	return func(t testing.TB) { writtest.NewIssuer(t, writ.Config{Issuer: name}).Issue(k) }
}
