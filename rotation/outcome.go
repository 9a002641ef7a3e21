package rotation

import "strconv"

// Outcome is what to do. The zero value refuses.
type Outcome uint8

const (
	// Revoked refuses for good: the session was ended, or a cutoff covers its sign-in. No write.
	Revoked Outcome = iota
	// Expired refuses for good: the idle, absolute or recovery time is over. No write.
	Expired
	// Repeat grants an access token and no refresh token: the one presented stays good.
	Repeat
	// Adopt is answered as Repeat, and raises an alarm: the token proves a write that the store
	// has lost.
	Adopt
	// Rotate grants both tokens and begins a new generation.
	Rotate
	// Recover grants both tokens: the answer that carried the current generation was lost, or is
	// still under way, and this is one more sibling.
	Recover
	// RetryLater refuses for now (503 with Retry-After): too many siblings in too short a time. No
	// write.
	RetryLater
	// Theft refuses for good and ends the session: two parties hold its tokens. Write the State
	// and the revocation of the session in one transaction.
	Theft
)

var outcomes = [...]string{"REVOKED", "EXPIRED", "REPEAT", "ADOPT", "ROTATE", "RECOVER", "RETRY_LATER", "THEFT"}

// String is the outcome's name, as events and logs print it.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return "Outcome(" + strconv.Itoa(int(o)) + ")"
}
