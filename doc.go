// Package writ gives a Go program sessions that are short-lived signed tokens: every node checks
// them by itself, and signing out still works at once everywhere.
//
// A program that signs people in opens a [Manager] and runs it:
//
//	sessions, err := writ.Open(ctx, writ.Config{
//		Issuer: "https://app.example",
//		Store:  store,  // sqlite.Open(ctx, "sessions.db")
//		Secret: secret, // writ.SecretFile("sessions.secret")
//	})
//	...
//	go sessions.Run(ctx)
//
// It signs in with [Manager.SignIn] (a browser) or [Manager.Grant] (an app), guards handlers with
// [Manager.Guard], signs out with [Manager.SignOut], and mounts what [Manager.Endpoints] has.
//
// # Promises
//
// An access token is checked without asking anybody: signature, expiry, and a complete local list of
// what was revoked. A refresh token is exchanged by the rules of package rotation: an honest client
// is not signed out by a lost answer, a retry, a second tab or a crash, and two holders of one
// session end it. A session that ended stays ended, through a crash and on every node. A store that
// does not answer signs nobody out: the answer is then 503, and never 401.
//
// # What it does not do
//
// It does not check passwords, keep accounts, or encrypt what tokens say. It does not protect
// against somebody who reads the store's Secret or runs code in the program. docs/security.md has
// the whole list.
package writ
