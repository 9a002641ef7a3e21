package rotation_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/rotation"
)

const (
	sec    = time.Second
	minute = time.Minute
	hour   = time.Hour
	day    = 24 * hour
)

func TestDefaults(t *testing.T) {
	want := rotation.Policy{Latency: 10 * sec, JarFlush: 30 * sec, Skew: 5 * sec, Window: minute, Recovery: 14 * day, Idle: 14 * day}
	if got := (rotation.Policy{}).WithDefaults(); got != want {
		t.Errorf("the zero Policy means %+v, want %+v", got, want)
	}
	if got := (rotation.Policy{Idle: day}).WithDefaults(); got.Recovery != day { // req 53
		t.Errorf("Recovery defaults to %v, want Idle", got.Recovery)
	}
	set := rotation.Policy{Latency: 1, JarFlush: 2, Skew: 3, Window: 4, Recovery: 5, Idle: 6}
	if got := set.WithDefaults(); got != set {
		t.Errorf("defaults changed what was set: %+v", got)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy rotation.Policy
		access time.Duration
		want   []string // parts of the error; none: valid
	}{
		{"the defaults are valid", rotation.Policy{}, 10 * minute, nil},
		{"a window one nanosecond above the sum is valid", rotation.Policy{Window: 55*sec + 1}, 10 * minute, nil},
		{"a window equal to the sum is refused with the sum", rotation.Policy{Window: 55 * sec}, 10 * minute, []string{
			"W (Window) is 55s, but must exceed 2 x Latency 10s + JarFlush 30s + Skew 5s = 55s",
			"WRIT_RETRY_WINDOW", "WRIT_CLIENT_LATENCY", "WRIT_JAR_FLUSH", "WRIT_CLOCK_SKEW"}},
		{"an access lifetime of two windows is valid", rotation.Policy{}, 2 * minute, nil},
		{"a shorter access lifetime is refused", rotation.Policy{}, 2*minute - 1, []string{"2 x Window 1m0s = 2m0s", "WRIT_ACCESS_TTL", "WRIT_RETRY_WINDOW"}},
		{"an idle time of two access lifetimes is valid", rotation.Policy{Idle: 20 * minute}, 10 * minute, nil}, // req 53
		{"a shorter idle time is refused", rotation.Policy{Idle: 20*minute - 1}, 10 * minute, []string{"2 x the access lifetime 10m0s = 20m0s", "WRIT_IDLE_TTL", "WRIT_ACCESS_TTL"}},
		{"recovery from a window on is valid", rotation.Policy{Recovery: minute}, 10 * minute, nil},
		{"recovery shorter than a window is refused", rotation.Policy{Recovery: minute - 1}, 10 * minute, []string{"Recovery is 59.999999999s"}},
		{"recovery up to idle is valid", rotation.Policy{Recovery: day, Idle: day}, 10 * minute, nil},
		{"recovery beyond idle is refused", rotation.Policy{Recovery: day + 1, Idle: day}, 10 * minute, []string{"Recovery is 24h0m0.000000001s"}},
		{"a negative recovery is refused", rotation.Policy{Recovery: -1}, 10 * minute, []string{"Recovery is -1ns"}},
		{"negative times are refused", rotation.Policy{Latency: -1, JarFlush: -1, Skew: -1, Window: -1, Idle: -1}, -1, []string{
			"Latency (WRIT_CLIENT_LATENCY) is -1ns", "JarFlush (WRIT_JAR_FLUSH) is -1ns", "Skew (WRIT_CLOCK_SKEW) is -1ns",
			"Window (WRIT_RETRY_WINDOW) is -1ns", "Idle (WRIT_IDLE_TTL) is -1ns", "access lifetime (WRIT_ACCESS_TTL) is -1ns"}},
		{"no access lifetime is refused", rotation.Policy{}, 0, []string{"access lifetime (WRIT_ACCESS_TTL) is 0s"}},
		{"absurd times are refused", rotation.Policy{Latency: hour + 1, JarFlush: hour + 1, Skew: hour + 1, Window: day + 1, Idle: math.MaxInt64}, math.MaxInt64, []string{
			"WRIT_CLIENT_LATENCY", "WRIT_JAR_FLUSH", "WRIT_CLOCK_SKEW", "WRIT_RETRY_WINDOW", "WRIT_IDLE_TTL", "WRIT_ACCESS_TTL"}},
		{"every broken rule is reported at once", rotation.Policy{Skew: -1, Latency: hour, Window: 40 * sec, Idle: 70 * sec, Recovery: 39 * sec}, 79 * sec, []string{
			"Skew (WRIT_CLOCK_SKEW) is -1ns", "2 x Window 40s = 1m20s", "2 x the access lifetime 1m19s = 2m38s", "Recovery is 39s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.policy.Validate(tt.access)
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("Validate: %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error lacks %q:\n%v", part, err)
				}
			}
		})
	}
}
