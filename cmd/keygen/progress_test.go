package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWorkIsShownOnlyIfItTakesLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		900 * time.Millisecond:  "",
		3500 * time.Millisecond: "Making a key...\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out strings.Builder
			showWork(&out, "Making a key", func() { time.Sleep(d) })
			if out.String() != want {
				t.Errorf("%v shows %q", d, out.String())
			}
		})
	}
}
