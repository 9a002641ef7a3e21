// Command keygen makes, shows and changes the signing keys of writ: the key ring of one issuer. Run
// "keygen help", and "keygen help COMMAND" for every flag. A program that uses writ makes its ring and
// rotates its keys by itself; keygen is for those who want to see it, or do it by hand.
//
// Every command takes the ring as its argument, a directory or the URL of a session store such as
// sqlite:sessions.db, postgres://USER@HOST/DATABASE or rediss://HOST:6379, or finds it by WRIT_KEYS or WRIT_STORE as the program does. The secret comes from
// WRIT_SECRET, WRIT_SECRET_FILE or --secret-file.
//
// # The first ring
//
//	(umask 077; openssl rand -base64 32 > writ.secret)
//	export WRIT_SECRET_FILE=writ.secret WRIT_KEYS=ring
//	keygen new --issuer https://app.example
//	keygen doctor
//
// Keep the secret and a copy of the ring, apart from each other. What verifies tokens elsewhere needs
// the public keys only, which the program serves, or "keygen public" prints.
//
// # Routine
//
// A key is pending while it is published and does not sign yet, active while it signs, retired when it
// only verifies, and gone when no token of it can be good any more. "keygen status" shows where each
// key stands, "keygen doctor" whether anything is wrong; run it where somebody sees its exit status.
//
// Where programs do not rotate by themselves (Period below zero), once in a while:
//
//	keygen rotate --period never    # publishes a key, which signs when everybody can know it
//	keygen prune --period never     # some hours later
//
// "keygen rotate --stage" and, later, "keygen rotate --promote" do the same in two steps, so that
// somebody can look in between whether verifiers have the new key.
//
// keygen reckons with its own flags --propagation, --max-stale, --leeway, --skew and so on. Give them
// where the program's keys.Config differs from the defaults: a new key could sign too early otherwise.
//
// # Emergency
//
// A private key may be known to others. First put right what let it out: a secret, a backup, a machine.
// If it was the secret, see "Another secret" too. Then
//
//	keygen status
//	keygen rotate --now --kid KID
//
// The key leaves the ring, whatever it signed is refused by every program within its MaxStale, and a new
// key signs. People stay signed in: their programs refresh. Keys that were to sign later are replaced as
// well, since they were kept beside it. Verifiers that are not writ go on with the old key until they
// fetch the key set again, so have them do it.
//
// # Another algorithm
//
// Keys of several algorithms stand in one ring, each bound to its own. Set WRIT_ALGORITHM for the
// program, see that every verifier knows the new algorithm, and
//
//	keygen rotate --alg EdDSA
//
// From HS256 or its like to a public algorithm it is the same; verifiers elsewhere can join when the new
// key signs. The other way round, they can verify nothing any more.
//
// # Another secret
//
// Keys stay what they are, and are encrypted anew. With one program: stop it, then
//
//	keygen prune --secret-file new.secret --former-secret-file old.secret
//
// and start it with the new secret. With several that must not stop, give them both secrets, as
// keys.Secret documents. Whoever has the old secret and an old copy of the ring has the keys in it: if
// that may be so, replace the key that signs, as in an emergency. MAC keys, which authenticate refresh
// tokens, stay in the ring for as long as refresh tokens live; if others may have those, make a new ring
// for a new store, which signs everybody out.
//
// # Backups
//
// Copy the ring while programs run: "cp ring/ring.json" is whole at any moment, and a store has a way of
// its own. A program that runs and finds an older ring than it knows puts the two together. So restore
// while one runs, or else all at once: stop every program, put the copy in place with mode 0600 in a
// directory with mode 0700, look at
//
//	keygen doctor
//	keygen status
//
// and start them. Keys that were made since the copy are lost: their tokens are refused, and refresh
// tokens under a lost MAC key too. A key that was taken out as compromised since then is back: take it
// out again.
//
// # Keys from elsewhere
//
// "keygen import" puts in a private key that another system has signed with, so that its tokens stay
// good; "keygen export --cleartext" takes one out, for another system to sign with. Neither is needed for
// a backup.
//
// # A token that is refused
//
//	keygen inspect - < token
//
// says what stands in it and why it is refused. It shows no signature, so that its output may be passed
// on; but the rest may name people.
package main
