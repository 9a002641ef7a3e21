package plain

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Nested reads an object as it stands. Unlike the rest it may hold anything that is valid: what is not
// plain is checked by the decoder.
func (s *Scanner) Nested() (string, bool) {
	inner := *s
	if inner.skipObject(3) {
		return s.take(len(s.rest) - len(inner.rest)), true
	}
	n := matching(s.rest)
	if n == 0 || s.rest[0] != '{' || !jsontext.Value(s.rest[:n]).IsValid() {
		return "", false
	}
	return s.take(n), true
}

func (s *Scanner) take(n int) string {
	object := s.rest[:n]
	s.rest = s.rest[n:]
	return object
}

// skipObject passes over a plain object of few members.
func (s *Scanner) skipObject(depth int) bool {
	inner := Scanner{rest: s.rest}
	var names [8]string
	n := 0
	for inner.Next() {
		if n == len(names) || slices.Contains(names[:n], inner.name) || !inner.skipValue(depth) {
			return false
		}
		names[n] = inner.name
		n++
	}
	s.rest = inner.rest
	return inner.ended
}

func (s *Scanner) skipValue(depth int) bool {
	if s.rest == "" || depth == 0 {
		return false
	}
	switch s.rest[0] {
	case '"':
		_, ok := s.Text()
		return ok
	case '{':
		return s.skipObject(depth - 1)
	case '[':
		return s.skipArray(depth - 1)
	}
	for _, word := range []string{"true", "false", "null"} {
		if rest, ok := strings.CutPrefix(s.rest, word); ok {
			s.rest = rest
			return true
		}
	}
	_, ok := s.Whole()
	return ok
}

func (s *Scanner) skipArray(depth int) bool {
	s.skip('[')
	for {
		if !s.skipValue(depth) {
			return false
		}
		if s.skip(']') {
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
}

// matching is the length of what the first bracket opens, if its brackets match in number; otherwise 0.
func matching(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth == 0 {
			return i + 1
		}
	}
	return 0
}
