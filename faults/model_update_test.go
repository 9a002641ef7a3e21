package faults_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/writ-go/writ"
)

// update changes a session, perhaps while another node changes it too.
func (m *machine) update(r *rapid.T) {
	s := m.lively(r, m.known())
	h := m.host(r)
	f := drawMishap(r, 4, "Load", "Save")
	var race func()
	if f == nil && rapid.Bool().Draw(r, "race") {
		race = func() { m.inner(r, m.other(h), s) }
	}
	m.doUpdate(r, h, s, f, race)
}

func (m *machine) doUpdate(r *rapid.T, h *host, s *sitting, f *mishap, race func()) {
	m.marks++
	mark := fmt.Sprintf("%d;", m.marks)
	r.Logf("%s: update session %d%v", h.name, s.number, f)
	update := func() error {
		return h.m.Update(context.Background(), s.id, func(p *writ.Session) error {
			if race != nil {
				race()
				race = nil
			}
			if !strings.Contains(string(p.Private), mark) {
				p.Private = append(p.Private, mark...)
				p.Claims.Data = marked(p.Claims.Data, mark)
			}
			return nil
		})
	}
	h.store.begin(f, "", nil)
	err := update()
	if h.store.end() {
		expect(r, "an update when the store fails", err, "unavailable")
		err = update()
	}
	if !m.alive(s, h) {
		expect(r, "an update of a session that has ended", err, "not found")
		return
	}
	expect(r, "an update", err, "nil")
	s.private += mark
	s.data = string(marked([]byte(s.data), mark))
}

// marked is the application's object with one mark more.
func marked(data []byte, mark string) []byte {
	if len(data) == 0 {
		data = []byte(`{"marks":""}`)
	}
	return fmt.Appendf(nil, `%s%s"}`, bytes.TrimSuffix(data, []byte(`"}`)), mark)
}

// changeRole changes what OnIssue says from now on.
func (m *machine) changeRole(r *rapid.T) {
	subject := rapid.SampledFrom([]string{"alice", "bob"}).Draw(r, "subject")
	m.roles[subject] = rapid.SampledFrom([]string{"", "reader", "writer"}).Draw(r, "role")
	r.Logf("%s becomes %q", subject, m.roles[subject])
}

// listInVain asks for the sessions when the store fails.
func (m *machine) listInVain(r *rapid.T) {
	h := m.host(r)
	h.store.begin(&mishap{call: "List", nth: 1, when: beforeWork}, "", nil)
	_, err := h.m.Sessions(context.Background(), "alice")
	h.store.end()
	expect(r, "a list when the store fails", err, "unavailable")
}
