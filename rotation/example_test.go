package rotation_test

import (
	"fmt"
	"time"

	"github.com/writ-go/writ/rotation"
)

// An answer is lost, the client asks again, and later somebody uses a token that was not chosen.
func ExampleDecide() {
	var policy rotation.Policy // the defaults
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	state := rotation.Create(policy, now.UnixMicro(), now, now.Add(90*24*time.Hour))

	use := func(t rotation.Token, after time.Duration) rotation.Token {
		var outcome rotation.Outcome
		now = now.Add(after)
		outcome, state = rotation.Decide(policy, state, t, 0, false, now)
		fmt.Println(outcome, "generation", state.Gen)
		return state.Token(t.Session)
	}
	first := state.Token([16]byte{1})
	lost := use(first, time.Hour)
	second := use(first, 2*time.Second)
	use(second, time.Second)
	use(second, time.Hour)
	use(lost, time.Minute)
	// Output:
	// ROTATE generation 1
	// RECOVER generation 1
	// REPEAT generation 1
	// ROTATE generation 2
	// THEFT generation 2
}

func ExamplePolicy_Validate() {
	policy := rotation.Policy{Window: 40 * time.Second}
	fmt.Println(policy.Validate(10 * time.Minute))
	// Output:
	// rotation: W (Window) is 40s, but must exceed 2 x Latency 10s + JarFlush 30s + Skew 5s = 55s: raise Window (WRIT_RETRY_WINDOW) or lower Latency (WRIT_CLIENT_LATENCY), JarFlush (WRIT_JAR_FLUSH) or Skew (WRIT_CLOCK_SKEW)
}

func ExampleParse() {
	key := []byte("an example key of 32 bytes: test")
	ring := func(kid [4]byte) []byte {
		if kid == rotation.Kid(key) {
			return key
		}
		return nil
	}
	raw := rotation.Format(rotation.Token{Session: [16]byte{1}, Gen: 7}, key)
	t, ok := rotation.Parse(raw, ring)
	fmt.Println(t.Gen, ok)
	_, ok = rotation.Parse(raw+"=", ring)
	fmt.Println(ok)
	// Output:
	// 7 true
	// false
}
