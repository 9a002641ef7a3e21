// Package plain reads the plainest JSON objects quickly: no white space, no escapes, printable ASCII,
// whole numbers. That is how writ and most libraries write tokens.
//
// What it reads, a strict decoder reads to the same. What it does not read may still be valid: every
// failure here means "ask the strict decoder", and never "wrong". It does not notice a name that
// comes twice: its caller must.
package plain

// Scanner goes through the members of one object:
//
//	for s := plain.Object(text); s.Next(); {
//		switch s.Name() {
//		case "kid":
//			kid, ok = s.Text()
type Scanner struct {
	rest  string
	name  string
	begun bool
	ended bool
}

// Object begins to read text, which should be one object.
func Object(text string) *Scanner { return &Scanner{rest: text} }

// Next goes to the next member, whose value must then be read. It is false at the end of the object
// and wherever the text is not plain: see Ended.
func (s *Scanner) Next() bool {
	if s.begun && s.skip('}') {
		s.ended = true
		return false
	}
	between := byte(',')
	if !s.begun {
		between, s.begun = '{', true
	}
	if !s.skip(between) {
		return false
	}
	var ok bool
	s.name, ok = s.Text()
	return ok && s.skip(':')
}

// Ended reports whether the object was read to its end, and the text with it.
func (s *Scanner) Ended() bool { return s.ended && s.rest == "" }

// Name is the member's name.
func (s *Scanner) Name() string { return s.name }

// Text reads a string.
func (s *Scanner) Text() (string, bool) {
	if !s.skip('"') {
		return "", false
	}
	for i := range len(s.rest) {
		if ordinary[s.rest[i]] {
			continue
		}
		text := s.rest[:i]
		s.rest = s.rest[i:]
		return text, s.skip('"')
	}
	return "", false
}

// ordinary has what stands in a string for itself.
var ordinary = func() (t [256]bool) {
	for c := byte(' '); c <= '~'; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// Texts reads an array of strings that is not empty.
func (s *Scanner) Texts() ([]string, bool) {
	if !s.skip('[') {
		return nil, false
	}
	var texts []string
	for {
		text, ok := s.Text()
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
		if s.skip(']') {
			return texts, true
		}
		if !s.skip(',') {
			return nil, false
		}
	}
}

// exact is where a double stops holding every whole number.
const exact = 1 << 53

// Whole reads a positive whole number that a double holds exactly.
func (s *Scanner) Whole() (int64, bool) {
	var n int64
	i := 0
	for ; i < len(s.rest) && '0' <= s.rest[i] && s.rest[i] <= '9'; i++ {
		if n = n*10 + int64(s.rest[i]-'0'); n >= exact || n == 0 {
			return 0, false
		}
	}
	// A fraction or an exponent would follow here.
	if i == 0 || i == len(s.rest) || s.rest[i] != ',' && s.rest[i] != '}' && s.rest[i] != ']' {
		return 0, false
	}
	s.rest = s.rest[i:]
	return n, true
}

func (s *Scanner) skip(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}
