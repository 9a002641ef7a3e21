package fromenv

import (
	"cmp"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// hide puts the names of variables where the text of an error from elsewhere has what they hold.
func (v *variables) hide(err error) error {
	if err == nil {
		return nil
	}
	list := []held{
		{absolute(v.SecretFile), "$WRIT_SECRET_FILE"},
		{absolute(v.FormerFile), "$WRIT_FORMER_SECRET_FILE"},
		{absolute(v.Keys), "$WRIT_KEYS"},
		{v.Issuer, "$WRIT_ISSUER"},
	}
	return hide(err, append(list, heldBy("$WRIT_STORE", v.Store)...))
}

func heldBy(name, url string) (list []held) {
	for _, part := range partsOf(url) {
		list = append(list, held{part, name})
	}
	return list
}

func hide(err error, list []held) error {
	slices.SortStableFunc(list, func(a, b held) int { return cmp.Compare(len(b.value), len(a.value)) })
	// Last, because it mostly is a held path, or begins with one. If not, it may be a parent of one.
	var at *fs.PathError
	if errors.As(err, &at) {
		list = append(list, held{at.Path, "(path)"})
	}
	list = slices.DeleteFunc(list, func(h held) bool {
		return h.value == "" || h.value == "/" // which is no secret, and part of every path
	})
	return &hidden{replace(err.Error(), list), err}
}

// held is what an error must not show, and what it shows instead.
type held struct{ value, name string }

// replace puts the name of the first that fits in the place of each value in text.
func replace(text string, list []held) string {
	var out strings.Builder
	for i := 0; i < len(text); {
		found := slices.IndexFunc(list, func(h held) bool { return h.standsAt(text, i) })
		if found < 0 {
			out.WriteByte(text[i])
			i++
			continue
		}
		out.WriteString(list[found].name)
		i += len(list[found].value)
	}
	return out.String()
}

// sureLength is how long a value must be to be replaced in the midst of a word too. A shorter one is
// replaced only where it stands by itself: "in" is no reason to mangle "invalid".
const sureLength = 8

func (h held) standsAt(text string, i int) bool {
	if !strings.HasPrefix(text[i:], h.value) {
		return false
	}
	end := i + len(h.value)
	return len(h.value) >= sureLength ||
		(i == 0 || !inWord(text[i-1]) || !inWord(text[i])) && (end == len(text) || !inWord(text[end-1]) || !inWord(text[end]))
}

func inWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// pieceLength is how long a piece of an URL must be to count, unless it is the password:
// what is shorter, such as a user "me" or an option "on", tells nothing.
const pieceLength = 4

// partsOf is what a driver or a client could repeat of its URL, in every spelling: as it stands there, decoded,
// encoded anew, and quoted.
func partsOf(raw string) []string {
	parts := []string{raw}
	u, err := url.Parse(raw)
	if err != nil {
		return parts
	}
	file := cmp.Or(u.Path, u.Opaque)
	password, _ := u.User.Password()
	rawUser, rawPassword, _ := strings.Cut(rawUserinfo(raw), ":")
	_, anew, _ := strings.Cut(rawUserinfo(u.String()), ":")
	parts = append(parts, u.String(), u.Redacted(), absolute(file), u.RawQuery, u.Query().Encode(), password, rawPassword, anew)

	if ip, err := netip.ParseAddr(u.Hostname()); err == nil { // as what has parsed it writes it
		for _, ip := range []netip.Addr{ip, ip.Unmap()} {
			parts = append(parts, ip.String())
			if port := u.Port(); port != "" {
				parts = append(parts, net.JoinHostPort(ip.String(), port))
			}
		}
	}
	pieces := []string{u.User.Username(), rawUser, u.Host, u.Hostname(), file, u.EscapedPath(), path.Base(file), u.Fragment, u.EscapedFragment()}
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		_, raw, _ := strings.Cut(pair, "=")
		pieces = append(pieces, raw)
		if value, err := url.QueryUnescape(raw); err == nil {
			pieces = append(pieces, value, url.QueryEscape(value))
		}
	}
	for _, piece := range pieces {
		if len(piece) >= pieceLength {
			parts = append(parts, piece)
		}
	}
	for _, part := range slices.Clone(parts) {
		quoted := strconv.Quote(part)
		parts = append(parts, quoted[1:len(quoted)-1])
	}
	return parts
}

// rawUserinfo is what stands before the @ of an URL that has one, as it stands there.
func rawUserinfo(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	at := strings.LastIndexByte(authority, '@')
	return authority[:max(0, at)]
}

// absolute is path in the one form in which errors have it: a relative one, such as "keys", could be
// any word of theirs.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

type hidden struct {
	text string
	err  error
}

func (h *hidden) Error() string { return h.text }

// Unwrap is for errors.Is; the text of what it returns is not hidden.
func (h *hidden) Unwrap() error { return h.err }
