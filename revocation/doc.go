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
package revocation
