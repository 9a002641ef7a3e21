package keys

import "testing"

// rocaExponents have what is known of the fingerprint in another form: N to this power is 1 modulo
// the prime. Modulo the other primes to 167, every N is a power of 65537.
var rocaExponents = map[int64]int64{
	11: 2, 13: 6, 17: 8, 19: 9, 37: 3, 53: 26, 61: 20, 71: 35, 73: 24, 79: 13, 97: 6, 103: 51, 107: 53, 109: 54, 127: 42, 151: 50, 157: 78,
}

// req 26
func TestTheROCAFingerprint(t *testing.T) {
	for _, p := range smallPrimes() {
		if p > rocaPrimes {
			break
		}
		for r := int64(1); r < p; r++ {
			power := int64(1)
			for range rocaExponents[p] {
				power = power * r % p
			}
			if got := powerOf65537(r, p); got != (power == 1) {
				t.Errorf("%d modulo %d: %t", r, p, got)
			}
		}
	}
}
