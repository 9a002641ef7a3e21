package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// refusal is an error whose text may be shown.
type refusal string

func (r refusal) Error() string { return string(r) }

// Reason is the error of a request, or of reading its answer, without what the other side, or the
// URL's query, may have put in its text.
func Reason(err error) error {
	var (
		whole   *url.Error // its text has the URL
		refused refusal
		network *net.OpError
		timeout net.Error
		cert    *tls.CertificateVerificationError
		ca      x509.UnknownAuthorityError
	)
	if errors.As(err, &whole) {
		err = whole.Err
	}
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("it gave no whole answer in time: see whether this machine can reach it")
	case errors.As(err, &ca):
		return fmt.Errorf("%w: if it has an authority of its own, set RootCAs", ca)
	case errors.As(err, &cert):
		return cert
	case errors.As(err, &network):
		return network
	case errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("it does not speak TLS at this port: check URL")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ended its answer too early")
	}
	return fmt.Errorf("its answer cannot be read, or the request failed (%T)", err)
}
