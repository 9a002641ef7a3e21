// Package token makes and checks access tokens (RFC 9068): Claims in, *Verified out.
//
// A [Verifier] is the only maker of a [Verified], and makes one only when everything was checked:
// form, type, key, signature, issuer, audience, time, revocation.
//
//	verifier, err := token.NewVerifier(token.VerifierConfig{
//		Issuer:      "https://login.example",
//		Audience:    "https://api.example",
//		Keys:        ring,
//		Revocations: list,
//	})
//	...
//	t, err := verifier.Verify(ctx, raw)
//
// Every error about a credential is exactly one of [ErrInvalid] (answer 401) and [ErrUnavailable]
// (answer 503; the client keeps its tokens).
//
// Most programs do not import this package for more than *Verified: writ.Open makes an [Issuer] and
// a Verifier, and a middleware.Guard hands the handler its token.
package token
