package token

import (
	"github.com/writ-go/writ/internal/plain"
)

// plainClaims reads the payload that nearly every token has, in a quarter of the time that the strict
// decoder takes. Where it is not ok, the decoder decides.
func plainClaims(text string) (w wire, ok bool) {
	var seen uint
	s := plain.Object(text)
	for s.Next() {
		var bit uint
		ok = false
		switch s.Name() {
		case "iss":
			bit = 1 << 0
			w.Issuer, ok = s.Text()
		case "sub":
			bit = 1 << 1
			w.Subject, ok = s.Text()
		case "aud":
			bit = 1 << 2
			w.Audience, ok = plainAudience(s)
		case "exp":
			bit = 1 << 3
			w.Expires, ok = plainDate(s)
		case "nbf":
			bit = 1 << 4
			w.NotBefore, ok = plainDate(s)
		case "iat":
			bit = 1 << 5
			w.IssuedAt, ok = plainDate(s)
		case "jti":
			bit = 1 << 6
			w.ID, ok = s.Text()
		case "client_id":
			bit = 1 << 7
			w.ClientID, ok = s.Text()
		case "sid":
			bit = 1 << 8
			w.SessionID, ok = s.Text()
		case "scope":
			bit = 1 << 9
			w.Scope, ok = s.Text()
		case "auth_time":
			bit = 1 << 10
			w.AuthTime, ok = plainDate(s)
		case "acr":
			bit = 1 << 11
			w.ACR, ok = s.Text()
		case "amr":
			bit = 1 << 12
			w.AMR, ok = s.Texts()
		case "ist":
			bit = 1 << 13
			w.Stamp, ok = s.Whole()
		case "data":
			bit = 1 << 14
			w.object, ok = s.Nested()
		}
		// A name that is not known, or comes again, is the decoder's affair.
		if !ok || seen&bit != 0 {
			return wire{}, false
		}
		seen |= bit
	}
	return w, s.Ended()
}

func plainDate(s *plain.Scanner) (float64, bool) {
	n, ok := s.Whole()
	return float64(n), ok
}

func plainAudience(s *plain.Scanner) (audience, bool) {
	if one, ok := s.Text(); ok {
		return audience{one}, true
	}
	return s.Texts()
}
