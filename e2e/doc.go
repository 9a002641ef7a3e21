// Package e2e tests the quickstart in a real browser.
//
//	cd e2e && go test ./...
//
// It needs Chromium. Without one it is skipped, but fails where CI=true is set. With
// WRIT_SCREENSHOTS=DIR it leaves pictures of the pages there.
package e2e
