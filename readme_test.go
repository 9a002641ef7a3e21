package writ_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADMEShowsCodeThatCompiles: every block of Go in README stands in an Example, word for word.
func TestREADMEShowsCodeThatCompiles(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples string
	for _, path := range []string{"example_test.go", "fromenv/example_test.go"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		examples += regexp.MustCompile(`(?m)^\t`).ReplaceAllString(string(b), "") // as in a function
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 3 {
		t.Fatalf("%d blocks of Go in README, want at least 3", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(examples, b[1]) {
			t.Errorf("this block of README stands in no Example:\n%s", b[1])
		}
	}
}
