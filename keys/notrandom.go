package keys

import (
	"regexp"
	"strings"
)

// placeholders are what people leave standing in examples, in lower case and letters only. Random
// base64 has a given word of 6 letters once in 10 million times, and one of 7 once in 250 million.
var placeholders = []string{
	"changeme", "changethis", "replace", "placeholder", "password", "passphrase", "example", "insecure", "secret", "openssl",
	"donotuse", "dontuse", "devonly", "development", "production", "fortesting", "testonly", "testing", "default", "dummykey",
	"goeshere", "righthere", "outputhere", "yourkey", "keyhere", "signingkey", "encryptionkey", "randomstring", "randomkey",
	"randombytes", "randomchar", "character", "atleast", "minimum", "generate", "qwerty", "letmein",
}

// unexpanded matches what a shell or a template was to put a secret in the place of, and did not.
var unexpanded = regexp.MustCompile(`^(\$\{|\$\(|\{\{|<)[\w ./:|=-]+[>})]+$`)

// notRandom says why b cannot have come from a random source, or nothing. Its measures are such that
// even 32 hexadecimal digits, of which a neighbour is the same or the next with a chance of 3 in 16,
// pass if they are random.
func notRandom(b []byte) string {
	switch {
	case distinct(b) < 8 || repeats(b):
		return "repeats itself"
	case stepwise(b):
		return "is a mere sequence"
	case unexpanded.Match(b):
		return "looks like a placeholder"
	}
	letters := strings.Map(func(r rune) rune {
		if r |= 0x20; r < 'a' || r > 'z' { // as lower case
			return -1
		}
		return r
	}, string(b))
	for _, word := range placeholders {
		if strings.Contains(letters, word) {
			return "looks like a placeholder"
		}
	}
	return ""
}

func distinct(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// repeats finds a period with which over two thirds of b come again.
func repeats(b []byte) bool {
	for period := 1; period <= len(b)/2; period++ {
		same := 0
		for i, c := range b[period:] {
			if c == b[i] {
				same++
			}
		}
		if 3*same > 2*(len(b)-period) {
			return true
		}
	}
	return false
}

// stepwise reports whether over two thirds of b are the same as, or one away from, the one before.
func stepwise(b []byte) bool {
	steps := 0
	for i, c := range b[1:] {
		if d := c - b[i]; d+1 <= 2 { // -1, 0 or 1
			steps++
		}
	}
	return 3*steps > 2*(len(b)-1)
}
