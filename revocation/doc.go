// Package revocation keeps a complete local set of what is revoked, fed by a complete log.
//
// A [List] holds every live [Entry] of a [Source] and answers, without a look-up anywhere else,
// whether a verified token is revoked, and as of when that answer was complete:
//
//	list := revocation.NewList(revocation.Config{Source: store})
//	if err := list.Load(ctx); err != nil { ... } // a node that never loaded knows nothing
//	go list.Run(ctx)                             // follows the log
//
// One rule covers everything that can be revoked (a token, a session, a key, a subject, everything):
// a token is revoked if and only if its issue stamp is at most the greatest Before of the entries
// that name it.
//
// The list is complete or its answer is "unknown". No entry leaves it but by expiry, snapshots are
// merged and never substituted, and nothing in it is a cache. How old an answer may be is judged by
// the token.Verifier that asks.
//
// # Over HTTP
//
// A service that knows only its issuer's URL follows the issuer's list. The issuer serves it with a
// [Handler], on any number of nodes:
//
//	handler, err := revocation.NewHandler(revocation.HandlerConfig{
//		List: list, Key: key, Keys: ring, Issuer: "https://login.example", Allow: isService,
//	})
//	mux.Handle("/revocations", handler)
//
// and the service has a [Feed] for its Source:
//
//	feed, err := revocation.NewFeed(revocation.FeedConfig{
//		URL: "https://login.example/revocations", Issuer: "https://login.example", Keys: remote,
//	})
//	list := revocation.NewList(revocation.Config{Source: feed})
//
// What is ended at the issuer reaches who waits for it in the time of one answer, and in a burst in 25 ms
// more: what comes is shown in rounds, so that one answer is for everybody. Every answer is signed and says as
// of when the issuer's own list was complete. That, and not when the answer came, is as of
// when the follower's list is, so that a cache, a stale node or a chain of feeds makes a list older and
// never younger. While the issuer is quiet a list is up to 4 s old, and 2 s more for each feed between.
//
// No ID leaves the issuer: entries go by a digest under a key that is part of the feed. Who may read can
// therefore test guesses, of a subject above all. Otherwise he learns how many entries of each kind there
// are, and their times.
//
// A Feed believes what the issuer's published keys have signed, and compares the answer with the
// question. Against an issuer whose signing key was stolen it does not help, and it cannot see that it is
// kept from hearing: then the list grows old, and guards answer 503.
package revocation
