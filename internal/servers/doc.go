// Package servers starts real database servers for tests, in temporary directories and on free ports
// of this machine's loopback, so that a test can kill them.
//
// Where a server's program is missing, a test is skipped with a message; with CI=true it fails.
package servers
