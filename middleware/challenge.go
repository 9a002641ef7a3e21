package middleware

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// challenge is the WWW-Authenticate value of RFC 6750 section 3 and RFC 9470 section 3; empty for an
// error that a better token would not mend.
func challenge(err error) string {
	c, separator := "Bearer", " "
	add := func(name, value string) {
		c += separator + name + "=" + quote(value)
		separator = ", "
	}
	var scope *scopeError
	var fresh *freshError
	switch status := Status(err); {
	case status == http.StatusBadRequest:
		add("error", "invalid_request")
		add("error_description", ErrAmbiguous.Error())
	case status == http.StatusForbidden && errors.Is(err, ErrScope):
		add("error", "insufficient_scope")
		if errors.As(err, &scope) {
			add("scope", scope.list())
		}
	case status != http.StatusUnauthorized:
		return ""
	case errors.Is(err, ErrNone), errors.Is(err, ErrAnonymous):
	case errors.Is(err, ErrNotFresh):
		add("error", "insufficient_user_authentication")
		add("error_description", ErrNotFresh.Error())
		if errors.As(err, &fresh) {
			add("max_age", strconv.Itoa(fresh.maxAge))
			if len(fresh.acr) > 0 {
				add("acr_values", strings.Join(fresh.acr, " "))
			}
		}
	default:
		add("error", "invalid_token")
		add("error_description", reason(err))
	}
	return c
}

// quote makes a quoted-string of the characters that RFC 6750 section 3 allows; any other becomes "?".
func quote(value string) string {
	return `"` + strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, value) + `"`
}
