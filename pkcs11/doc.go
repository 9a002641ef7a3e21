// Package pkcs11 keeps the signing keys of a ring in a PKCS#11 token: an HSM, a smart card, a cloud's
// HSM, SoftHSM. The keys are made in the token and never leave it. It is a module of its own, because
// it needs cgo.
//
// Open connects to the token, and keys.Config.Custodian takes what it returns:
//
//	custodian, err := pkcs11.Open(pkcs11.Config{
//		Module: "/usr/lib/softhsm/libsofthsm2.so",
//		Token:  "writ",
//		PIN:    pkcs11.PINFile("/run/secrets/pin"),
//	})
//	ring, err := keys.Open(ctx, keys.Config{
//		Issuer:    "https://app.example",
//		Vault:     keys.Dir("ring"),
//		Wrapper:   wrapper, // MAC keys and data keys are the ring's own, and sealed under it
//		Custodian: custodian,
//	})
//
// From then on the ring rotates the keys by itself: each new one is made in the token, and the ring
// stores only its name, a PKCS #11 URI (RFC 7512) without a PIN. Every node of a fleet needs a token
// with the same keys: one HSM that all reach, or a cluster of them.
//
// The keys that a ring has dropped stay in the token until Destroy is called for them. Observe says
// when; it must return at once, so hand the name on:
//
//	Observe: func(e keys.RingEvent) {
//		if e.Kind == keys.KeyWiped && e.Ref != "" {
//			dropped <- e.Ref // a goroutine of yours calls custodian.Destroy
//		}
//	},
//
// # SoftHSM
//
// A token in a directory, good for trying all this out and for nothing else:
//
//	apt-get install softhsm2
//	softhsm2-util --init-token --free --label writ --so-pin 5678 --pin 1234
//
// # YubiHSM 2
//
// Install Yubico's SDK and run yubihsm-connector. Module is its yubihsm_pkcs11.so, and the environment
// variable YUBIHSM_PKCS11_CONF names a file with the line "connector = http://127.0.0.1:12345". The PIN
// is the number of an authentication key in four hexadecimal digits, and its password: 0001password.
// Make an authentication key for writ alone; it needs the capabilities generate-asymmetric-key,
// delete-asymmetric-key, and sign-ecdsa (or sign-eddsa, sign-pkcs, sign-pss), and its delegated
// capabilities must contain the last. The device has room for 256 objects and 16 sessions.
//
// # AWS CloudHSM
//
// Install the PKCS #11 library of Client SDK 5 and bootstrap it. Module is
// /opt/cloudhsm/lib/libcloudhsm_pkcs11.so, and the PIN is the crypto user's name and password, joined
// by a colon.
//
// For these and others: the label for Config.Token, and what a token can do, are shown by
//
//	pkcs11-tool --module PATH --list-token-slots --list-mechanisms
//
// Create needs the mechanism that makes keys of the algorithm, and Sign CKM_ECDSA, CKM_EDDSA,
// CKM_RSA_PKCS or CKM_RSA_PKCS_PSS. This package is tested with SoftHSM 2.6; what it knows of the
// others is from their makers' documentation.
//
// # What it does not do
//
// A call that the token does not answer cannot be interrupted. A signature takes as long as the token
// takes, often some milliseconds: where a thousand a second are needed, keep the keys in software. And
// whoever can log in to the token can sign with its keys, though nobody can take them away: guard the
// PIN.
package pkcs11
