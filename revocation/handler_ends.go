package revocation

import "time"

// clocks is the most by which a follower's clock may be behind, and the longest leeway of a Verifier.
const clocks = time.Minute

// ends brings forward when a record of a cutoff leaves the lists of those who follow, and reports whether it
// need be in them at all. An issuer compares refreshes with a cutoff for as long as any session can live; who
// follows has only access tokens to judge. One that a cutoff ends has a stamp of at most Before, was issued no
// later than that stamp says, or is derived from one that was and does not outlive it; so it is over MaxTTL
// later: whatever the clocks of those who issued it were.
//
// The other kinds stay as they are: they are few, or expire soon, or are for a key that was stolen, with which
// anybody can sign any stamp and any time.
func (h *Handler) ends(r *record) bool {
	if h.config.MaxTTL == 0 || r.kind != Subject {
		return true
	}
	end := time.UnixMicro(r.before).Add(h.config.MaxTTL + clocks + 2*h.config.Skew)
	r.expires = min(r.expires, secondOf(end))
	return h.list.now().Before(end.Add(clocks))
}
