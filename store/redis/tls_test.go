package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/internal/servers"
	"github.com/writ-go/writ/store/redis"
)

// authority signs certificates that nobody but these tests is to trust.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, name string) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue(name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// issue writes name.crt and name.key.
func (a *authority) issue(name string, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.Subject = pkix.Name{CommonName: "test " + name}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".crt", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", raw)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTLSAndPasswordFromFiles(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "ca")
	ca.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	ca.issue("client", &x509.Certificate{})
	stranger := newAuthority(t, "ca")
	stranger.issue("client", &x509.Certificate{})
	port := freePort(t)
	server := servers.Redis(t, fmt.Sprint("tls-port ", port), "requirepass test-password", "tls-auth-clients yes",
		"tls-cert-file "+ca.file("server.crt"), "tls-key-file "+ca.file("server.key"), "tls-ca-cert-file "+ca.file("ca.crt"))
	password := ca.file("password")
	if err := os.WriteFile(password, []byte("test-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	cert := "&tls-cert=" + ca.file("client.crt") + "&tls-key=" + ca.file("client.key")
	// A server that refuses a certificate may say so, or just hang up.
	for _, c := range []struct{ name, url, says string }{
		{"no certificate", "rediss://" + at + "?tls-ca=" + ca.file("ca.crt") + "&password-file=" + password, ""},
		{"a stranger's certificate", "rediss://" + at + "?tls-ca=" + ca.file("ca.crt") + "&password-file=" + password +
			"&tls-cert=" + stranger.file("client.crt") + "&tls-key=" + stranger.file("client.key"), ""},
		{"an authority that did not sign the server's", "rediss://" + at + "?tls-ca=" + stranger.file("ca.crt") + "&password-file=" + password + cert, "failed to verify certificate"},
		{"the system's authorities", "rediss://" + at + "?password-file=" + password + cert, "failed to verify certificate"},
		{"another name than the server's", fmt.Sprintf("rediss://localhost:%d?tls-ca=%s&password-file=%s%s", port, ca.file("ca.crt"), password, cert), "failed to verify certificate"},
		{"no password", "rediss://" + at + "?tls-ca=" + ca.file("ca.crt") + cert, "NOAUTH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := redis.Open(t.Context(), redis.Config{URL: c.url, Timeout: time.Second})
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), ca.dir) {
				t.Errorf("error %v, want one that says %q and no path", err, c.says)
			}
		})
	}

	s := open(t, redis.Config{URL: "rediss://" + at + "?tls-ca=" + ca.file("ca.crt") + cert, PasswordFile: password})
	row := save(t, s, writ.Row{ID: "s1"}, entry("s1"))

	// The password and the certificate change while the store is open.
	a := admin(t, server.Addr())
	do(t, a, "AUTH", "test-password")
	do(t, a, "CONFIG", "SET", "requirepass", "new-test-password")
	ca.issue("client", &x509.Certificate{})
	wantBroken := func(err error) {
		t.Helper()
		if err == nil || errors.Is(err, writ.ErrConflict) || !strings.Contains(err.Error(), "WRONGPASS") {
			t.Errorf("error %v, want WRONGPASS", err)
		}
	}
	do(t, a, "CLIENT", "KILL", "TYPE", "normal")
	_, err := s.Save(t.Context(), row)
	wantBroken(err)
	if err := os.WriteFile(password, []byte("new-test-password"), 0o600); err != nil {
		t.Fatal(err)
	}
	save(t, s, row)
}
