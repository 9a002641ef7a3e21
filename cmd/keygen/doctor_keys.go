package main

import (
	"encoding/base64"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

const running = "see that a program runs its ring (Run), or else "

// late is how long after its time something may be undone: programs step every third of MaxStale.
func late(c *keys.Config) time.Duration { return 2*c.MaxStale + 2*c.Skew }

// lead is how long a key must be published before it signs.
func lead(c *keys.Config) time.Duration { return c.Propagation + c.MaxStale + 2*c.Skew }

// schedule looks at which key signs, and whether one will after it.
func (f *findings) schedule(r *reading, c *keys.Config) {
	all, now := r.keys(), r.now
	k := inState(all, keys.Active)
	switch {
	case k == nil || k.ActivateAt.After(now.Add(c.Skew)):
		f.problem("set the clock (NTP); if it is right, restore the ring from a backup", "no key is to sign yet: every date in the ring is still to come")
	case k.Wiped:
		f.problem("restore the ring from a backup, or "+r.at.keygen("rotate --now --kid "+k.Public.ID()),
			"key %s is the one to sign, but its private half is gone", k.Public.ID())
	case inState(all, keys.Pending) != nil:
	case c.Period > 0 && now.Sub(k.ActivateAt) > c.Period+lead(c):
		f.problem(running+r.at.keygen("rotate"), "key %s has signed for %s, and should for %s: nothing rotates the keys",
			k.Public.ID(), span(now.Sub(k.ActivateAt)), span(c.Period))
	case c.Period < 0 && now.Sub(k.ActivateAt) > 365*24*time.Hour:
		f.note(r.at.keygen("rotate"), "key %s has signed for %s", k.Public.ID(), span(now.Sub(k.ActivateAt)))
	}
	pending := 0
	for _, k := range all {
		if k.State != keys.Pending {
			continue
		}
		pending++
		if c.Period > 0 && k.ActivateAt.Sub(now) > c.Period+lead(c) || c.Period < 0 && now.Sub(k.CreatedAt) > 30*24*time.Hour {
			f.note(r.at.keygen("rotate --promote --kid "+k.Public.ID()), "key %s is published since %s, but does not sign until %s",
				k.Public.ID(), when(k.CreatedAt, now), when(k.ActivateAt, now))
		}
		if k.ActivateAt.Sub(k.CreatedAt) < lead(c) {
			f.note("have verifiers fetch the key set before", "key %s signs from %s, %s after it was published: verifiers that cache the key set may not know it",
				k.Public.ID(), when(k.ActivateAt, now), span(k.ActivateAt.Sub(k.CreatedAt)))
		}
	}
	if pending > 1 {
		f.note("", "%d keys are published and do not sign yet; one is usual", pending)
	}
	f.lifetimes(r)
	f.mixture(r)
}

// lifetimes compares what keys may sign with what the program asks for.
func (f *findings) lifetimes(r *reading) {
	access, err := time.ParseDuration(os.Getenv("WRIT_ACCESS_TTL"))
	for _, k := range r.keys() {
		switch {
		case k.State == keys.Retired:
		case err == nil && access > k.MaxTTL:
			f.problem("lower WRIT_ACCESS_TTL, or "+r.at.keygen("rotate --max-ttl "+access.String()),
				"key %s may sign tokens of %s at most, and WRIT_ACCESS_TTL is longer: programs refuse it", k.Public.ID(), span(k.MaxTTL))
		case k.MaxTTL > token.MaxTTL:
			f.note("", "key %s may sign tokens of %s, so it stays in the ring that long; programs make none over %s",
				k.Public.ID(), span(k.MaxTTL), span(token.MaxTTL))
		}
	}
}

// mixture is about shared secrets beside public keys.
func (f *findings) mixture(r *reading) {
	all := r.keys()
	secret := func(k keys.KeyInfo) bool { return k.Public.Symmetric() }
	public := func(k keys.KeyInfo) bool { return !k.Public.Symmetric() }
	k := inState(all, keys.Active)
	if k == nil || !slices.ContainsFunc(all, secret) || !slices.ContainsFunc(all, public) {
		return
	}
	if k.Public.Symmetric() {
		f.problem("if others verify: "+r.at.keygen("rotate --alg ES256")+"; if nobody does, wait until the public keys have left the ring",
			"the ring publishes keys, but signs with a shared secret, %s: who verifies by the key set refuses every new token", k.Public)
		return
	}
	f.note("", "the ring has shared secrets beside public keys: it is moving from one to the other, and what they sign only this service can verify")
}

// each looks at the keys one by one. What is plainly weak or twice, package keys has refused already.
func (f *findings) each(r *reading, c *keys.Config) {
	for _, k := range r.keys() {
		id, symmetric := k.Public.ID(), k.Public.Symmetric()
		due := func(t time.Time) bool { return !t.IsZero() && r.now.Sub(t) > late(c) }
		if k.InClear && !c.InClear {
			f.problem("make a new ring under a secret; everybody is signed out: keygen help new",
				"the private half of key %s is not encrypted: who reads %v can forge tokens", id, r.at)
		}
		switch {
		case due(k.RemoveAt):
			f.problem(running+r.at.keygen("prune"), "key %s should have left the ring at %s: nothing takes care of it", id, when(k.RemoveAt, r.now))
		case k.State == keys.Retired && !k.Wiped && !symmetric && due(k.WipeAt):
			f.problem(running+r.at.keygen("prune"), "key %s only verifies, and its private half should have been wiped at %s", id, when(k.WipeAt, r.now))
		}
		if bits := modulusBits(k.Public); bits > 0 && bits < 3072 {
			f.note("for keys that live longer, or for rules that want more, import a longer one: keygen help import",
				"key %s is RSA with %d bits: enough for keys that live for weeks (NIST SP 800-57, until 2030)", id, bits)
		}
		if k.Ref != "" && !k.Wiped {
			f.note("", "key %s is kept elsewhere, in a KMS or HSM: whether that answers was not looked at", id)
		}
		if isExperimental(k.Public.Algorithm()) {
			f.note("", "key %s is for %s, which is experimental: a later version may not open it", id, k.Public.Algorithm().Name())
		}
	}
}

// modulusBits is 0 for what is not RSA.
func modulusBits(k *keys.Public) int {
	var jwk struct {
		N string `json:"n"`
	}
	if json.Unmarshal(k.JWK(), &jwk) != nil {
		return 0
	}
	n, err := base64.RawURLEncoding.DecodeString(jwk.N)
	if err != nil {
		return 0
	}
	bits := 8 * len(n) // the first byte of a modulus is 128 or more, or the key is odd by a few bits
	for b := byte(0x80); len(n) > 0 && n[0]&b == 0 && b > 0; b >>= 1 {
		bits--
	}
	return bits
}
