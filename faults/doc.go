// Package faults shows that what writ promises holds while its store fails: servers that are killed,
// paused, cut off and put back to an older copy of themselves. It has tests only; they run the whole
// Manager on every store, with real servers.
//
//	make faults        # two minutes
//	make faults-long   # many more rounds
//
// Each test prints its seed when it fails; WRIT_FAULTS_SEED repeats it, as far as goroutines can be
// repeated. Where a server's program is missing its tests are skipped, and with CI=true they fail.
package faults
