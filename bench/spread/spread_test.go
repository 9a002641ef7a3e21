package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(setupName); text != "" {
		if err := serve(text, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// It only shows that it measures: a machine that is busy makes every time too long.
func TestEveryKindIsMeasured(t *testing.T) { // req 58
	var out bytes.Buffer
	if err := measure(t.Context(), &out, 3); err != nil {
		t.Fatal(err)
	}
	stores := 2 - strings.Count(out.String(), errMissing.Error())
	if stores < 2 && os.Getenv("CI") == "true" {
		t.Error("a store is missing")
	}
	for kind, measured := range map[string]int{"other nodes": 6, "the API": 3} {
		if got := strings.Count(out.String(), fmt.Sprintf("| %s | %d |", kind, measured)); got != 3*stores {
			t.Errorf("%d rows of %s measured %d times, want %d:\n%s", got, kind, measured, 3*stores, out.String())
		}
	}
}

func TestThePartIsReplacedAndTheOthersStay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "RESULTS.md")
	first, second := heading+"\n\nfirst\n", heading+"\n\nsecond\n\n## more\n\n"
	for _, step := range []struct{ before, part, want string }{
		{"", first, first},
		{"# one\n\n## a\n\n# two\n", first, "# one\n\n## a\n\n# two\n\n" + first},
		{"# one\n\n" + first + "\n# two\n", second, "# one\n\n" + heading + "\n\nsecond\n\n## more\n\n# two\n"},
	} {
		if err := os.WriteFile(file, []byte(step.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := replacePart(file, step.part); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != step.want {
			t.Errorf("error %v, the file is\n%s\nand not\n%s", err, got, step.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	var hundred []time.Duration
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	for _, test := range []struct {
		values  []time.Duration
		percent int
		want    time.Duration
	}{
		{nil, 99, 0}, {hundred[:1], 50, 100}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100}, {hundred[98:], 99, 2},
	} {
		if got := quantile(test.values, test.percent); got != test.want {
			t.Errorf("%d of a hundred of %d values: %d, want %d", test.percent, len(test.values), got, test.want)
		}
	}
}
