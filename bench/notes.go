package main

// What is not equal between the rows of a table, and what a reader could take for more than it is.
var (
	refusalNotes = []string{
		"golang-jwt can check typ and kid in a Keyfunc written for it.",
		"jws.Verify checks with the algorithm that it was given, whatever the header names.",
	}
	verifyingNotes = []string{
		"The ratio is to the signature alone, round by round; all figures are medians. The spread is that of the middle half of the rounds.",
		"The signature alone decodes nothing: the signing input, the signature (for ES256 in ASN.1) and the key are prepared. For HS256 it is hmac.New, Write, Sum and Equal.",
		"Every library checks the signature with one algorithm and key, iss, aud, exp, nbf and iat without leeway, and decodes every claim but the application's object, which stays JSON. That exp must be there is checked by hand for go-jose; all claims are for jwx with a struct.",
		"Only writ checks typ, and finds the key by its kid in a ring; kataras finds its by kid in a map; the others are given the one key.",
		"No row checks revocations, which the others do not have: writ is configured with UntilExpiry. The last table has them.",
		"writ, first sight: without cache. Cache running: 1,000 tokens by turns, of which the cache is too small to remember more than some thirty. The difference is remembering the token, and touching memory that no request before it has touched.",
		"writ, seen before: the signature was checked once. The whole token is compared, and expiry and key are checked each time. No other library here has such a cache; one could be written around each.",
		"jwx is built without its tag jwx_goccy, and kataras with encoding/json, their defaults.",
	}
	signingNotes = []string{
		"Every library signs the same header and claims, with a fresh jti and fresh dates; before timing, writ has verified what each signs.",
		"writ also asks its ring for the key of the moment and checks the claims.",
	}
	middlewareNotes = []string{
		"The handler reads the subject and writes 22 bytes. Request and recorder are used again and again; the recorder keeps a header map and counts bytes, no more. A server adds its own cost, which is the next table.",
		"The header rows carry the token of the tables above. The writ guard looks at the header and at the cookies of every request, and refuses two credentials; the others look at the header only, jwtauth at a cookie if there is no header.",
		"The cookie stands behind two others, the token in the query behind another parameter; that row's guard looks there too, and its time has that of putting the request back as it was. Asked with a cookie, the guard writes Cache-Control: no-store; with a query, also Referrer-Policy.",
		"golang-jwt, by hand: the header is cut, the token verified, the subject put into the request's context.",
		"auth0 requires exp by a custom claim, and answers 401 by a handler of its own, instead of 400, without a token. It clones the request.",
		"jwtauth is Verifier and Authenticator; the handler reads the claims with FromContext, as documented.",
		"scs has no token: a random ID in a cookie finds the session, which holds the subject, the scope and the application's object, so a logout is at once. In this process's memory no other node knows it. On Redis (goredisstore, each with the settings it comes with) every node does, and every request is a GET and waits for its answer from a Redis on this machine; on another machine it waits longer. The row has one request after another.",
	}
	loadNotes = []string{
		"net/http on 127.0.0.1. The clients are another process of this program: 8 connections kept alive, each asking again as soon as it is answered. A client writes prepared bytes, and reads as many as the first answer had; counting begins when each connection has been answered once. A request carries what it does in the table above, and that without middleware the header.",
		"Turns of 50 ms. Each turn is beside one without middleware, behind it in one round and before it in the next, and the rows come in another order each round. A ratio is that of the two; the median of all rounds is shown, and between what the middle half of them is. No middleware, once more, is the same handler measured as the others are: so far as its ratio is from 1, so far can any ratio be off.",
		"Server, clients and Redis share this machine's cores, so that a guard takes a smaller part of what is shared than of the server's own time. That is in the CPU columns: processor time for each answered request, over all rounds, to some 2 %.",
		"The targets are of guards that have seen the token before. The first header that a handler of net/http sets costs some tenth of such a small request, whoever sets it, and a guard that is asked with a cookie sets one: no middleware, Cache-Control: no-store, is asked with the cookie and sets the same, with a turn between the two that are compared.",
	}
	liveNotes = []string{
		"Each token is of another user and session, and they come in random order. Each look checks expiry, key, and revocation by token, session, key, subject and everything; every revocation is of another session, so that no look is cut short.",
		"A cache of 512 MiB remembers them all, which was checked before timing. With 100,000 tokens the time is that of fetching the tokens themselves from memory; a server has just read them from the network.",
	}
	refreshNotes = []string{
		"A refresh is the whole Manager.Refresh: the token is parsed, the row read, the decision made, the new access token signed with EdDSA, the row written by compare-and-swap. Every one rotates: a clock that is moved by hand makes each session's last refresh a window ago, and each answer is checked to be a new pair. 4,096 sessions take turns, so that no two callers meet.",
		"Callers and servers share this machine's cores. CPU is the processor time of one refresh, in this process and in the servers; with all callers busy the two together are the cores' time, and a server on a machine of its own would leave more to the callers.",
		"Raw writes as many bytes as a session's row has; a refresh also reads. 1,000 rows take turns. PostgreSQL's raw callers have a connection each; the store has 8 in its pool.",
		"Each store is as it comes. Memory keeps nothing. SQLite writes refreshes with synchronous NORMAL (a power cut may lose the last ones), revocations with FULL. PostgreSQL has its own settings: synchronous_commit, fsync and full_page_writes on, 128 MB of shared buffers. Redis has appendonly on.",
		"Manager.Run runs all the time, following the log.",
	}
	visitNotes = []string{
		"A sign-in is Manager.Start of another subject: the row is made, and read once more before its tokens are; an OnIssue that adds claims would also write it a second time. A logout is Manager.Revoke of the refresh token of a session that has just begun: the row and the entry in the log are one transaction, on the disk before it is acknowledged. Sessions begin before the clock of the logouts does.",
	}
	tripNotes = []string{
		"Counted on the wire by a proxy, while there is one caller and connections are open: how often a connection's bytes turn from the server's to the client's. What is sent without waiting counts as one.",
	}
	millionNotes = []string{
		"One caller, so many of each in a row, and the sizes by turns; medians. The ratio is the median of the rounds' ratios; up to 2 is flat. Each size is a store of its own (a file, a schema, a prefix) with 10 sessions for each subject, every one of which can be refreshed as if it had been begun by Manager.Start; a sign-in or a refresh is of another subject or session each time.",
		"A sign-in that ends the oldest lists the subject's sessions, which is how they are counted, and ends one as a logout does.",
		"Memory and Redis were filled by Store.Save of 64 callers, Redis with appendfsync no until it was full; SQLite by INSERT in large transactions, and PostgreSQL by COPY, followed by a checkpoint and, in PostgreSQL, VACUUM ANALYZE.",
		"Where a purge grows: 1,000 rows with random IDs stand on some hundred pages of a small table's indexes, and on two thousand of a large one's, and each of these is written. Where PostgreSQL's list grows: the ten rows stand on ten pages, of a table larger than shared buffers.",
		"The process of the memory row holds all three sizes, so that a garbage collection costs the small ones as much as the large one.",
	}
)
