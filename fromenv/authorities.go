package fromenv

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// maxAuthorities is how long a file of certificates may be. Those of the whole Web have a quarter of it.
const maxAuthorities = 1 << 20

// rootCAs is whom the issuer's certificate must be from; nil: whom the system trusts.
func (v *followed) rootCAs() (*x509.CertPool, error) {
	if v.RootCAs == "" {
		return nil, nil
	}
	content, err := readAuthorities(absolute(v.RootCAs))
	if err != nil {
		return nil, fmt.Errorf("WRIT_ROOT_CAS_FILE cannot be read: %w", hide(err, []held{{absolute(v.RootCAs), "$WRIT_ROOT_CAS_FILE"}}))
	}
	pool, count := x509.NewCertPool(), 0
	for rest := content; ; count++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil { // the error may quote what is there
			return nil, errNoCertificate
		}
		pool.AddCert(certificate)
	}
	// What is not a whole block the decoder skips: it may have been a certificate, or a key.
	if max(bytes.Count(content, []byte("-----BEGIN")), bytes.Count(content, []byte("-----END"))) != count {
		return nil, errNoCertificate
	}
	if count == 0 {
		return nil, errors.New("WRIT_ROOT_CAS_FILE names a file without a certificate: it must have PEM blocks of type CERTIFICATE")
	}
	return pool, nil
}

var errNoCertificate = errors.New("WRIT_ROOT_CAS_FILE names a file with something that is no certificate, or is damaged: it may have PEM blocks of type CERTIFICATE alone")

// readAuthorities refuses what others could write: whoever does so is whom the issuer's keys come from.
func readAuthorities(path string) ([]byte, error) {
	info, err := os.Stat(path) // a link, as those of Kubernetes are, is followed
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	switch uid := ownerOf(info); {
	case !info.Mode().IsRegular(): // it was put there since
		return nil, errors.New("it is not a file")
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return nil, fmt.Errorf("it has mode %04o, so that others on this machine could write to it: chmod go-w $WRIT_ROOT_CAS_FILE", info.Mode().Perm())
	case uid != 0 && uid != os.Geteuid():
		return nil, fmt.Errorf("it belongs to user %d, who could write to it: chown it to root, or to this program's user", uid)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxAuthorities+1))
	if err == nil && len(content) > maxAuthorities {
		err = fmt.Errorf("it is over %d bytes", maxAuthorities)
	}
	return content, err
}
