// Package middleware guards handlers: it finds the one credential of a request, has it verified,
// and hands the handler a *token.Verified. Of writ it imports package token only.
//
// A guard is made once and used for many handlers. A writ.Manager makes one with its Guard
// method; with a Verifier of your own:
//
//	guard, err := middleware.New(middleware.Config{Verifier: verifier})
//	mux.Handle("GET /me", guard.Func(func(w http.ResponseWriter, r *http.Request, t *token.Verified) {
//		fmt.Fprintln(w, "hello,", t.Subject())
//	}))
//	mux.Handle("/admin/", guard.Scope("admin").Handler(admin)) // any http.Handler; see token.FromContext
//
// It promises: a handler behind a guard never runs for a request that the guard refused; a request
// with two credentials is refused and not guessed about; a cookie or a hidden field counts on a request
// that changes something only if the request comes from this site itself; and what could not be judged is
// answered with 503 and never as if the user were signed out.
//
// A token is read only where Config.From says so:
//
//	middleware.Bearer()                       // Authorization: Bearer; the default
//	middleware.Cookies{}                      // __Host-access, with the refresh token beside it
//	middleware.Header{Name: "X-Access-Token"} // a header of its own, from a proxy
//	middleware.Query{}                        // ?access_token=, taken out before the handler runs
//	middleware.Form{}                         // a hidden field of a page without cookies, taken out, too
//	&middleware.Custom{...}                   // a place of yours
//
// What runs before the guard, such as a log of requests, sees a token in the URL unless Query.Hide is
// around it. Pages whose access cookie has expired are refreshed before their handler runs if
// Config.Refresher is set. An answer to a request that a cookie let in is not kept by caches unless the
// handler says so.
//
// A refusal is 400, 401, 403, 413 or 503; its body is problem+json with a code for programs, a page or a
// line of text, as the client prefers, and a browser that asks for a page can be sent to Config.SignInPage
// and back, see ReturnPath. Config.Deny replaces all of that. Routers that are not net/http's use Check and
// Deny.
//
// It does not look at what the handler does with the token's subject: whether this user may see this
// object is the handler's question.
package middleware
