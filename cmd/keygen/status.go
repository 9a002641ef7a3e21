package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

const statusUsage = `Usage:
    keygen status [--json] [--at TIME] [flags] [RING]

Shows every key: a table, a timeline, and what happens next. Times are in the local
zone; in JSON they are UTC.

With the secret it checks that the ring is genuine. Without one it shows what the ring
says, and warns: whoever can write to it may have put in keys of their own.

    --json              the same as JSON.
    --at TIME           as if it were then: 2026-07-29T14:05:00Z.` + protectionUsage + scheduleUsage + `
The timeline is COLUMNS wide, or else 80, and in ASCII unless the locale is UTF-8.
`

// ringStatus is the answer to --json.
type ringStatus struct {
	Issuer     string          `json:"issuer"`
	UpdatedAt  time.Time       `json:"updated_at"`
	Genuine    bool            `json:"genuine"` // the seal was checked
	Keys       []keyStatus     `json:"keys"`
	MACKeys    int             `json:"mac_keys"`
	DataKeys   int             `json:"data_keys"`
	Removed    []removedStatus `json:"removed"`
	NextChange time.Time       `json:"next_change,omitzero"` // of the set of public keys
}

type keyStatus struct {
	KID        string     `json:"kid"`
	Alg        string     `json:"alg"`
	State      keys.State `json:"state"`
	CreatedAt  time.Time  `json:"created_at"`
	ActivateAt time.Time  `json:"activate_at"`
	RetireAt   time.Time  `json:"retire_at,omitzero"`
	WipeAt     time.Time  `json:"wipe_at,omitzero"`
	RemoveAt   time.Time  `json:"remove_at,omitzero"`
	MaxTTL     int64      `json:"max_ttl"` // seconds
	Ref        string     `json:"ref,omitzero"`
	InClear    bool       `json:"in_clear"`
	Wiped      bool       `json:"wiped"`
}

type removedStatus struct {
	KID         string    `json:"kid"`
	RemovedAt   time.Time `json:"removed_at"`
	Compromised bool      `json:"compromised"`
}

func (t *tool) status(ctx context.Context, args []string) error {
	c := newCommand("status")
	asJSON, protection, schedule, now := c.boolean("json"), c.protection(), c.schedule(), c.at()
	raw, err := c.parse(args, "ring")
	if err != nil {
		return err
	}
	at, err := t.target(ctx, raw, false)
	if err != nil {
		return err
	}
	defer at.Close()
	r, err := t.read(ctx, at, protection, *schedule, now())
	if err != nil {
		return err
	}
	if *asJSON {
		out, err := json.Marshal(r.status(), jsontext.WithIndent("  "))
		if err == nil {
			_, err = fmt.Fprintf(t.stdout, "%s\n", out)
		}
		return err
	}
	return r.show(t.stdout)
}

func (r *reading) status() *ringStatus {
	s := &ringStatus{
		Issuer: r.info.Issuer, UpdatedAt: r.info.UpdatedAt.UTC(), Genuine: r.sealed,
		MACKeys: r.info.MACs, DataKeys: r.info.Data, Keys: []keyStatus{}, Removed: []removedStatus{},
	}
	for _, k := range r.keys() {
		s.Keys = append(s.Keys, keyStatus{
			KID: k.Public.ID(), Alg: k.Public.Algorithm().Name(), State: k.State, CreatedAt: k.CreatedAt.UTC(),
			ActivateAt: k.ActivateAt.UTC(), RetireAt: k.RetireAt.UTC(), WipeAt: k.WipeAt.UTC(), RemoveAt: k.RemoveAt.UTC(),
			MaxTTL: int64(k.MaxTTL / time.Second), Ref: k.Ref, InClear: k.InClear, Wiped: k.Wiped,
		})
	}
	for _, k := range r.removed() {
		s.Removed = append(s.Removed, removedStatus{k.KID, k.At.UTC(), k.Compromised})
	}
	if r.ring != nil {
		s.NextChange = r.ring.NextChange(r.now).UTC()
	}
	return s
}

func (r *reading) removed() []keys.Removal {
	if r.ring != nil {
		return r.ring.Removed()
	}
	return r.info.Removed
}

// show writes for people.
func (r *reading) show(w io.Writer) error {
	all, zone := r.keys(), r.now.Local().Format("MST")
	fmt.Fprintf(w, "Ring of %s in %v, changed %s. Times are %s.\n\n", r.info.Issuer, r.at, when(r.info.UpdatedAt, r.now), zone)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KID\tALG\tSTATE\tSIGNS FROM\tSIGNS UNTIL\tREMOVED\tMAX TTL\tPRIVATE HALF")
	for _, k := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Public.ID(), k.Public.Algorithm().Name(), k.State, date(k.ActivateAt),
			date(k.RetireAt), date(k.RemoveAt), span(k.MaxTTL), privateHalf(&k))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	var bars []bar
	for _, k := range all {
		bars = append(bars, bar{label(&k), k.CreatedAt, k.ActivateAt, k.RetireAt, k.RemoveAt})
	}
	fmt.Fprintf(w, "\n%s\n", drawTimeline(bars, r.now, terminalWidth(), terminalGlyphs()))
	for _, k := range all {
		fmt.Fprintln(w, describe(&k, r.now))
	}
	for _, k := range r.removed() {
		if k.Compromised {
			fmt.Fprintf(w, "Key %s is compromised, and was removed at %s.\n", k.KID, when(k.At, r.now))
		}
	}
	_, err := fmt.Fprintf(w, "MAC keys for refresh tokens: %d. Data keys: %d.\n", r.info.MACs, r.info.Data)
	return err
}

// date stands in a table.
func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// label is short, because a timeline is narrow.
func label(k *keys.KeyInfo) string {
	return k.Public.ID()[:8] + " " + k.Public.Algorithm().Name()
}

func privateHalf(k *keys.KeyInfo) string {
	switch {
	case k.Wiped:
		return "wiped"
	case k.InClear:
		return "IN CLEAR"
	case k.Ref != "":
		return "elsewhere"
	}
	return "sealed"
}

// describe says what a key does and what will happen to it when.
func describe(k *keys.KeyInfo, now time.Time) string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s key %s ", k.Public.Algorithm().Name(), k.Public.ID())
	signing := k.State == keys.Active
	switch {
	case k.State == keys.Pending:
		fmt.Fprintf(&out, "is published and signs from %s.", when(k.ActivateAt, now))
	case signing && k.ActivateAt.After(now):
		fmt.Fprintf(&out, "signs already, though its time comes at %s only: is this clock behind?", when(k.ActivateAt, now))
	case signing && k.RetireAt.IsZero():
		fmt.Fprintf(&out, "signs since %s. It has no successor yet.", when(k.ActivateAt, now))
	case signing:
		fmt.Fprintf(&out, "signs until %s.", when(k.RetireAt, now))
	default:
		fmt.Fprintf(&out, "only verifies, since %s.", when(k.RetireAt, now))
	}
	if k.State == keys.Retired && !k.Wiped && !k.WipeAt.IsZero() {
		fmt.Fprintf(&out, " Its private half is wiped from %s.", when(k.WipeAt, now))
	}
	if k.State != keys.Pending && !k.RemoveAt.IsZero() {
		fmt.Fprintf(&out, " It leaves the ring at %s.", when(k.RemoveAt, now))
	}
	return out.String()
}
