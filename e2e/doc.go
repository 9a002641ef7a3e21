// Package e2e tests in a real browser what a browser decides: which cookies it keeps and sends, what another site
// can have it do, many requests and tabs that refresh at once, what it shows on the way back, and the quickstart as a whole.
//
//	cd e2e && go test ./...
//
// It needs Chromium. Without one it is skipped, but fails where CI=true is set. With
// WRIT_SCREENSHOTS=DIR it leaves pictures of the quickstart's pages there.
package e2e
