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
)

const doctorUsage = `Usage:
    keygen doctor [--at TIME] [flags] [RING]

Looks for everything that is unsafe: modes and owners of files, the secret, the seal,
the schedule, keys that are weak, late, in clear or left over. It changes nothing.

It prints each problem and note with what to do about it. The exit status is 1 if there
is a problem; notes do not count.

    --at TIME           as if it were then: 2026-07-29T14:05:00Z.` + protectionUsage + scheduleUsage

// finding is one thing that the doctor has to say.
type finding struct {
	problem bool // and not a note
	what    string
	remedy  string
}

// findings grow while the doctor looks.
type findings []finding

func (f *findings) problem(remedy, what string, args ...any) {
	*f = append(*f, finding{true, fmt.Sprintf(what, args...), remedy})
}

func (f *findings) note(remedy, what string, args ...any) {
	*f = append(*f, finding{false, fmt.Sprintf(what, args...), remedy})
}

func (t *tool) doctor(ctx context.Context, args []string) error {
	c := newCommand("doctor")
	protection, schedule, now := c.protection(), c.schedule(), c.at()
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	at, err := t.target(ctx, raw, false)
	if err != nil {
		return err
	}
	defer at.Close()
	found, well := examine(ctx, at, protection, *schedule, now())
	problems := 0
	for _, f := range found {
		kind := "note:   "
		if f.problem {
			kind = "PROBLEM:"
			problems++
		}
		fmt.Fprintf(t.stdout, "%s %s\n", kind, f.what)
		if f.remedy != "" {
			fmt.Fprintf(t.stdout, "         Remedy: %s\n", f.remedy)
		}
	}
	if problems > 0 {
		fmt.Fprintf(t.stdout, "%d of these are problems.\n", problems)
		return errProblems
	}
	fmt.Fprintf(t.stdout, "%v is well: %s\n", at, well)
	return nil
}

// examine finds what is wrong, and one line for when nothing is.
func examine(ctx context.Context, at *target, p *protection, c keys.Config, now time.Time) (f findings, well string) {
	vault := f.readable(ctx, at)
	f.surroundings(at)
	c.Also, c.Now = experimental(), func() time.Time { return now }
	f.secret(at, p, &c)
	if vault == nil {
		return f, ""
	}
	info, err := inspectRing(ctx, at, vault, now)
	if err != nil {
		f.problem("", "%v", err)
		return f, ""
	}
	r := &reading{at: at, now: now, info: info}
	c.Issuer, c.Vault = cmp.Or(os.Getenv("WRIT_ISSUER"), info.Issuer), vault
	if c.Wrapper != nil || c.InClear {
		if r.ring, err = keys.Load(ctx, c); err != nil {
			f.problem("", "%v", err)
		}
	} else if c.Issuer != info.Issuer {
		f.problem("set WRIT_ISSUER to what the ring says, or name the right ring", "the ring is for %q, and WRIT_ISSUER is another issuer", info.Issuer)
	}
	f.document(r, vault, &c)
	f.schedule(r, &c)
	f.each(r, &c)
	if k := inState(r.keys(), keys.Active); k != nil {
		well = describe(k, now)
	}
	return f, well
}

// secret looks at how private halves are kept, and configures c with it if it is right.
func (f *findings) secret(at *target, p *protection, c *keys.Config) {
	switch err := p.configure(c); {
	case errors.Is(err, errUnprotected):
		f.problem("set WRIT_SECRET or WRIT_SECRET_FILE; say --clear if the ring was made so",
			"without the secret nothing shows that the ring is genuine, so half of this was not looked at")
	case err != nil:
		f.problem("", "%v", err)
	case c.InClear:
		f.note("make a ring under a secret when everybody can be signed out: "+at.keygen("new"),
			"by your leave the private keys are not encrypted: who reads %v, or a backup of it, can forge tokens", at)
	}
	file := cmp.Or(*p.file, os.Getenv("WRIT_SECRET_FILE"))
	for _, path := range at.files {
		if file != "" && sameDir(file, path) {
			f.note("keep the secret in another directory, and out of the ring's backups",
				"the secret lies beside what it encrypts: who copies one, copies both")
			return
		}
	}
}

// document looks at the ring as a whole.
func (f *findings) document(r *reading, vault *snapshot, c *keys.Config) {
	if err := checkIssuer(r.info.Issuer); err != nil {
		f.note("make a ring for an issuer that is an URL", "the ring's issuer is not one that programs take: %v", err)
	} else if host, ok := strings.CutPrefix(r.info.Issuer, "http://"); ok && !isLocal(host) {
		f.note("serve with https, and make a ring for that issuer", "the issuer has http: whoever is on the way reads every token")
	}
	if ahead := r.info.UpdatedAt.Sub(r.now); ahead > c.Skew {
		f.problem("set the clock of this machine, or of the one that wrote the ring (NTP)",
			"the ring was written %s ahead of this clock; no key rotates until the clocks agree", span(ahead))
	}
	if n := len(vault.doc); n > 512<<10 {
		f.note(r.at.keygen("prune"), "the ring has %d KiB of the 1024 that it may have", n>>10)
	}
	if most := int(c.MACLife/max(c.MACPeriod, time.Second)) + 4; c.MACPeriod > 0 && (r.info.MACs > most || r.info.Data > most) {
		f.problem(r.at.keygen("prune")+"; and see that the program runs its ring (Run)",
			"there are %d MAC keys and %d data keys, and should be %d at most: old ones are not removed", r.info.MACs, r.info.Data, most)
	}
}

func isLocal(host string) bool {
	host, _, _ = strings.Cut(host, "/")
	return host == "localhost" || strings.HasPrefix(host, "localhost:") || strings.HasPrefix(host, "127.") || strings.HasPrefix(host, "[::1]")
}
