package main

import (
	"context"
	"fmt"
)

// match is everything that is compared over one algorithm.
type match struct {
	*suite
	contenders []contender
	probes     []probe
	refused    map[string][]bool
}

// newMatch fails if a contender does not do the same job as the others.
func newMatch(ctx context.Context, s *suite) (*match, error) {
	m := &match{suite: s}
	var err error
	if m.contenders, err = contenders(ctx, s); err != nil {
		return nil, err
	}
	m.probes, m.refused, err = s.verdicts(m.contenders)
	return m, err
}

func (m *match) raw() (row, error) {
	op, err := rawVerification(m.suite, m.good)
	return row{"the signature alone", op}, err
}

func (m *match) verifying(ctx context.Context) (*table, error) {
	raw, err := m.raw()
	if err != nil {
		return nil, err
	}
	unseen, err := strangersRow(ctx, m.suite)
	if err != nil {
		return nil, err
	}
	t := &table{title: fmt.Sprintf("Verifying, %s (a token of %d bytes)", m.alg, len(m.good)), rows: []row{raw}}
	for i, c := range m.contenders {
		t.rows = append(t.rows, row{c.name, func() error { _, err := c.verify(m.good); return err }})
		if i == 0 {
			t.rows = append(t.rows, unseen)
		}
	}
	return t, nil
}

func (m *match) signing() *table {
	t := &table{title: "Signing, " + m.alg, rows: []row{{"the signature alone", rawSigning(m.suite)}}}
	for _, c := range m.contenders {
		if c.sign != nil {
			t.rows = append(t.rows, row{c.signer, func() error { _, err := c.sign(); return err }})
		}
	}
	return t
}

func (m *match) middleware(doors []door) (*table, error) {
	raw, err := m.raw()
	t := &table{title: "Middleware, a whole request in the process, " + m.alg, rows: []row{raw}}
	for _, d := range doors {
		t.rows = append(t.rows, d.row())
	}
	return t, err
}

func (m *match) live(ctx context.Context, revocations revoked, sizes ...int) (*table, error) {
	raw, err := m.raw()
	if err != nil {
		return nil, err
	}
	peer, err := golangJWT(m.suite)
	if err != nil {
		return nil, err
	}
	rows, err := liveRows(ctx, m.suite, revocations, sizes...)
	return &table{
		title: fmt.Sprintf("Many live tokens, %s revocations loaded, %s", count(int(revocations)), m.alg),
		rows: append([]row{raw, {"golang-jwt, one token, no revocations", func() error {
			_, err := peer[0].verify(m.good)
			return err
		}}}, rows...),
	}, err
}
