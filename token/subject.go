package token

import "strings"

// anonymousPrefix cannot begin the name of a person: Issue and writ.Manager refuse it.
const anonymousPrefix = "anonymous:"

// Anonymous is the subject of a session that nobody has signed in to.
func Anonymous(sessionID string) string { return anonymousPrefix + sessionID }

// IsAnonymous reports whether a subject is one that Anonymous makes.
func IsAnonymous(subject string) bool { return strings.HasPrefix(subject, anonymousPrefix) }
