package middleware

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const defaultFormBytes = 1 << 20

// Form is a field of a form in the body (RFC 6750 section 2.2): the hidden field of a page that works
// without cookies. It reads application/x-www-form-urlencoded bodies of POST, PUT and PATCH; a multipart
// form holds no credential. Such a request is checked for its origin as one with a cookie is.
//
// The guard reads the body, and takes the field out of it before the handler runs. The handler can read
// the rest, and parse it.
type Form struct {
	// Name is the field's name. Default "access_token".
	Name string
	// MaxBytes limits the body that is read: a bigger one is refused with ErrTooLarge. Default 1 MiB.
	MaxBytes int64
}

func (f Form) checked() (Source, error) {
	if f.Name == "" {
		f.Name = defaultParameter
	}
	if f.MaxBytes < 0 {
		return nil, errors.New("middleware: Form.MaxBytes is negative")
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
	if r.PostForm != nil { // somebody has parsed the body, and it is read
		values := r.PostForm[f.Name]
		delete(r.PostForm, f.Name)
		delete(r.Form, f.Name)
		return values, nil
	}
	body, err := f.read(r)
	if err != nil {
		return nil, err
	}
	values, rest := cutParameter(body, f.Name)
	r.Body = struct {
		io.Reader
		io.Closer
	}{strings.NewReader(rest), r.Body}
	if len(values) > 0 {
		r.ContentLength = int64(len(rest))
		r.TransferEncoding = nil
		if r.Header["Content-Length"] != nil {
			r.Header.Set("Content-Length", strconv.Itoa(len(rest)))
		}
		delete(r.Form, f.Name)
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

// hasForm reports whether net/http would look for a form's fields in the body of r.
func hasForm(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return false
	}
	if r.Body == nil {
		return false
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return media == "application/x-www-form-urlencoded" && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter))
}
