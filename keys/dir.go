package keys

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	ringFile = "ring.json"
	lockFile = "ring.lock"
)

// Dir is a Vault in a directory of its own, with mode 0700. The ring is its file ring.json, with
// mode 0600; ring.lock beside it is empty. Save makes the directory if need be and replaces the
// file atomically, under a lock that the system releases if the process dies. The version is the
// hash of the content, so that an edit by hand counts too.
//
// Load and Save refuse a directory or file that the group or others may read or write, or that
// belongs to a user other than root and the one that the process runs as. Windows has no such modes:
// there, limit access to the directory yourself. A link to what is not there, such as a volume that
// is not mounted, is an error and not an empty vault. On systems without file locks (not Unix, not
// Windows) Save fails.
//
// On Linux the directory may be a read-only mount, such as a Kubernetes Secret with the key
// ring.json. There Save fails with errors.ErrUnsupported, and it is enough if the files belong to root
// and only their group may read them too, and if the directory is sticky where others may write. For
// that, set defaultMode: 0400, and fsGroup unless the process is root's.
//
// Dir is a Watcher, so that a running Ring soon sees what was changed.
func Dir(path string) Vault { return dir(path) }

type dir string

// String is the path of the ring's file.
func (d dir) String() string { return filepath.Join(string(d), ringFile) }

func (d dir) Load(ctx context.Context) ([]byte, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	switch info, err := os.Stat(string(d)); {
	case d == "":
		return nil, 0, errors.New("no directory given for the ring")
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, checkAbsent(string(d))
	case err != nil:
		return nil, 0, err
	case !info.IsDir():
		return nil, 0, fmt.Errorf("%s is not a directory: name a directory for the ring", string(d))
	default:
		if err := checkOwn(string(d), info, "reach the keys in it", "700"); err != nil {
			return nil, 0, err
		}
	}
	doc, err := readOwn(d.String(), maxDocument, "sign in as every user")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, checkAbsent(d.String())
	case err != nil:
		return nil, 0, err
	case len(doc) == 0:
		return nil, 0, fmt.Errorf("%s is empty: restore it from a backup; removing it makes a new ring and signs everyone out", d)
	}
	return doc, contentVersion(doc), nil
}

func (d dir) Save(ctx context.Context, doc []byte, ifVersion uint64) (uint64, error) {
	if len(doc) == 0 || len(doc) > maxDocument {
		return 0, fmt.Errorf("a ring of %d bytes cannot be saved", len(doc))
	}
	if _, _, err := d.Load(ctx); err != nil { // before anything is made, so that a refusal leaves no trace
		return 0, err
	}
	if readOnly(string(d)) {
		return 0, fmt.Errorf("%s is mounted read-only: change the ring where it is kept: %w", string(d), errors.ErrUnsupported)
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return 0, err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	_, version, err := d.Load(ctx)
	if err != nil {
		return 0, err
	}
	if version != ifVersion {
		return 0, ErrConflict
	}
	if err := replaceFile(d.String(), doc); err != nil {
		return 0, err
	}
	return contentVersion(doc), nil
}

// lockWait is how long Save waits for another process.
const lockWait = 10 * time.Second

func (d dir) lock(ctx context.Context) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	path := filepath.Join(string(d), lockFile)
	for {
		unlock, err := tryLock(path)
		if err != nil {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if unlock != nil {
			return unlock, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is held by another process: %w", path, ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// replaceFile leaves either the old file or the whole new one, whenever the machine stops. Its
// caller holds the lock.
func replaceFile(path string, content []byte) error {
	temp := path + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) { // a crash may have left one
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	folder := filepath.Dir(path)
	return errors.Join(syncDir(folder), syncDir(filepath.Dir(folder)))
}

// syncDir makes names durable. The parent counts because Save may have just made the directory.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil // a parent that may be passed through but not read
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func contentVersion(doc []byte) uint64 {
	sum := sha256.Sum256(doc)
	return max(1, binary.BigEndian.Uint64(sum[:8])) // 0 means that there is no document
}
