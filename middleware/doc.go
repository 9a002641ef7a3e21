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
// with two credentials is refused and not guessed about; a cookie counts on a request that changes
// something only if the request comes from this site itself; and what could not be judged is
// answered with 503 and never as if the user were signed out.
//
// Tokens are read from the Authorization header (Bearer) and from cookies (Cookies), each only if
// Config.From names it. Pages whose access cookie has expired are refreshed before their handler
// runs if Config.Refresher is set.
//
// It does not look at what the handler does with the token's subject: whether this user may see this
// object is the handler's question.
package middleware
