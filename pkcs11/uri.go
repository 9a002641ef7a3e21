package pkcs11

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	p11 "github.com/miekg/pkcs11"
)

// A name is what a ref says of a key: a PKCS #11 URI (RFC 7512), of which path attributes alone are
// used. Where such a URI has a query, that may hold a PIN, and so it is refused and never shown.
type name struct {
	id, label string // at least one; CKA_ID and CKA_LABEL
}

const scheme = "pkcs11:"

// ref writes the URI of a key of this token.
func ref(info p11.TokenInfo, id []byte) string {
	return scheme + "token=" + escape(tokenLabel(info)) + ";id=" + escape(string(id)) + ";type=private"
}

// parseRef reads the URI of a key, which must be one of this token's. What it does not know it
// refuses: that could say that another key is meant (RFC 7512 section 2.5).
func parseRef(ref string, info p11.TokenInfo) (name, error) {
	path, ok := strings.CutPrefix(ref, scheme)
	switch {
	case !ok:
		return name{}, errors.New("not a PKCS #11 URI (RFC 7512)")
	case strings.Contains(path, "?"):
		return name{}, errors.New("the URI has a query, which may hold a PIN: leave that out, and set Config.PIN")
	}
	var n name
	seen := map[string]bool{}
	for attribute := range strings.SplitSeq(path, ";") {
		key, escaped, _ := strings.Cut(attribute, "=")
		value, err := url.PathUnescape(escaped)
		if err != nil || value == "" || seen[key] {
			return name{}, errors.New("the URI is malformed")
		}
		seen[key] = true
		mismatch := false
		switch key {
		case "id":
			n.id = value
		case "object":
			n.label = value
		case "type":
			if value != "private" {
				return name{}, errors.New("the URI is not one of a private key")
			}
		case "token":
			mismatch = value != tokenLabel(info)
		case "serial":
			mismatch = value != padded(info.SerialNumber)
		case "manufacturer":
			mismatch = value != padded(info.ManufacturerID)
		case "model":
			mismatch = value != padded(info.Model)
		default:
			return name{}, errors.New("the URI has an attribute other than token, serial, manufacturer, model, object, id and type")
		}
		if mismatch {
			return name{}, fmt.Errorf("the URI is one of another token: its %s is not this token's", key)
		}
	}
	if n == (name{}) {
		return name{}, errors.New("the URI names no key: it has neither id nor object")
	}
	return n, nil
}

func tokenLabel(info p11.TokenInfo) string { return padded(info.Label) }

// padded takes off what fills a fixed field.
func padded(s string) string { return strings.TrimRight(s, " \x00") }

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(unreserved, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
