package revocation

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/writ-go/writ/internal/ownfile"
	"github.com/writ-go/writ/keys"
)

// restore adds what the file has, and returns where that leads, and whether there is no need to try
// again. Whatever is wrong with it is reported, and what is not signed is not added.
func (f *Feed) restore(add func(Entry)) (at stand, done bool) {
	at, err := f.readFile(add)
	if errors.Is(err, fs.ErrNotExist) {
		return stand{}, true
	}
	done = !errors.Is(err, keys.ErrUnavailable)
	if err != nil {
		err = fmt.Errorf("revocation: the feed of %q in CacheDir is not used, or not to its end: %w", f.config.Issuer, err)
	}
	f.note(func(s *FeedStatus) { s.CacheErr = err })
	return at, done
}

// readFile returns where the file leads even if something is wrong with its end: the process may have
// been stopped while it wrote.
func (f *Feed) readFile(add func(Entry)) (at stand, err error) {
	file, err := ownfile.Open(f.file.path)
	if err != nil {
		return at, err
	}
	defer file.Close()
	r := &keptReader{from: bufio.NewReaderSize(file, 1<<16)}
	body, err := r.next(maxHead)
	if err != nil {
		return at, err
	}
	first, _, err := f.verifier.open(body, snapshotBegins)
	if err != nil {
		return at, err
	}
	c, err := collect(first, f.config.MaxEntries)
	if err != nil {
		return at, err
	}
	for len(c.missing) > 0 {
		if body, err = r.next(maxHead + maxPageSize); err != nil {
			return at, errDamaged
		}
		if err := f.takePage(c, body, add); err != nil {
			return at, err
		}
	}
	base, size, known := r.size, r.size, cursorParts{}
	at = c.stand()
	known.add(at.cursor)
	for {
		if body, err = r.next(maxTailing); err != nil {
			break
		}
		var later claims
		var entries []Entry
		if later, entries, err = f.take(body, at.key, func(after string) bool { return known[after] }); err != nil {
			break
		}
		for _, e := range entries {
			add(e)
		}
		at = at.after(later)
		known.add(at.cursor)
		size = r.size
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	followed := f.file.follow(at, base, size)
	f.file.known = known
	return at, errors.Join(err, followed)
}

// keptReader reads a file's answers.
type keptReader struct {
	from *bufio.Reader
	size int64 // bytes so far
}

var errDamaged = errors.New("it is damaged; the next snapshot replaces it")

// next is io.EOF at the end.
func (r *keptReader) next(limit int) ([]byte, error) {
	var head [4]byte
	if n, err := io.ReadFull(r.from, head[:]); n == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	} else if err != nil {
		return nil, errDamaged
	}
	n := binary.BigEndian.Uint32(head[:])
	if int64(n) > int64(limit) {
		return nil, errDamaged
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r.from, body); err != nil {
		return nil, errDamaged
	}
	r.size += int64(len(head)) + int64(n)
	return body, nil
}
