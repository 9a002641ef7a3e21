package keys

// rocaPrimes is the largest prime by which the fingerprint of ROCA (CVE-2017-15361) is taken. The
// faulty library made primes of the form k*M + (65537^a mod M), with M the product of all primes to
// 167, or further for longer keys. So the modulus too is a power of 65537 modulo each of them. That
// is true of one good key in 239 million.
const rocaPrimes = 167

// powerOf65537 reports whether r lies in the subgroup that 65537 generates modulo the prime p.
func powerOf65537(r, p int64) bool {
	for power := int64(1); ; {
		if power == r {
			return true
		}
		if power = power * 65537 % p; power == 1 {
			return false
		}
	}
}
