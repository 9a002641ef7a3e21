package keys

import "math/big"

// weakModulus says why anyone can factor n, or nothing. It finds what broken generators have made; it
// does not show that n is good.
func weakModulus(n *big.Int) string {
	roca := true
	for _, p := range smallPrimes() {
		r := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		if r == 0 {
			return "has a small factor"
		}
		roca = roca && (p > rocaPrimes || powerOf65537(r, p))
	}
	switch {
	case roca:
		return "has the mark of ROCA (CVE-2017-15361)"
	case closeFactors(n):
		return "has two factors that are close to each other (CVE-2022-26320)"
	}
	return ""
}

// smallPrimes are those below 752: NIST SP 800-89 section 5.3.3.
func smallPrimes() []int64 {
	var primes []int64
	var composite [752]bool
	for p := 2; p < len(composite); p++ {
		if composite[p] {
			continue
		}
		primes = append(primes, int64(p))
		for c := p * p; c < len(composite); c += p {
			composite[c] = true
		}
	}
	return primes
}

// closeFactors is Fermat's method, which looks for an a with a*a - n a square. Keys of broken
// generators fell to far fewer steps than these.
func closeFactors(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	rest, root, square := new(big.Int), new(big.Int), new(big.Int)
	for range 100 {
		rest.Sub(rest.Mul(a, a), n)
		a.Add(a, big.NewInt(1))
		if rest.Sign() < 0 {
			continue
		}
		switch new(big.Int).And(rest, big.NewInt(15)).Int64() { // what squares are modulo 16
		case 0, 1, 4, 9:
			if root.Sqrt(rest); square.Mul(root, root).Cmp(rest) == 0 {
				return true
			}
		}
	}
	return false
}
