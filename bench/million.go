package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/rotation"
)

// ofEach is how many sessions a subject has.
const ofEach = 10

// crowd is a store with many sessions.
type crowd struct {
	size   int
	site   *site // any number of sessions for a subject
	capped *site // a sign-in beyond ofEach ends the oldest session
	model  writ.Row
	token  rotation.Token
	mac    []byte // of refresh tokens

	signIns, refreshed, dead int // so many subjects, sessions and rows have had their turn
}

// openCrowd fills a store under that name.
func openCrowd(ctx context.Context, p *place, name string, size int) (c *crowd, stop func() error, err error) {
	store, err := p.open(ctx, p.address, name)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, store.Close())
		}
	}()
	c = &crowd{size: size}
	clock := newClock()
	if c.site, err = openSite(ctx, store, clock, 0); err != nil {
		return nil, nil, err
	}
	if c.capped, err = openSite(ctx, store, clock, ofEach); err != nil {
		return nil, nil, err
	}
	if err := c.sit(ctx); err != nil {
		return nil, nil, err
	}
	if p.fill != nil {
		err = p.fill(ctx, name, c.rows())
	} else {
		err = save(ctx, store, size, c.row)
	}
	if err != nil {
		return nil, nil, err
	}
	clock.advance(window) // from here on every session can be rotated
	return c, func() error { return errors.Join(c.site.check(), c.capped.check(), store.Close()) }, nil
}

// sit has one session begin in earnest. All the others are made in its likeness.
func (c *crowd) sit(ctx context.Context) error {
	pair, err := c.site.Start(ctx, login(c.subject(c.size))) // a name that no other has
	if err != nil {
		return err
	}
	if c.model, err = c.site.store.Load(ctx, pair.SessionID); err != nil {
		return err
	}
	ring, err := keys.Load(ctx, keys.Config{Issuer: issuer, Vault: writ.Vault(c.site.store), InClear: true, Now: c.site.clock.now})
	if err != nil {
		return err
	}
	if c.mac, err = ring.SigningMAC(); err != nil {
		return err
	}
	var ok bool
	if c.token, ok = rotation.Parse(pair.Refresh, func(kid [4]byte) []byte { key, _ := ring.MAC(kid); return key }); !ok {
		return errors.New("a refresh token is not of the ring")
	}
	return nil
}

// id is that of session i: as random as any, and always the same.
func (c *crowd) id(i int) [16]byte {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
	return [16]byte(sum[:16])
}

// subject is whose session i is. A subject's sessions did not begin one after the other.
func (c *crowd) subject(i int) string {
	return fmt.Sprintf("crowd-%09d", i%max(1, c.size/ofEach)+i/c.size*c.size)
}

// row is what a sign-in of session i would have stored.
func (c *crowd) row(i int) writ.Row {
	id := c.id(i)
	name, subject := base64.RawURLEncoding.EncodeToString(id[:]), c.subject(i)
	data := bytes.ReplaceAll(c.model.Data, []byte(c.model.ID), []byte(name))
	data = bytes.ReplaceAll(data, []byte(c.model.Owner), []byte(subject))
	return writ.Row{ID: name, Owner: subject, Expires: c.model.Expires, Data: data}
}

func (c *crowd) rows() iter.Seq[writ.Row] {
	return func(yield func(writ.Row) bool) {
		for i := range c.size {
			if !yield(c.row(i)) {
				return
			}
		}
	}
}

// save saves n new rows.
func save(ctx context.Context, store writ.Store, n int, row func(i int) writ.Row) error {
	_, err := together(mostCallers, times(n), func(i int) error {
		_, err := store.Save(ctx, row(i))
		return err
	})
	return err
}

// list lists the sessions of any subject.
func (c *crowd) list(ctx context.Context) error {
	subject := c.subject(rand.IntN(c.size))
	list, err := c.site.Sessions(ctx, subject)
	if err == nil && len(list) != ofEach {
		err = fmt.Errorf("a subject has %d sessions, and not %d", len(list), ofEach)
	}
	return err
}

// signIn begins a subject's eleventh session, which ends its first. Each subject has one turn, the
// last one first, so that what ended does not make the lists long.
func (c *crowd) signIn(ctx context.Context) error {
	c.signIns++
	subjects := c.size / ofEach
	if c.signIns > subjects/2 {
		return errors.New("too few subjects for so many sign-ins")
	}
	_, err := c.capped.Start(ctx, login(c.subject(subjects-c.signIns)))
	return err
}

func (c *crowd) start(ctx context.Context) error {
	_, err := c.site.start(ctx)
	return err
}

// refresh refreshes a session for the first time, of those subjects that signIn leaves alone.
func (c *crowd) refresh(ctx context.Context) error {
	t, subjects := c.token, c.size/ofEach
	at := c.refreshed % (subjects / 2)
	if round := c.refreshed / (subjects / 2); round < ofEach {
		t.Session = c.id(at*stride%(subjects/2) + round*subjects)
	} else {
		return errors.New("too few sessions for so many refreshes")
	}
	c.refreshed++
	_, err := c.site.rotate(ctx, rotation.Format(t, c.mac))
	return err
}

// stride is prime, so that multiples of it go through all subjects, and far from one to the next.
const stride = 10_007

const purgeBatch = 1000

// die adds sessions that have expired.
func (c *crowd) die(ctx context.Context) error {
	began := c.dead
	c.dead += purgeBatch
	return save(ctx, c.site.store, purgeBatch, func(i int) writ.Row {
		row := c.row(2*c.size + began + i)
		row.Expires = time.Now().Add(-time.Hour).Add(time.Duration(i) * time.Second)
		return row
	})
}

// purge removes them all, and nothing else.
func (c *crowd) purge(ctx context.Context) error {
	more, err := c.site.store.Purge(ctx, time.Now())
	if err == nil && more {
		err = errors.New("more rows have expired than were made so")
	}
	return err
}
