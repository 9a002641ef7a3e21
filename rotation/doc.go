// Package rotation is the refresh-token format and its state machine: pure functions, no I/O, no
// clock. Most users only meet [Policy], in writ.Config; the rest is low-level.
//
// A refresh goes like this:
//
//	t, ok := rotation.Parse(raw, ring.MAC) // not ok: invalid_grant, and nothing is written
//	// read the State stored under t.Session, and the cutoffs that hold for its subject
//	outcome, next := rotation.Decide(policy, state, t, cutoff, listed, now)
//	// next != state: store next by compare-and-swap; on a conflict read and decide again
//	// Rotate, Recover: answer with rotation.Format(next.Token(t.Session), key)
//
// # Fork and confirm
//
// The n-th rotation of a session makes generation n. A generation can have several siblings, told
// apart by their fork number: if the answer that carried a child is lost, the parent is used again
// and gets a sibling. All siblings are good until one of them is used after [Policy.Window]; that
// use chooses it, confirms that it arrived, and makes the next generation. From then on the other
// siblings, and everything older than the chosen one, mean [Theft].
//
// So an honest client is not signed out by a lost answer, a retry, a duplicate, a second tab, a
// crash, or a store that loses its last write; and of a thief and his victim one soon presents a
// token that was not chosen, whoever moves first. The package's tests explore this exhaustively.
//
// A token is rebuilt from counters and a MAC key, so a State holds neither a token nor a hash of
// one: who can read the store cannot refresh.
//
// # What it does not do
//
// It does not find the record, check the client, write anything, or say what an absent record
// means (an invalid token). The caller does, and must write the State and the revocation of a
// [Theft] in one transaction. A thief who stops before the victim refreshes leaves only events.
// RFC 9700 section 4.14.2 asks for a new token with every refresh; [Repeat] deviates on purpose.
package rotation
