package revocation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/writ-go/writ/internal/ownfile"
)

const (
	// minFull and the size of the snapshot are what changes may take in a file until it is made anew.
	minFull = 4 << 20 // bytes
	// fullPause is how often that is tried where it fails.
	fullPause = time.Hour
	// restTime is how old the file may be while nothing changes.
	restTime = 10 * time.Second
)

// feedFile keeps the answers of a Feed as they came: a snapshot's, its pages', and those with changes
// that followed, each after its length in 4 bytes, big-endian. They are signed, and are checked when they
// are read as they were when they came.
type feedFile struct {
	path    string
	minimum int64    // what changes may take at least
	open    *os.File // to append to; nil: there is nothing to append to
	base    int64    // bytes of the snapshot
	size    int64
	known   cursorParts // that an answer may follow
	asOf    time.Time
	pending *kept // the latest answer, if it has no changes
	misfit  bool  // an answer was lost, so later ones are of no use
	retry   time.Time
}

type kept struct {
	body   []byte
	claims claims
}

// cursorParts are those of all cursors so far.
type cursorParts map[string]bool

func (p cursorParts) add(cursor string) {
	for part := range strings.SplitSeq(cursor, ".") {
		p[part] = true
	}
}

func newFeedFile(dir, issuer, url string) (*feedFile, error) {
	if err := ownfile.MakeDir(dir); err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(issuer + "\x00" + url)) // nothing of a text is a path
	return &feedFile{path: filepath.Join(dir, "revocations-"+hex.EncodeToString(sum[:])+".feed"), minimum: minFull}, nil
}

// full reports whether the file is to be made anew by taking a snapshot, which may not succeed.
func (f *feedFile) full(now time.Time) bool {
	if !f.misfit && f.size-f.base < max(f.base, f.minimum) || now.Before(f.retry) {
		return false
	}
	f.retry = now.Add(fullPause)
	return true
}

// append keeps an answer with changes. One that says nothing new but the time is held back for a while,
// and only the latest of them: later answers may follow that time.
func (f *feedFile) append(body []byte, c claims) error {
	if f.open == nil || f.misfit {
		return nil
	}
	next, held := &kept{body, c}, f.pending
	if !f.known[c.After] && held != nil {
		f.pending = nil
		if err := f.write(held); err != nil {
			return err
		}
	}
	if !f.known[c.After] {
		f.misfit = true
		return nil
	}
	place, _ := cutTime(c.Cursor)
	if c.Count == 0 && f.known[place] && time.UnixMicro(c.AsOf).Sub(f.asOf) < restTime {
		if held == nil || held.claims.AsOf < c.AsOf {
			f.pending = next
		}
		return nil
	}
	f.pending = nil
	return f.write(next)
}

func (f *feedFile) write(k *kept) error {
	n, err := writeKept(f.open, k.body)
	f.size += n
	if err != nil { // what follows a part of an answer is of no use
		f.misfit = true
		return errors.Join(err, f.close())
	}
	f.known.add(k.claims.Cursor)
	f.asOf = time.UnixMicro(k.claims.AsOf)
	return nil
}

func (f *feedFile) close() error {
	open := f.open
	f.open = nil
	if open == nil {
		return nil
	}
	return open.Close()
}

func writeKept(to io.Writer, body []byte) (int64, error) {
	n, err := to.Write(append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...))
	return int64(n), err
}

// keep reports what happened to the file.
func (f *Feed) keep(err error) {
	if f.file == nil {
		return
	}
	if err != nil {
		err = fmt.Errorf("revocation: keeping the feed of %q in CacheDir: %w", f.config.Issuer, err)
		f.file.misfit, f.file.retry = true, f.config.Now().Add(fullPause)
	}
	f.note(func(s *FeedStatus) {
		if err != nil || !f.file.misfit {
			s.CacheErr = err
		}
	})
}

// draft is a file in the making. The zero draft is none.
type draft struct {
	feed *feedFile
	file *ownfile.Draft
	size int64
	err  error
}

// draft begins a file with a snapshot's answer.
func (f *Feed) draft(body []byte) *draft {
	d := &draft{feed: f.file}
	if d.feed != nil {
		d.file, d.err = ownfile.Create(d.feed.path)
		d.add(body)
	}
	return d
}

func (d *draft) add(body []byte) {
	if d.feed == nil || d.err != nil {
		return
	}
	n, err := writeKept(d.file, body)
	d.size, d.err = d.size+n, err
}

// commit puts the file in its place, where it says what one knows who stands at s.
func (d *draft) commit(s stand) error {
	if d.feed == nil || d.err != nil {
		return d.err
	}
	f := d.feed
	err := f.close()
	file := d.file
	d.file = nil
	if err = errors.Join(err, file.Commit()); err != nil {
		return err
	}
	return f.follow(s, d.size, d.size)
}

func (d *draft) discard() {
	if d.file != nil {
		d.file.Discard()
	}
}

// follow has answers appended from now on, to the first size bytes.
func (f *feedFile) follow(s stand, base, size int64) error {
	open, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		err = open.Truncate(size)
	}
	*f = feedFile{path: f.path, minimum: f.minimum, open: open, base: base, size: size, known: cursorParts{}, asOf: s.asOf}
	f.known.add(s.cursor)
	if err != nil {
		f.misfit = true
		return errors.Join(err, f.close())
	}
	return nil
}
