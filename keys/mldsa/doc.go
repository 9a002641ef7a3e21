// Package mldsa is experimental: what it exports, and the module that it stands on, may change in any
// release. It adds the post-quantum signatures ML-DSA-44 and ML-DSA-65 (FIPS 204) to package keys, in
// the JOSE form of RFC 9964:
//
//	ring, err := keys.Open(ctx, keys.Config{
//		Issuer:    "https://app.example",
//		Vault:     keys.Dir("ring"),
//		Wrapper:   wrapper,
//		Algorithm: mldsa.MLDSA44,
//	})
//
// There is no hurry. An access token is worth something for minutes, so nobody gains by breaking the
// signature of today's in ten years. This is for those who must show that they can change over, and
// for trying out what the size of the signatures does to them.
//
// # Sizes
//
//	            public key   signature   signature in a token
//	ES256         64 bytes     64 bytes         86 characters
//	ML-DSA-44   1312 bytes   2420 bytes       3227 characters
//	ML-DSA-65   1952 bytes   3309 bytes       4412 characters
//
// Browsers keep 4096 bytes of a cookie, its name included. With ML-DSA-44 a token that says no more
// than it must has about 3700 characters; it fits, and leaves some 280 bytes for claims of your own.
// With ML-DSA-65 no token fits a cookie. In an Authorization header both fit the 8 KiB that a token may
// have; but many servers and proxies give 8 KiB to all headers of a request together.
//
// # Other verifiers
//
// A key of this package in a published set may cost you the others: go-jose (built with Go before
// 1.27) and jwx, unless told otherwise, refuse a whole set that has a key of a type they do not know.
// Ask those who verify your tokens first.
//
// # What is not there
//
// A ring that has a key of this package opens only where keys.Config names its algorithm, as Algorithm
// or, after a change to another, among Also. There is no PEM, since crypto/x509 does not know these keys; no ML-DSA-87, whose signatures have 6170 characters; and no HashML-DSA, which RFC
// 9964 leaves out.
package mldsa
