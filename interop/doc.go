// Package interop shows that writ agrees with the outside world. It has tests only:
//
//   - Wycheproof's vectors for JWS, JWK and every signature go through the parser, the key loaders and
//     the algorithms that writ itself uses. How many are accepted and refused is written down, and so
//     is every answer that is not the label's, with its reason.
//   - go-jose, jwx, go-oidc and npm's jose read writ's tokens and key sets, and writ reads theirs, under
//     every algorithm that both know. ML-DSA has filippo.io/mldsa for a peer.
//   - Tokens in the manner of Keycloak and Auth0, made by go-jose, are followed with exactly the waivers
//     (token.Foreign) that each needs.
//   - FuzzAgainstPeers looks for a token that writ accepts and go-jose or jwx does not, or reads
//     otherwise. The differences that are known and harmless are listed, with their reasons, and tested.
//
// To run it, jose included, which needs Node.js 20 or later and npm:
//
//	make interop
//
// Without Node.js, `cd interop && go test ./...` runs the rest, and skips jose with a message. With
// CI=true it fails instead. The fuzzer runs until it is stopped:
//
//	cd interop && go test -run '^$' -fuzz FuzzAgainstPeers .
package interop
