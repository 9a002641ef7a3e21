package middleware

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultFormBytes = 1 << 20
	maxFormBytes     = 1 << 30
)

// Form is a field of a form in the body (RFC 6750 section 2.2): the hidden field of a page that works
// without cookies. It reads application/x-www-form-urlencoded bodies of POST, PUT and PATCH; a multipart
// form holds no credential. Such a request is checked for its origin as one with a cookie is.
//
// The guard reads the body, and takes the field out of it before the handler runs. The handler can read
// the rest, and parse it. The next page's field needs a token of its own: writ.Manager.Derive makes one, for
// as long as the first one lives. Nothing is refreshed.
type Form struct {
	// Name is the field's name. Default "access_token".
	Name string
	// MaxBytes limits the body that is read: a bigger one is refused with ErrTooLarge, and so is one with
	// more than 10,000 fields. Default 1 MiB, at most 1 GiB.
	MaxBytes int64
}

func (f Form) checked() (Source, error) {
	if f.Name == "" {
		f.Name = defaultParameter
	}
	if f.MaxBytes < 0 || f.MaxBytes > maxFormBytes {
		return nil, errors.New("middleware: Form.MaxBytes must be from 1 to 1 GiB, or 0 for the default")
	}
	if f.MaxBytes == 0 {
		f.MaxBytes = defaultFormBytes
	}
	return f, nil
}

func (f Form) place() string { return "the form field " + f.Name }
func (Form) ambient() bool   { return true }

func (f Form) find(r *http.Request) (string, int, error) {
	values, err := f.take(r)
	if err != nil {
		return "", 0, err
	}
	raw, n := keepTaken(r, parameter{"form", f.Name}, values)
	return raw, n, nil
}

// take takes the field out of r.
func (f Form) take(r *http.Request) ([]string, error) {
	if !hasForm(r) {
		return nil, nil
	}
	body, err := f.read(r)
	if err != nil {
		return nil, err
	}
	values, rest, err := cutParameter(body, f.Name)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 { // somebody may have parsed the body, and it is read
		values = r.PostForm[f.Name]
	}
	r.PostForm, r.Form = without(r.PostForm, f.Name), without(r.Form, f.Name)
	r.Body = struct {
		io.Reader
		io.Closer
	}{strings.NewReader(rest), r.Body}
	if rest != body {
		r.ContentLength = int64(len(rest))
		r.TransferEncoding = nil
		if r.Header["Content-Length"] != nil {
			r.Header.Set("Content-Length", strconv.Itoa(len(rest)))
		}
	}
	return values, nil
}

func (f Form) read(r *http.Request) (string, error) {
	if r.ContentLength > f.MaxBytes {
		return "", ErrTooLarge
	}
	var body strings.Builder
	_, err := io.Copy(&body, io.LimitReader(r.Body, f.MaxBytes+1))
	var limit *http.MaxBytesError
	switch {
	case errors.As(err, &limit), int64(body.Len()) > f.MaxBytes:
		return "", ErrTooLarge
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	return body.String(), nil
}

// hasForm reports whether there are a form's fields in the body of r.
func hasForm(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return false
	}
	if r.Body == nil {
		return false
	}
	// Any of several: who comes after the guard may look at another than the first.
	return slices.ContainsFunc(r.Header["Content-Type"], func(line string) bool {
		media, _, err := mime.ParseMediaType(line)
		return media == "application/x-www-form-urlencoded" && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter))
	})
}
