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
		"The cookie stands behind two others.",
		"golang-jwt, by hand: the header is cut, the token verified, the subject put into the request's context.",
		"auth0 requires exp by a custom claim, and answers 401 by a handler of its own, instead of 400, without a token. It clones the request.",
		"jwtauth is Verifier and Authenticator; the handler reads the claims with FromContext, as documented.",
		"scs has no token: a random ID in a cookie finds the session in this process's memory, so it signs out at once, and no other node knows it. scs on Redis is left out: it needs a server, and this program starts none.",
	}
	loadNotes = []string{
		"net/http on 127.0.0.1, 8 connections kept alive, in turns of 150 ms; the median. Server and clients share this process and its cores; the client writes prepared bytes and reads as many as the first answer had, so the server has most of them.",
		"A request carries what it does in the table above.",
	}
	liveNotes = []string{
		"Each token is of another user and session, and they come in random order. Each look checks expiry, key, and revocation by token, session, key, subject and everything; every revocation is of another session, so that no look is cut short.",
		"A cache of 512 MiB remembers them all, which was checked before timing. With 100,000 tokens the time is that of fetching the tokens themselves from memory; a server has just read them from the network.",
	}
)
