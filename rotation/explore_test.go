package rotation_test

import (
	"os"
	"testing"
)

// full asks for the complete searches, which take minutes; `make explore` does so.
var full = os.Getenv("WRIT_EXPLORE") == "full"

// all is more states than any search may need: about 5 GiB.
const all = 40_000_000

// The smallest clock that tells the parts of W > 2L + D + skew apart.
var clock = timing{latency: 1, flush: 1, skew: 1, window: 5}

// req 45, req 57: nothing that happens to an honest client signs it out.
func TestExploreHonestClient(t *testing.T) {
	for _, tt := range []struct {
		name  string
		long  bool // only in the full search
		model honest
	}{
		{"three requests", false, honest{timing: clock, flights: 3, ahead: 1}},
		{"two requests, a crash", false, honest{timing: clock, flights: 2, ahead: 1, crashes: 1}},
		{"two requests, a failover", false, honest{timing: clock, flights: 2, ahead: 1, failovers: 1}},
		{"a request, a crash, two failovers", true, honest{timing: clock, flights: 1, ahead: 2, crashes: 1, failovers: 2}},
		{"a request, two crashes", true, honest{timing: clock, flights: 1, ahead: 2, crashes: 2}},
		{"two requests, two failovers", true, honest{timing: clock, flights: 2, ahead: 3, failovers: 2}},
		{"two requests, two crashes", true, honest{timing: clock, flights: 2, ahead: 1, crashes: 2}},
		{"two requests, a crash, a failover", true, honest{timing: clock, flights: 2, ahead: 2, crashes: 1, failovers: 1}},
		{"two requests, a longer flush", true, honest{timing: timing{latency: 1, flush: 3, skew: 1, window: 7}, flights: 2, ahead: 1, crashes: 1}},
		{"two requests, a longer latency", true, honest{timing: timing{latency: 2, flush: 1, skew: 1, window: 7}, flights: 2, ahead: 1, crashes: 1}},
		{"three requests, a failover", true, honest{timing: clock, flights: 3, ahead: 1, failovers: 1}},
		{"three requests, a crash", true, honest{timing: clock, flights: 3, ahead: 1, crashes: 1}},
		{"three requests, a crash, a failover", true, honest{timing: clock, flights: 3, ahead: 1, crashes: 1, failovers: 1}},
		{"two requests, a crash, two failovers", true, honest{timing: clock, flights: 2, ahead: 1, crashes: 1, failovers: 2}},
		{"a request, an idle time, a failover", false, honest{timing: timing{window: 3, idle: 12}, flights: 1, ahead: 1, failovers: 1}},
		{"a request, an idle time, skew, two failovers", true, honest{timing: timing{skew: 1, window: 3, idle: 12}, flights: 1, ahead: 1, failovers: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.long && !full {
				t.Skip("in the full search")
			}
			tt.model.rule = design
			r := search(t, tt.model, all)
			if r.trace != nil {
				t.Errorf("an honest client is signed out:%v", r)
			} else if !r.complete {
				t.Error("not every state was reached")
			}
		})
	}
}
