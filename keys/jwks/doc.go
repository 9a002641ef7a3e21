// Package jwks writes and reads key sets (RFC 7517): the public keys with which others verify an
// issuer's tokens, without knowing any secret.
//
// # Publishing yours
//
// An issuer serves the keys of its ring:
//
//	mux.Handle("/.well-known/jwks.json", jwks.Handler(ring))
//
// A new key stands there long before it signs, and a retired one for as long as tokens that it signed
// are good: the ring sees to it. Answers may be kept for 5 minutes. Nothing secret can get in: a ring
// whose keys are shared secrets (HS256 and its like) has nothing to publish, and the answer is 404.
//
// # Reading another's
//
// Parse reads a set for the algorithms that you expect, and no others:
//
//	set, err := jwks.Parse(body, keys.ES256, keys.EdDSA)
//	if err != nil {
//		return err // keep the last good set
//	}
//	for _, reason := range set.Skipped {
//		log.Println(reason)
//	}
//	key, ok := set.Keys[kid]
//
// Each key is bound to one algorithm: whatever a token's header says, Verify uses that one. Look a kid
// up only in the set of the token's own issuer: two issuers may use the same.
//
// Parse does not fetch. Whoever does must allow HTTPS only, follow no redirect to another origin, and
// bound the time and the bytes that it reads: a Remote does.
//
// # Following others
//
// A Remote keeps the sets of other issuers, and is a token.KeySet:
//
//	remote, err := jwks.NewRemote(jwks.RemoteConfig{
//		Issuers: []jwks.RemoteIssuer{{
//			Issuer:     "https://login.example",
//			URL:        "https://login.example/.well-known/jwks.json",
//			Algorithms: []keys.Algorithm{keys.ES256},
//		}},
//	})
//	if err := remote.Load(ctx); err != nil {
//		return err // no keys: the issuer is down, and CacheDir has none
//	}
//	go func() { log.Println(remote.Run(ctx)) }()
//	key, err := remote.Public("https://login.example", kid)
//
// Public answers from memory, while Run fetches. An error is one of two. keys.ErrUnknown: the issuer
// was asked and has no such key, so answer 401. keys.ErrUnavailable: that cannot be said now, so
// answer 503. A kid that is not in the set has Run ask the issuer anew, at most every 10 s however many
// are tried, and until that is done it is unavailable and not unknown. So a key that the issuer had to
// change in an emergency signs nobody out.
//
// A fetch that fails, or brings nothing of use, changes nothing; Status reports it. Keys stay good for
// MaxStale, 2 h, after the last good fetch. A key that a good fetch lacks is gone at once, and with
// the issuer in reach there is one every 15 min at least.
//
// A Remote takes a set only over TLS from the host that the configuration names, at a public address,
// checked when it connects; without a proxy, without cookies, and in no more than 512 KiB, 10 s and
// three redirects at that host. RemoteIssuer has a field for each thing that can be given up.
package jwks
