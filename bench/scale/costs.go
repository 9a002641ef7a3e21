package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/revocation"
)

// costs are of processor time in nanoseconds, and of memory and the wire in bytes.
type costs struct {
	sign      float64 // an answer that nobody has had yet, beside what follows
	record    float64 // each entry in it
	reuse     float64 // a request that is answered: the server's share
	handshake float64 // a new TLS connection: the server's share
	sent      float64 // each byte of a long answer over TLS: the server's share
	build     float64 // each entry of a snapshot, where it is made
	take      float64 // each entry of a snapshot, where it is read: verified, decoded, in the list

	recordBytes float64 // an entry of a session in the feed
	cutoffBytes float64 // an entry of a subject
	listBytes   float64 // an entry in a list
	answerBytes float64 // an answer without entries, as it goes over TLS
	askBytes    float64 // a request for it, with one place in the cursor
	placeBytes  float64 // each further place
}

const (
	issuerName = "https://login.example"
	entries    = 300_000 // in the list that is measured
)

// one is an issuer with one key, for this run only.
type one struct{ key *keys.Private }

func (o one) Signing() (*keys.Private, error) { return o.key, nil }

func (o one) Public(issuer, kid string) (*keys.Public, error) {
	if issuer != issuerName || kid != o.key.ID() {
		return nil, keys.ErrUnknown
	}
	return o.key.Public(), nil
}

// silent is a log that says nothing.
type silent struct{}

func (silent) Snapshot(context.Context, func(revocation.Entry)) (revocation.Cursor, error) {
	return "", nil
}

func (silent) Tail(_ context.Context, c revocation.Cursor) ([]revocation.Entry, revocation.Cursor, error) {
	return nil, c, nil
}

func entry(kind revocation.Kind) revocation.Entry {
	var id [16]byte
	rand.Read(id[:])
	e := revocation.Entry{Kind: kind, ID: base64.RawURLEncoding.EncodeToString(id[:]), Before: revocation.Ended, Expires: time.Now().Add(retention)}
	if kind == revocation.Subject {
		e.Before = time.Now().UnixMicro()
	}
	return e
}

// measured times the real code on this machine.
func measured(ctx context.Context) (c costs, err error) {
	key, err := keys.Generate(keys.EdDSA)
	if err != nil {
		return c, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	who := one{key}
	now := time.Now()
	list := revocation.NewList(revocation.Config{Source: silent{}, Now: func() time.Time { return now }})
	if err := list.Load(ctx); err != nil {
		return c, err
	}
	before := inUse()
	for range entries {
		list.Apply(entry(revocation.Session))
	}
	c.listBytes = float64(inUse()-before) / entries
	h, err := revocation.NewHandler(revocation.HandlerConfig{
		List: list, Key: secret, Keys: who, Issuer: issuerName, Public: true, MaxStale: time.Hour,
	})
	if err != nil {
		return c, err
	}
	c.build = float64(used(func() { ask(h, "") })) / entries
	if err := c.small(h, list); err != nil {
		return c, err
	}
	if err := c.wire(ctx, h); err != nil {
		return c, err
	}
	return c, c.follow(ctx, h, who)
}

// ask is the answer without a network.
func ask(h http.Handler, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, issuerName+"/?"+query, nil))
	return w
}

// cursorOf is where an answer leads.
func cursorOf(body []byte) (string, error) {
	parts := strings.SplitN(string(body), ".", 3)
	if len(parts) < 3 {
		return "", errors.New("that is no answer of a feed")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(payload), `"cursor":"`)
	cursor, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return "", errors.New("an answer of the feed has no cursor")
	}
	return cursor, nil
}

// small measures answers to ?after. Each round leads to another cursor, and so to another answer.
func (c *costs) small(h http.Handler, list *revocation.List) error {
	at, err := cursorOf(ask(h, "").Body.Bytes())
	comes := func(n int, kind revocation.Kind) {
		for range n {
			list.Apply(entry(kind))
		}
		time.Sleep(together + 2*gather) // the next one is a round's first, and shows all
	}
	answer := func() (size int, took time.Duration) {
		var body []byte
		took = used(func() { body = ask(h, "after="+at).Body.Bytes() })
		next, failed := cursorOf(body)
		err = errors.Join(err, failed)
		at = next
		return len(body), took
	}
	const many, long, groups = 100, 10_000, 3
	var all []string
	for range many {
		comes(1, revocation.Session)
		answer()
		all = append(all, at)
	}
	var took []time.Duration
	for range groups {
		comes(1, revocation.Session)
		took = append(took, used(func() {
			for _, at := range all {
				ask(h, "after="+at)
			}
		}))
	}
	answer()
	comes(1, revocation.Session)
	small, _ := answer()
	comes(long, revocation.Session)
	large, t := answer()
	comes(long, revocation.Subject)
	cutoffs, _ := answer()
	c.record = float64(t) / long
	c.sign = max(0, float64(slices.Min(took))/many-c.record*many/2) // the least, because the rest of the machine only ever adds
	c.recordBytes = float64(large-small) / (long - 1)
	c.cutoffBytes = c.recordBytes + float64(cutoffs-large)/long
	return err
}

// counting counts what goes over a connection.
type counting struct {
	net.Conn
	read, written *atomic.Int64
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Add(int64(n))
	return n, err
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// wire measures a real server with TLS. Server and client share the processor time evenly.
func (c *costs) wire(ctx context.Context, h http.Handler) error {
	server := httptest.NewUnstartedServer(h)
	cert, err := certificate()
	if err != nil {
		return err
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	var read, written atomic.Int64
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, address)
			return counting{conn, &read, &written}, err
		},
	}
	client := &http.Client{Transport: transport}
	at, err := cursorOf(ask(h, "").Body.Bytes())
	if err != nil {
		return err
	}
	at, err = cursorOf(ask(h, "after="+at).Body.Bytes())
	if err != nil {
		return err
	}
	get := func(query string) (size int64) {
		req, failed := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/.well-known/revocations?"+query, nil)
		if failed != nil {
			err = failed
			return 0
		}
		req.Header.Set("Accept", "application/octet-stream")
		req.Header.Set("Accept-Encoding", "identity")
		res, failed := client.Do(req)
		if failed != nil {
			err = failed
			return 0
		}
		defer res.Body.Close()
		size, failed = io.Copy(io.Discard, res.Body)
		if failed != nil || res.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d, %v", res.StatusCode, failed)
		}
		return size
	}
	get("after=" + at)
	const many = 3000
	read.Store(0)
	written.Store(0)
	c.reuse = float64(used(func() {
		for range many {
			get("after=" + at)
		}
	})) / many / 2
	c.answerBytes, c.askBytes = float64(read.Load())/many, float64(written.Load())/many
	c.placeBytes = float64(base64.RawURLEncoding.EncodedLen(24) + 1)
	const pages, times = 16, 5
	var size int64
	for page := range pages { // signed before they are timed
		get(fmt.Sprintf("page=%d.%d", page, pages))
	}
	c.sent = float64(used(func() {
		for i := range pages * times {
			size += get(fmt.Sprintf("page=%d.%d", i%pages, pages))
		}
	})) / float64(size) / 2
	transport.DisableKeepAlives = true
	transport.CloseIdleConnections()
	const fresh = 300
	c.handshake = max(0, float64(used(func() {
		for range fresh {
			get("after=" + at)
		}
	}))/fresh/2-c.reuse)
	return err
}

// follow measures one who takes the snapshot, without a network.
func (c *costs) follow(ctx context.Context, h http.Handler, who one) error {
	feed, err := revocation.NewFeed(revocation.FeedConfig{
		URL: issuerName + "/.well-known/revocations", Issuer: issuerName, Keys: who,
		Transport: direct{h}, AllowPrivateAddresses: true,
	})
	if err != nil {
		return err
	}
	list := revocation.NewList(revocation.Config{Source: feed})
	took := used(func() { err = list.Load(ctx) })
	c.take = float64(took) / float64(max(1, list.Stats().Entries))
	return err
}

// direct hands a request to the handler.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

// certificate is of this machine, for an hour, with a key of ECDSA like most servers have.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// used is the processor time of this process while f runs.
func used(f func()) time.Duration {
	at := func() time.Duration {
		var u syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for no one
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began := at()
	f()
	return at() - began
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
