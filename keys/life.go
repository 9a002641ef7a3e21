package keys

import "time"

// Timeline is every signing key of the ring with the times of its life, in order of activation, by the
// ring's own configuration.
func (r *Ring) Timeline() []KeyInfo {
	s := r.state.Load()
	if s == nil {
		return nil
	}
	now := r.config.Now()
	return r.config.timeline(s.parsed, s.keyring.active(now)[0], now)
}

func (c *Config) timeline(p *parsed, active string, now time.Time) []KeyInfo {
	var list []KeyInfo
	for i, k := range p.Keys {
		info := KeyInfo{
			Public: p.publics[i], State: state(&k, active, now), CreatedAt: k.CreatedAt, ActivateAt: k.ActivateAt,
			MaxTTL: time.Duration(k.MaxTTL) * time.Second, Ref: k.Ref, InClear: k.PrivateInClear != "", Wiped: !k.hasPrivate(),
		}
		if info.RetireAt = retireAt(p.Keys, i); !info.RetireAt.IsZero() {
			info.RemoveAt = c.removeAt(&k, info.RetireAt)
			if !k.symmetric() {
				info.WipeAt = c.wipeAt(info.RetireAt)
			}
		}
		list = append(list, info)
	}
	return list
}

// NextChange is when the set of Publics will next change, by what is known at now: for how long caches
// may keep it. It is now if the change is due already, and zero if none is known. An emergency is never
// known.
func (r *Ring) NextChange(now time.Time) time.Time {
	s := r.state.Load()
	if s == nil {
		return time.Time{}
	}
	return r.config.nextChange(&s.content, now)
}

func (c *Config) nextChange(of *content, now time.Time) (next time.Time) {
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	last := len(of.Keys) - 1
	if c.Period > 0 {
		sooner(of.Keys[last].ActivateAt.Add(c.Period - c.lead()))
	}
	for i := range last {
		sooner(c.removeAt(&of.Keys[i], retireAt(of.Keys, i)))
	}
	if next.IsZero() {
		return next
	}
	return later(next, now)
}
