package main

import (
	"time"

	"github.com/writ-go/writ/token"
)

// What the library does, as its source says. The test beside this reads the source, so that none of it can
// be another there.
const (
	feedWait     = 5 * time.Second        // a Feed has the server wait
	pollWait     = 5 * time.Second        // a List waits for its store
	pollPause    = 100 * time.Millisecond // from one poll's beginning to the next, at least
	newsPause    = 5 * time.Millisecond   // the same after a store has told something
	retryPause   = time.Second            // the same after a poll that failed
	feedPatience = time.Minute
	snapshotWait = time.Minute
	readers      = 4 // pages that a Feed fetches at a time

	anew        = time.Second           // an answer without changes is made again after that
	together    = 50 * time.Millisecond // an answer with changes is repeated for that long
	slack       = time.Second
	young       = 20 * time.Second
	maxChanges  = 1 << 18
	maxAnswers  = 16 << 20 // bytes of answers that are kept
	maxPages    = 1 << 12
	pageRecords = 24 << 10
	snapshotAge = time.Minute

	maxEntries = 64 << 20 // of a List

	longestCookie = 400 * 24 * time.Hour
)

// Defaults, which stand inside functions there.
const (
	maxStale   = time.Minute
	maxWaiting = 10_000
	timeout    = 10 * time.Second // of a Feed's request, beyond the waiting
	skew       = 5 * time.Second
	changesAge = 1  // seconds that a cache may keep an answer to ?after without wait, and a manifest
	pageAge    = 10 // and a page
)

// retention is how long the entry of a session that ended is kept.
const retention = token.MaxTTL + time.Minute + 2*skew

// stated is where each of these constants is declared.
var stated = []struct {
	file, name string
	value      int64
}{
	{"revocation/feed_fetch.go", "feedWait", int64(feedWait)},
	{"revocation/feed_fetch.go", "feedPatience", int64(feedPatience)},
	{"revocation/follow.go", "pollWait", int64(pollWait)},
	{"revocation/follow.go", "pollPause", int64(pollPause)},
	{"revocation/follow.go", "newsPause", int64(newsPause)},
	{"revocation/follow.go", "retryPause", int64(retryPause)},
	{"revocation/follow.go", "snapshotWait", int64(snapshotWait)},
	{"revocation/feed_snapshot.go", "readers", readers},
	{"revocation/handler_changes.go", "anew", int64(anew)},
	{"revocation/handler_changes.go", "together", int64(together)},
	{"revocation/handler_changes.go", "slack", int64(slack)},
	{"revocation/handler_changes.go", "young", int64(young)},
	{"revocation/handler_changes.go", "maxAnswers", maxAnswers},
	{"revocation/changes.go", "maxChanges", maxChanges},
	{"revocation/handler_snapshot.go", "buckets", maxPages},
	{"revocation/handler_snapshot.go", "pageRecords", pageRecords},
	{"revocation/handler_snapshot.go", "snapshotAge", int64(snapshotAge)},
	{"revocation/set.go", "maxEntries", maxEntries},
	{"config.go", "longestCookie", int64(longestCookie)},
}

// quoted are the lines, in their order, on which the rest of the model rests.
var quoted = []struct{ file, text string }{
	{"revocation/handler.go", "c.MaxStale = time.Minute"},
	{"revocation/handler.go", "c.Skew = 5 * time.Second"},
	{"revocation/handler.go", "c.MaxWaiting = 10_000"},
	{"revocation/feed.go", "c.Timeout = 10 * time.Second"},
	{"follow_validate.go", "c.MaxStale = time.Minute"},
	{"rotation/policy.go", "fill(&p.Skew, 5*time.Second)"},
	{"end.go", "return token.MaxTTL + time.Minute + 2*c.Rotation.Skew"},
	{"end.go", "Expires: m.config.Now().Add(longestCookie + m.config.retention()),"},
	{"revocation/handler_http.go", "age := 1 //"},
	{"revocation/handler_http.go", "age = 10 //"},
	{"revocation/handler_http.go", "if h.config.Public && q.wait == 0 {"},
	// An answer is used again under these conditions, and kept for so long.
	{"revocation/handler_changes.go", "if a.position == e.changes.position() && asOf.Sub(a.asOf) < anew || a.position > from && e.handler.list.now().Sub(a.made) < together {"},
	{"revocation/handler_changes.go", "return a.made.Sub(old.made) > 2*anew"},
	// A follower asks again after a pause that nothing draws at random and that does not grow.
	{"revocation/follow.go", "pause = retryPause"},
	{"revocation/follow.go", "case news && l.replica == nil:"},
	{"revocation/follow.go", "return len(entries) > 0, l.report(nil)"},
	{"revocation/follow.go", "if pause -= time.Since(asked); pause > 0 {"},
	// Pages that came are of no use to the next try.
	{"revocation/feed_snapshot.go", "if err := f.pages(ctx, c, draft, add); err != nil { return stand{}, err }"},
}
