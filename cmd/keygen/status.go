package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/keys"
)

// status is the answer to --json.
type status struct {
	Issuer    string      `json:"issuer"`
	UpdatedAt time.Time   `json:"updated_at"`
	Keys      []keyStatus `json:"keys"`
	MACKeys   int         `json:"mac_keys"`
}

type keyStatus struct {
	KID        string     `json:"kid"`
	Alg        string     `json:"alg"`
	State      keys.State `json:"state"`
	CreatedAt  time.Time  `json:"created_at"`
	ActivateAt time.Time  `json:"activate_at"`
	MaxTTL     int64      `json:"max_ttl"` // seconds
	InClear    bool       `json:"in_clear"`
	Wiped      bool       `json:"wiped"`
}

func runStatus(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := newCommand("status")
	asJSON, inClear := flags.boolean("json"), flags.boolean("clear")
	dir, err := flags.parse(args)
	if err != nil {
		return err
	}
	info, err := readRing(ctx, dir, *inClear, stderr)
	if err != nil {
		return err
	}
	s := status{Issuer: info.Issuer, UpdatedAt: info.UpdatedAt, MACKeys: info.MACs}
	for _, k := range info.Keys {
		s.Keys = append(s.Keys, keyStatus{
			KID: k.Public.ID(), Alg: k.Public.Algorithm().Name(), State: k.State, CreatedAt: k.CreatedAt,
			ActivateAt: k.ActivateAt, MaxTTL: int64(k.MaxTTL / time.Second), InClear: k.InClear, Wiped: k.Wiped,
		})
	}
	if *asJSON {
		out, err := json.Marshal(s, jsontext.WithIndent("  "))
		if err == nil {
			_, err = fmt.Fprintf(stdout, "%s\n", out)
		}
		return err
	}
	return s.table(stdout)
}

func (s *status) table(w io.Writer) error {
	fmt.Fprintf(w, "Issuer %s, changed %s\n\n", s.Issuer, s.UpdatedAt.Format(time.RFC3339))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KID\tALG\tSTATE\tCREATED\tACTIVE SINCE\tMAX TTL\tPRIVATE HALF")
	for _, k := range s.Keys {
		since := k.ActivateAt.Format(time.RFC3339)
		if k.State == keys.Pending {
			since = "from " + since
		}
		private := "sealed"
		if k.InClear {
			private = "IN CLEAR"
		} else if k.Wiped {
			private = "wiped"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%v\t%s\n", k.KID, k.Alg, k.State, k.CreatedAt.Format(time.RFC3339),
			since, time.Duration(k.MaxTTL)*time.Second, private)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nMAC keys for refresh tokens: %d\n", s.MACKeys)
	return err
}
