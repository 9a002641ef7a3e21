// Package fromenv starts writ from environment variables: a program that signs in (Open), or one that
// only validates what another has issued (Follow).
//
//	sessions, err := fromenv.Open(ctx, fromenv.Stores{"sqlite": sqlite.OpenURL})
//	if err != nil { log.Fatal(err) }
//	defer sessions.Close()
//	go sessions.Run(ctx)
//
// Three variables are enough:
//
//	WRIT_ISSUER=https://app.example
//	WRIT_STORE=sqlite:sessions.db
//	WRIT_SECRET_FILE=/run/secrets/writ    # openssl rand -base64 32
//
// # The variables
//
// Durations are written as in Go: 90s, 10m, 12h. They are above zero.
//
//	WRIT_ISSUER          required: who signs, an URL exactly as it is to stand in tokens
//	WRIT_AUDIENCE        who the tokens are for; default WRIT_ISSUER
//	WRIT_STORE           required: an URL; memory: or what Stores has, such as sqlite:PATH,
//	                     postgres://USER@HOST/DATABASE or rediss://HOST:6379; the packages of the
//	                     stores say which parameters it may have, such as password-file=PATH
//	WRIT_SECRET          the secret that encrypts private keys, at least 32 random bytes, or
//	WRIT_SECRET_FILE     a file that holds it, with mode 0600; the file must exist, or
//	WRIT_KEYS_IN_CLEAR   true: who can read the key ring can forge every token. One of the three
//	WRIT_FORMER_SECRET_FILE
//	                     a file with a secret that still opens what it sealed: to change the secret,
//	                     give every node the new one here, then let the two change places, then
//	                     drop the former
//	WRIT_KEYS            the key ring's directory, with mode 0700; default: in the store
//	WRIT_KEY_PERIOD      how long a key signs before the next does; default 720h (30 days)
//	WRIT_ALGORITHM       what new keys sign with; default ES256; or ES384, ES512, EdDSA, Ed25519,
//	                     RS256, RS384, RS512, PS256, PS384, PS512, or HS256, HS384, HS512, which are
//	                     for one service only: whoever can verify can also sign
//	WRIT_ACCESS_TTL      how long an access token lives; default 10m
//	WRIT_IDLE_TTL        how long a session lives without a refresh; default 336h (14 days)
//	WRIT_ABSOLUTE_TTL    how long it lives at all; default 2160h (90 days)
//	WRIT_RETRY_WINDOW    W of package rotation; default 60s
//	WRIT_CLIENT_LATENCY  L; default 10s
//	WRIT_JAR_FLUSH       D; default 30s
//	WRIT_CLOCK_SKEW      how far clocks may be apart; default 5s
//	WRIT_CACHE_BYTES     about how much memory verified tokens may take; default 33554432; 0: none
//	WRIT_MAX_SESSIONS    how many sessions a subject may have; a sign-in beyond it ends the oldest;
//	                     default: any number
//	WRIT_REFUSE_BEYOND_MAX
//	                     true: such a sign-in is refused instead
//	WRIT_ASK_STORE       true: every check of an access token also asks the store
//	WRIT_FEED_PUBLIC     true: anyone may read the feed of revocations, for services that follow this one
//
// # The variables of a service that follows
//
// Follow reads these alone. One that is for the other kind of program is refused.
//
//	WRIT_ISSUER          required: whose tokens are accepted, exactly as it stands in them
//	WRIT_AUDIENCE        required: what this service is called in tokens: the WRIT_AUDIENCE of the
//	                     issuer, or its WRIT_ISSUER if it has none
//	WRIT_KEYS_URL        where the issuer's keys are; default WRIT_ISSUER/.well-known/jwks.json
//	WRIT_FEED_URL        where its revocations are; default WRIT_ISSUER/.well-known/revocations
//	WRIT_CACHE_DIR       a directory that only this user can write in, made if need be: it keeps the
//	                     last keys and revocations for a start while the issuer is down; default: none
//	WRIT_MAX_STALE       how old revocations may be, beyond which the answer is 503; default 60s; not
//	                     beside WRIT_UNTIL_EXPIRY
//	WRIT_CLOCK_SKEW      how far the clocks of issuer and service may be apart; default 5s
//	WRIT_CACHE_BYTES     about how much memory verified tokens may take; default 33554432; 0: none
//	WRIT_ALGORITHMS      what the issuer signs with, with commas between, such as RS256,ES256; default:
//	                     all of WRIT_ALGORITHM above, but for those with HS
//	WRIT_ROOT_CAS_FILE   a file of PEM certificates, one of which must have signed the issuer's, that
//	                     nobody but root and this user can write; default: those that the system trusts
//
// These give something up, as their names say, if they are true:
//
//	WRIT_UNTIL_EXPIRY    for an issuer that has no feed: a token of a session that has ended is good
//	                     until it expires
//	WRIT_ALLOW_PLAIN_LOOPBACK
//	                     http, where the host is this machine's own
//	WRIT_ALLOW_PRIVATE_ADDRESSES
//	                     an issuer inside your network, at an address such as 10.0.0.5
//
// And these are for an issuer that is not writ; token.Foreign says what each gives up:
//
//	WRIT_FOREIGN_TYPE_JWT
//	                     true: a typ of JWT, or none
//	WRIT_FOREIGN_WITHOUT_STAMP
//	                     true: no ist
//	WRIT_FOREIGN_WITHOUT_ID
//	                     true: no jti
//	WRIT_FOREIGN_WITHOUT_CLIENT_ID
//	                     true: no client_id, but perhaps azp
//	WRIT_FOREIGN_MAX_TTL how long its tokens may live; default 1h, and more with WRIT_UNTIL_EXPIRY only
//	WRIT_FOREIGN_CLAIMS  claims that handlers read by token.Claim, with commas between, such as
//	                     realm_access,permissions; default: none
//
// # Mistakes
//
// Every mistake is in the one error, by variable name. A value, or a piece of one, never is: what
// stands in the wrong variable may be a secret. Where a path or an URL would stand, there is the
// variable's name: chmod 700 $WRIT_KEYS. The one exception is a duration that was understood: it
// stands in the sum that does not add up.
//
// A variable that is set but empty is a mistake, because an empty WRIT_KEYS is more often a slip of
// a deployment than a wish for the default. So is a variable that begins with WRIT_ and is not in
// the list: a misspelt limit would otherwise be no limit. That holds for a variable of a newer
// version, too: a program that does not know it cannot keep what it promises, so after going back to
// an older version, unset it. Only what Kubernetes sets for a service whose name begins with writ
// (WRIT_SERVICE_HOST, WRIT_PORT_443_TCP and so on) is left alone.
package fromenv
