package token

import "time"

// Foreign says in what the tokens of an issuer that is not writ fall short of RFC 9068 and of what
// revocation needs, and what they have beyond it. Each field but Claims gives something up, and the zero value
// nothing.
type Foreign struct {
	// TypeJWT accepts the header's typ "JWT", or none, beside at+jwt. The issuer's other tokens, such as ID
	// tokens, then pass for access tokens where they have this service's audience: give it one that is no
	// client's ID.
	TypeJWT bool
	// WithoutStamp has iat, which counts seconds, stand for a missing ist. No cutoff makes room for it: a
	// revocation must have a Before of now and Leeway to reach what a clock ahead has issued, and tokens
	// issued until then are refused too.
	WithoutStamp bool
	// WithoutID accepts a token without jti, which cannot be revoked by itself.
	WithoutID bool
	// WithoutClientID has azp stand for a missing client_id, and accepts a token with neither: whom it was
	// given to is unknown.
	WithoutClientID bool
	// MaxTTL is the longest life that a token may have, from 1 s to 30 days. More than MaxTTL of this package
	// needs UntilExpiry: revocations are not kept so long. Default: MaxTTL of this package.
	MaxTTL time.Duration
	// Claims are the names of claims that this package does not know and that are kept for Claim, such as
	// Keycloak's "realm_access", Auth0's "permissions" or one with a namespace, "https://app.example/roles".
	// At most 32. Default: none.
	Claims []string
}

const longestForeign = 30 * 24 * time.Hour

// maxTTL is the longest life of a token.
func (f Foreign) maxTTL() time.Duration {
	if f.MaxTTL == 0 {
		return MaxTTL
	}
	return f.MaxTTL
}

// accepts reports whether an access token may have this typ in its header.
func (f Foreign) accepts(typ string) bool {
	return typ == accessToken || typ == "application/"+accessToken || f.TypeJWT && (typ == "JWT" || typ == "")
}

// complete fills in what the token lacks and may.
func (f Foreign) complete(w *wire) {
	if f.WithoutStamp && w.Stamp == 0 && w.IssuedAt >= 1 && w.IssuedAt <= latest {
		w.Stamp = int64(w.IssuedAt) * 1e6
	}
	if f.WithoutClientID && w.ClientID == "" {
		w.ClientID = w.AuthorizedParty
	}
}
