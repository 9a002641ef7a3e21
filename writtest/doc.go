// Package writtest helps to test programs that use writ: real keys, real tokens, real cookies, and a
// store in memory. There is no back door: what a test brings about, an issuer, an attacker or an
// operator could.
//
// # A program with a Manager
//
// New is a Manager that runs until the test ends. SignIn puts an access token on a request:
//
//	func TestMe(t *testing.T) {
//		sessions := writtest.New(t, writ.Config{})
//		handler := app(sessions) // what main gives to http.ListenAndServe
//
//		req := httptest.NewRequest("GET", "/me", nil)
//		writtest.SignIn(t, sessions, req, writ.Login{Subject: "ada"})
//		rec := httptest.NewRecorder()
//		handler.ServeHTTP(rec, req)
//		...
//	}
//
// A request without SignIn is refused, a session that was ended is refused, and a scope that the token
// lacks is missing. Verified is for a function that takes a token, without HTTP around it. With a Store from
// NewStore a test sees what happens while the store is down.
//
// # A service that checks another's tokens
//
// An Issuer is a server with a key set and a feed of revocations. The service follows it as it would
// follow the one in production:
//
//	issuer := writtest.NewIssuer(t, writ.Config{Audience: "https://api.example"})
//	api, err := writ.Follow(t.Context(), issuer.FollowConfig("https://api.example"))
//	...
//	good := issuer.Issue(writtest.Token{Claims: token.Claims{Subject: "ada"}})
//	old := issuer.Issue(writtest.Token{IssuedAt: time.Now().Add(-time.Hour)})
//	forged := issuer.Issue(writtest.Token{Key: thiefs})
//	theirs := issuer.Issue(writtest.Token{Header: map[string]any{"typ": "JWT"}, Payload: map[string]any{"ist": nil}})
//
// It changes its keys, revokes, fails and comes back when the test says so. A unit test needs no server:
// Issuer.VerifierConfig is for a token.Verifier.
//
// # Browsers
//
// A Browser is an http.Client with a cookie jar that keeps what browsers keep. It signs in without the
// program's login form, and follows no redirect:
//
//	server := httptest.NewTLSServer(app(sessions))
//	defer server.Close()
//	browser := writtest.NewBrowser(t, server)
//	browser.SignIn(sessions, writ.Login{Subject: "ada"})
//	res, err := browser.Get(server.URL + "/me")
//
// # Time
//
// A test that waits for something to expire runs in a bubble of testing/synctest. There all of writ
// obeys the bubble's clock, and time.Sleep is exact. An hour passes at once; a day takes a Manager some
// tenths of a second, and a Follower some seconds. What a bubble cannot have is a socket: time stands still
// while a goroutine waits for one. So NewServer is a TLS server without, for a
// Browser, and an Issuer whose name is not of this machine needs none either:
//
//	synctest.Test(t, func(t *testing.T) {
//		sessions := writtest.New(t, writ.Config{})
//		server := writtest.NewServer(t, app(sessions))
//		browser := writtest.NewBrowser(t, server)
//		browser.SignIn(sessions, writ.Login{Subject: "ada"})
//		time.Sleep(11 * time.Minute) // the access token has expired: the guard refreshes the page
//		...
//	})
//
// Where there must be sockets, or other programs, a Clock can be advanced. Not everything obeys it: see
// there.
package writtest
