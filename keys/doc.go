// Package keys holds signing keys: one key, one algorithm, and the Ring that says which key signs
// and which verify. Most programs never import it; writ.Open keeps a ring in the session store.
// Operators use cmd/keygen.
//
// # Keys
//
// A Private signs, its Public verifies. Both are bound to one Algorithm for life, and their ID, the
// kid, is the RFC 7638 thumbprint:
//
//	key, err := keys.Generate(keys.ES256)
//	signature, err := key.Sign(message)
//	err = key.Public().Verify(message, signature)
//
// FromSigner makes a Private of a KMS or HSM key. Keys are read from and written as JWK and PEM.
// Private keys print redacted; only methods whose names begin with Cleartext give one away.
//
// ES256 is the default. EdDSA and Ed25519, two names of one signature, are faster to sign. RS256,
// PS256 and their kin are for those who verify nothing else. HS256, HS384 and HS512 are for one
// service only: there the key that verifies also signs, so that a Public is as secret as a Private,
// and has no JWK and no PEM. Package keys/mldsa has signatures that withstand quantum computers.
//
// # The ring
//
// Open loads the ring of one issuer from a Vault and makes the first one if there is none:
//
//	secret, err := keys.ReadSecretFile("ring.secret")
//	wrapper, err := keys.Secret(secret)
//	ring, err := keys.Open(ctx, keys.Config{
//		Issuer:  "https://app.example",
//		Vault:   keys.Dir("ring"),
//		Wrapper: wrapper,
//	})
//	go func() { log.Println(ring.Run(ctx)) }()
//
// Besides signing keys it holds MAC keys, which authenticate refresh tokens, and data keys, for Seal and
// Unseal; neither is ever published. Reads are answered from memory without waiting. A ring that has
// not read its vault within MaxStale neither signs nor calls a kid unknown; keys that it holds still
// verify. For a kid that it does not hold, call Refresh and look again.
//
// With a Custodian, such as a KMS, signing keys never leave that, and the ring keeps their names only.
// While the Custodian cannot be had the ring opens and verifies all the same; only Signing returns
// ErrUnavailable, unless the key was opened before.
//
// # The life of a key
//
// Run makes keys rotate. Every node does the same with the same document, which is saved only if it is
// still the version that was read: of many nodes one succeeds, and no leader is needed. What a key does
// follows from dates, not from writes: nothing needs to happen at the moment when one takes over.
//
//	day 0                the key signs (pending before that, for the lead of its predecessor)
//	day 30, less a lead  its successor is published: pending, in the key set, not signing
//	day 30               the successor signs; the key is retired, and only verifies
//	+ MaxStale           its private half is wiped: no node signs with it any more
//	+ max_ttl + Leeway
//	  + 2 Skew           it leaves the ring: no token of it is good any more. A tombstone stays
//
// Ring.Timeline has these times for every key, and Config.Observe is told what happens. Stage, Promote
// and Retire do the same by hand, and never anything that the sums below do not allow.
//
// The lead is how long it takes until everybody can know a key:
//
//	lead    = Propagation + MaxStale + 2 Skew
//	leaves  = MaxStale + max_ttl + Leeway + 2 Skew, after the successor has taken over
//	Period >= 2 lead
//
// By default that is 1 h + 1 min + 10 s, and 1 min + 1 h + 1 min + 10 s. Propagation is what to think
// about: a verifier that keeps a key set for its max-age of 5 minutes, and looks every 15 minutes whether
// it has to be fetched again, needs 20; what a cache serves too long comes on top. If it is too short,
// tokens of a new key are refused for a while. Skew counts twice, for two clocks that differ and for the
// time that writing the document takes, which it limits (to a second at least).
//
// MAC and data keys must be known to the nodes only: they are published MaxStale + 2 Skew before they
// are used, and stay MaxStale + MACLife + 2 Skew after they have retired. Symmetric signing keys, too,
// keep their secret until they leave, because nothing else verifies.
//
// Every process of a ring, and every tool that changes it, needs the same durations.
//
// # In an emergency
//
// If a signing key is known to others, call Ring.Replace (keygen rotate --now) with its kid on any node. The
// key and all pending ones leave the ring, marked as compromised; a new key signs at once. Nodes follow
// within MaxStale, at a third of it for the most part; verifiers that keep a copy of the key set within
// Propagation, unless they follow the revocation log of package writ, which revokes the kid. Tokens that
// honest users have of the key are refused: their clients refresh. Verifiers do not know the new key
// yet and have to fetch the key set again, which good ones do when they meet an unknown kid.
//
// If both the vault and the secret are known, every key is: replace each signing key, change the secret,
// and give up the MAC keys, which signs everybody out, by making a new ring: stop every process, take
// the old document away, start. Process that run would put the old ring together with the new one.
//
// # Documents that go back, and clocks that are wrong
//
// Stores lose their latest writes, in a failover or when a backup is put in their place. A node that
// holds what a reloaded document lacks puts both together, and writes that back: keys by kid; removals
// and wiped halves stand; what was pending or active, and is not in the document, waits for a lead
// again, unless nothing else can sign. A key never comes back once its tombstone is known: compromised
// ones are remembered for good, others, the last 1000 of them, for 400 days.
//
// Whoever can write the vault, without the secret, can therefore put back an older document again and
// again, and so keep keys from rotating, have a key sign that had retired since, or, with a document
// older than 400 days, bring one back that had left. They learn no private half by it. Limit who may
// write.
//
// All clocks must be within Skew of each other. Step refuses to compute with a clock that is behind the
// date of the document, by more than Skew, and names the fault. It cannot know of a clock that is ahead
// before others do: such a node wipes and removes keys too early, and stages keys that others see too
// late. The others go on with what they hold until it is time by their own clocks, and stop to rotate
// until their clocks have passed the document's date; but a process that starts meanwhile has only what
// the document has, and so has who fetches the key set from the faulty node.
//
// # The stored document
//
// The vault keeps one JSON document:
//
//	{
//	  "ring": {
//	    "v": 1,
//	    "issuer": "https://app.example",
//	    "updated_at": RFC 3339,
//	    "keys": [{
//	      "kid": thumbprint, "alg": "ES256", "public": JWK,
//	      "private": sealed PKCS#8 or private JWK, in base64url, or
//	      "ref": what the Custodian calls it,
//	      "created_at": RFC 3339, "activate_at": RFC 3339, "max_ttl": seconds
//	    }],
//	    "mac": [{
//	      "kid": first 4 bytes of the key's SHA-256, in hexadecimal,
//	      "private": sealed key of 32 bytes, in base64url,
//	      "created_at": RFC 3339, "activate_at": RFC 3339
//	    }],
//	    "data": as "mac",
//	    "removed": [{
//	      "kid": as above, "removed_at": RFC 3339, "compromised": true or not there
//	    }]
//	  },
//	  "seal": sealed SHA-256 of the value of "ring", in base64url
//	}
//
// The seal is over the bytes of the value of "ring" exactly as they stand in the document, from its
// first brace to its last, white space included: who stores a document anew must not format it. Only
// "ring" and "seal" may stand in the document, so that all it says is sealed. With Config.InClear
// there is no seal, and the private halves are called private_in_clear and not sealed.
//
// A private half is a JWK, which begins with a brace, where crypto/x509 does not know the type: a
// symmetric key (kty and k) or ML-DSA. Otherwise it is PKCS#8. The public member of a symmetric key
// is its name alone, {"alg": "HS256", "kid": thumbprint, "kty": "oct"}, and its private half is never
// wiped, because nothing else verifies.
//
// created_at is when the key was published. What signs is the newest key that has a private half and
// whose activate_at has come; the next one in the order of activate_at retires it. The private half of
// a retired signing key is wiped: taken out. data and removed may be missing. updated_at is later in
// every document than in the one before. A document has at most 1 MiB.
//
// Members of "ring" and of keys that a version does not know are ignored, and kept when it changes the
// document; they are sealed like the rest. What an old version must not overlook raises v, and another v
// is refused.
//
// The additional data of a sealed half is the text "writ ring 1", then issuer, kid and algorithm,
// each after its length in 4 bytes, big-endian; the algorithm of a MAC key is "HMAC-SHA256", of a data
// key "A256GCM". That of the seal is the text "writ ring seal 1", then the issuer after its length. Secret documents its
// own sealed form.
//
// # What sealing keeps out
//
// One who can read the vault cannot forge tokens. One who can write it, but does not know the
// secret, cannot add a key, bring a removed one back, or change when and for how long a key signs:
// Open and Reload check the seal before they believe anything else. Inspect does not.
//
// What is left to a writer is to take the document away, or to put a whole older one back. A ring
// that is open keeps its keys in the first case, and until it reads another document neither signs nor
// takes part after MaxStale. In the second it undoes what was done: removed keys stay away, and what
// the older document lacks comes back. A process that starts has nothing to compare with: it takes an
// older document for the ring, until one that knows better has written, and an empty vault for its
// first start. So limit who may write. A document under a secret that is no longer configured is
// worthless: to change the secret (see Secret) puts an end to all older ones.
package keys
