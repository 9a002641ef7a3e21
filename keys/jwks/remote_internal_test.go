package jwks

import (
	"net/http"
	"testing"
	"time"
)

func FuzzLifetime(f *testing.F) {
	for _, s := range [][4]string{
		{"max-age=300", "10", "", ""}, {`max-age="1", no-cache`, "x", "0", "0"}, {"", "-1", "Sat, 01 Jan 2000 00:02:00 GMT", ""}, {"max-age=99999999999999999999,=,", "", "", "x"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, cacheControl, age, expires, date string) {
		h := http.Header{"Cache-Control": {cacheControl}, "Age": {age}, "Expires": {expires}, "Date": {date}}
		if d := lifetime(h, now); d < 0 {
			t.Errorf("%v", d)
		}
	})
}

// A monotonic clock stands still while the machine sleeps, and a wall clock can be set back.
func TestTheClockThatSawMoreTimeCounts(t *testing.T) {
	start := time.Now()
	wall := start.Round(0)
	for name, test := range map[string]struct{ got, want time.Duration }{
		"later":             {elapsed(start, start.Add(time.Hour)), time.Hour},
		"later by the wall": {elapsed(start, wall.Add(time.Hour)), time.Hour},
		"earlier":           {elapsed(start, wall.Add(-time.Hour)), 0},
		"until":             {until(start.Add(time.Hour), start), time.Hour},
		"until, passed":     {until(start, wall.Add(time.Hour)), -time.Hour},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}
