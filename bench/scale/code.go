package main

import (
	"time"

	"github.com/writ-go/writ/token"
)

// What the library does, as its source says. The test beside this reads the source, so that none of it can
// be another there.
const (
	feedWait     = 2 * time.Second        // a Feed has the server wait
	pollWait     = time.Second            // a List waits for its store
	pollPause    = 100 * time.Millisecond // from one poll's beginning to the next, at least
	newsPause    = 5 * time.Millisecond   // the same after a store has told something
	feedPause    = 20 * time.Millisecond  // the same after a Feed has
	firstRetry   = 500 * time.Millisecond // a pause after a failure is drawn from so much, which doubles,
	mostRetry    = 4 * time.Second        // up to that
	mostAfter    = 3 * time.Second        // of a Retry-After
	retrySpread  = 2 * time.Second        // is added to it at random
	asksOthers   = 4                      // so often a 410 is heard before it is believed
	feedPatience = time.Minute
	snapshotWait = time.Minute
	readers      = 4 // pages that a Feed fetches at a time

	unfollowedPause = 2 * time.Second // after a snapshot that nobody can go on from

	together    = 25 * time.Millisecond // from one round of answers to the next, at least
	eachTakes   = 10 * time.Microsecond // longer for each who waits
	longest     = 250 * time.Millisecond
	gather      = time.Millisecond // from what came after a while without anything, to the round with it
	anew        = time.Second      // an answer without changes is made again after that
	slack       = time.Second
	absent      = 2 * time.Second // who began a snapshot is forgotten after that
	inSight     = 5 * time.Second // a window in which who takes one is seen
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
	maxStale     = time.Minute
	maxWaiting   = 10_000
	maxSnapshots = 128
	timeout      = 10 * time.Second // of a Feed's request, beyond the waiting
	skew         = 5 * time.Second
	changesAge   = 1  // seconds that a cache may keep an answer to ?after without wait, and a manifest
	pageAge      = 10 // and a page
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
	{"revocation/follow.go", "feedPause", int64(feedPause)},
	{"revocation/retry.go", "firstRetry", int64(firstRetry)},
	{"revocation/retry.go", "mostRetry", int64(mostRetry)},
	{"revocation/retry.go", "mostAfter", int64(mostAfter)},
	{"revocation/retry.go", "retrySpread", int64(retrySpread)},
	{"revocation/retry.go", "unfollowedPause", int64(unfollowedPause)},
	{"revocation/feed.go", "asksOthers", asksOthers},
	{"revocation/follow.go", "snapshotWait", int64(snapshotWait)},
	{"revocation/feed_snapshot.go", "readers", readers},
	{"revocation/handler_changes.go", "anew", int64(anew)},
	{"revocation/handler_changes.go", "slack", int64(slack)},
	{"revocation/rounds.go", "together", int64(together)},
	{"revocation/rounds.go", "eachTakes", int64(eachTakes)},
	{"revocation/rounds.go", "longest", int64(longest)},
	{"revocation/rounds.go", "gather", int64(gather)},
	{"revocation/handler_admission.go", "absent", int64(absent)},
	{"revocation/handler_admission.go", "inSight", int64(inSight)},
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
	{"revocation/handler.go", "c.MaxSnapshots = 128"},
	{"revocation/feed.go", "c.Timeout = 10 * time.Second"},
	{"follow_validate.go", "c.MaxStale = time.Minute"},
	{"rotation/policy.go", "fill(&p.Skew, 5*time.Second)"},
	{"end.go", "return token.MaxTTL + time.Minute + 2*c.Rotation.Skew"},
	{"end.go", "Expires: m.config.Now().Add(longestCookie + m.config.retention()),"},
	{"revocation/handler_http.go", "age := 1 //"},
	{"revocation/handler_http.go", "age = 10 //"},
	{"revocation/handler_http.go", "if h.config.Public && q.wait == 0 {"},
	// An answer is used again under these conditions, and kept for so long.
	{"revocation/handler_changes.go", "if a.position == shown.position && shown.asOf.Sub(a.asOf) < anew {"},
	{"revocation/handler_changes.go", "if a.made.Sub(e.swept).Abs() > anew {"},
	{"revocation/handler_changes.go", "gone := a.made.Sub(old.made).Abs() > anew"},
	// Everybody is shown the same, in rounds whose length depends on who waits.
	{"feed.go", "MaxTTL: token.MaxTTL,"},
	{"revocation/handler_ends.go", "end := time.UnixMicro(r.before).Add(h.config.MaxTTL + clocks + 2*h.config.Skew)"},
	{"revocation/rounds.go", "r.began, r.length = now, min(longest, max(together, time.Duration(r.edition.handler.waiting.Load())*eachTakes))"},
	{"revocation/rounds.go", "time.AfterFunc(max(gather, time.Until(r.began.Add(r.length))), r.begin)"},
	// So many may take a snapshot, and the others are told to come again after 1 to 3 s.
	{"revocation/handler_admission.go", "if sending == 0 && now.Sub(a.last) > absent {"},
	{"revocation/handler_admission.go", "a.due = min(a.due, (a.latest.seen+a.former.seen)*pages)"},
	{"revocation/handler_admission.go", "if a.due+sending > (most-1)*pages {"},
	{"revocation/handler_http.go", "after += rand.N(3)"},
	{"revocation/handler_snapshot.go", "for _, since := range []int64{e.handler.overlap(), e.handler.overlap() + e.handler.config.Skew.Microseconds()} {"},
	// A follower's pauses.
	{"revocation/retry.go", "return min(told.after, mostAfter) + rand.N(retrySpread)"},
	{"revocation/retry.go", "case errors.As(err, &told) && told.after > 0 && failed == 0:"},
	{"revocation/retry.go", "return rand.N(firstRetry)"},
	{"revocation/retry.go", "return unfollowedPause + rand.N(retrySpread)"},
	{"revocation/retry.go", "return rand.N(min(firstRetry<<min(failed, 8), most))"},
	{"revocation/follow.go", "pause = time.Since(asked) + l.retryPause(failed, err)"},
	{"revocation/follow.go", "case news && l.replica != nil: pause = feedPause"},
	{"revocation/feed.go", "if f.failed { // what matters is how old the list is wait = 0 }"},
	{"revocation/feed.go", "if f.passed++; f.passed < asksOthers {"},
	{"revocation/follow.go", "return len(entries) > 0, l.report(nil)"},
	{"revocation/follow.go", "if pause -= time.Since(asked); pause > 0 {"},
	// Pages that came are of no use to the next try.
	{"revocation/feed_snapshot.go", "if err := f.pages(ctx, c, draft, add); err != nil { return stand{}, err }"},
}
