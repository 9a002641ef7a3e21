package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

const inspectUsage = `Usage:
    keygen inspect [flags] - < FILE
    keygen inspect [flags] TOKEN

Shows what an access token says and, if it is told whose keys to trust, whether the
token is good, and if not, why. It never shows the signature, without which the rest is
worth nothing to a thief.

A TOKEN in the command line is seen by everybody on the machine, and kept by the shell's
history. From standard input it is not:
    $ keygen inspect - < token

    --ring RING         trust this ring's keys. Default: WRIT_KEYS, or else WRIT_STORE,
                        unless there is --jwks.
    --jwks URL|FILE     trust this key set's.
    --issuer URL        what iss must be. Default: WRIT_ISSUER, or else the ring's.
    --audience NAME     what aud must have. Default: WRIT_AUDIENCE, or else the issuer.
    --leeway TIME       between the clocks. Default: 5s.
    --at TIME           as if it were then: 2026-07-29T14:05:00Z.` + protectionUsage + `
Whether the token was revoked it cannot tell: the program knows that.
The exit status is 0 if the token is good, or if it was only to be shown.
`

// trust is whose keys count, and what else a token must say.
type trust struct {
	keys             token.KeySet
	name             string                  // of the keys, for sentences
	missing          func(kid string) string // says more of a kid that is not there
	issuer, audience string
	leeway           time.Duration
	now              time.Time
}

func (t *tool) inspect(ctx context.Context, args []string) error {
	c := newCommand("inspect")
	ring, set := c.String("ring", "", ""), c.String("jwks", "", "")
	issuer := c.String("issuer", os.Getenv("WRIT_ISSUER"), "")
	audience := c.String("audience", os.Getenv("WRIT_AUDIENCE"), "")
	leeway := 5 * time.Second
	c.duration(&leeway, "leeway")
	protection, now := c.protection(), c.at()
	raw, err := c.parse(args, "token")
	if err != nil {
		return err
	}
	switch {
	case raw == "":
		return usageError{errors.New("no token: pipe it to: keygen inspect -")}
	case *ring != "" && *set != "":
		return usageError{errors.New("--ring and --jwks exclude each other: give one")}
	case *set != "" && *issuer == "":
		return usageError{errors.New("whose token it must be is not known: give --issuer URL, or set WRIT_ISSUER")}
	case leeway > time.Minute:
		return usageError{errors.New("--leeway must be at most 1m")}
	}
	if raw, err = t.token(raw); err != nil {
		return err
	}
	look := &trust{issuer: *issuer, audience: *audience, leeway: leeway, now: now()}

	said := parseToken(raw)
	said.show(t.stdout, look.now)
	switch {
	case said.fault != "":
		fmt.Fprintf(t.stdout, "BAD: %s.\n", said.fault)
		return errProblems
	case *set != "":
		err = t.trustSet(ctx, look, *set, said)
	case *ring != "" || os.Getenv("WRIT_KEYS") != "" || os.Getenv("WRIT_STORE") != "":
		err = t.trustRing(ctx, look, *ring, protection)
	default:
		_, err := fmt.Fprintln(t.stdout, "NOT VERIFIED: anybody could have written this. Say whose keys to trust with --ring or --jwks.")
		return err
	}
	if err != nil {
		return err
	}
	return t.judge(ctx, look, raw, said)
}

// token takes the token from where it is, without what terminals and pipes put around it.
func (t *tool) token(raw string) (string, error) {
	if raw == "-" {
		text, err := readAll(t.stdin, 1<<20, "standard input")
		if err != nil {
			return "", err
		}
		raw = strings.TrimSpace(string(text))
		if raw == "" {
			return "", errors.New("standard input is empty: pipe the token to it")
		}
		return raw, nil
	}
	fmt.Fprintln(t.stderr, "Warning: the token stands in the list of processes and in the shell's history. Until it expires, who reads\n"+
		"it there can use it. Next time pipe it to: keygen inspect -")
	return raw, nil
}

// trustRing has the ring's keys count.
func (t *tool) trustRing(ctx context.Context, look *trust, ring string, p *protection) error {
	at, err := t.target(ctx, ring, false)
	if err != nil {
		return err
	}
	defer at.Close()
	r, err := t.read(ctx, at, p, keys.Config{}, look.now)
	if err != nil {
		return err
	}
	look.name = at.String()
	look.issuer = cmp.Or(look.issuer, r.info.Issuer)
	look.keys = ringKeys{r}
	look.missing = func(kid string) string {
		for _, k := range r.removed() {
			switch {
			case k.KID != kid:
			case k.Compromised:
				return "that key is compromised, and was removed at " + when(k.At, look.now)
			default:
				return "that key had its time, and was removed at " + when(k.At, look.now)
			}
		}
		return fmt.Sprintf("the ring has %d keys, and none with this kid", len(r.publics()))
	}
	return nil
}

// ringKeys are the keys of a ring that was read, opened or not.
type ringKeys struct{ *reading }

func (r ringKeys) Public(issuer, kid string) (*keys.Public, error) {
	if issuer != r.info.Issuer {
		return nil, keys.ErrUnknown
	}
	for _, k := range r.publics() {
		if k.ID() == kid {
			return k, nil
		}
	}
	return nil, keys.ErrUnknown
}

// judge says whether the token is good, by the rules of the programs themselves.
func (t *tool) judge(ctx context.Context, look *trust, raw string, said *said) error {
	look.audience = cmp.Or(look.audience, look.issuer)
	key, err := look.keys.Public(look.issuer, said.header.KeyID)
	if err == nil && key.Symmetric() && !verifies(key) {
		return errors.New("the token is under a shared secret, which only the opened ring has: set WRIT_SECRET or WRIT_SECRET_FILE, or say --clear")
	}
	v, err := token.NewVerifier(token.VerifierConfig{
		Issuer: look.issuer, Audience: look.audience, Keys: look.keys, UntilExpiry: true,
		CacheBytes: -1, Leeway: look.leeway, Now: func() time.Time { return look.now },
	})
	if err != nil {
		return usageError{errors.New("whose token it must be is not known: give --issuer URL, or set WRIT_ISSUER")}
	}
	good, err := v.Verify(ctx, raw)
	if err != nil {
		fmt.Fprintf(t.stdout, "BAD: %s.\n", look.why(err, said, key))
		return errProblems
	}
	_, err = fmt.Fprintf(t.stdout, "GOOD: %v of %s signed it, and it is good until %s. Whether it was revoked is not known here.\n",
		key, look.name, when(good.ExpiresAt(), look.now))
	return err
}

// verifies is false for what a ring that is not opened has in place of a shared secret.
func verifies(k *keys.Public) bool { return errors.Is(k.Verify(nil, nil), keys.ErrSignature) }

// why is a Verifier's reason in words. Where the signature was not reached, it says whether that would
// do.
func (l *trust) why(err error, said *said, key *keys.Public) string {
	h := said.header
	switch {
	case h.KeyID == "":
		return "its header has no kid, so that no key can be found for it"
	case errors.Is(err, token.ErrUnknownKey):
		return fmt.Sprintf("no key of %s has the kid that it names: %s", l.name, l.missing(h.KeyID))
	case errors.Is(err, token.ErrSignature) && key != nil && key.Algorithm().Name() != h.Algorithm:
		return fmt.Sprintf("its alg is %s, and the key is for %s only", quoted(h.Algorithm), key.Algorithm().Name())
	case errors.Is(err, token.ErrSignature):
		return "its signature is not the key's: it was changed, or somebody else wrote it"
	case errors.Is(err, token.ErrType):
		return fmt.Sprintf("its typ is %s, and that of an access token is at+jwt (RFC 9068)%s", quoted(h.Type), said.signature(key))
	case errors.Is(err, token.ErrIssuer):
		return fmt.Sprintf("its iss is not %s, as it must be", quoted(l.issuer))
	case errors.Is(err, token.ErrAudience):
		return fmt.Sprintf("its aud does not have %s, so it is for somebody else; --audience says who", quoted(l.audience))
	case errors.Is(err, token.ErrExpired):
		return fmt.Sprintf("it was good, and expired %s ago", span(l.now.Sub(said.date("exp"))))
	case errors.Is(err, token.ErrNotYetValid):
		return "it is not good yet: it was issued ahead of this clock, or the clocks are apart"
	case errors.Is(err, token.ErrBound):
		return "it is bound to a key of its bearer (cnf), and writ does not check such proofs"
	}
	if words, ok := strings.CutPrefix(err.Error(), token.ErrMalformed.Error()+": "); ok {
		return words
	}
	return "its payload is not one JSON object in UTF-8 with unique names, or a claim is of the wrong type"
}

// signature says whether m's signature is key's.
func (s *said) signature(key *keys.Public) string {
	if key == nil {
		return ""
	}
	if _, err := s.message.Verify(key); err != nil {
		return "; its signature is not the key's either"
	}
	return "; its signature is the key's"
}
