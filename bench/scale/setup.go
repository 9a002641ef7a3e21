package main

import "time"

// setup is a scenario. What stands here is assumed; what the code does is in code.go, and what it costs
// is measured.
type setup struct {
	name    string
	seed    uint64
	nodes   int
	issuers int
	rate    float64 // logouts a second
	live    int     // entries that are in the list at the beginning
	first   time.Duration
	length  time.Duration // that is measured, after the first part

	// spread: a balancer sends each request to another issuer node. Otherwise a connection stays where
	// it is, and so does who follows.
	spread bool
	// cached: pages and manifests come from a cache that keeps them as long as it may.
	cached bool

	network
	cores float64 // of an issuer node

	slow    float64 // part of the nodes whose link is slow
	restart float64 // part of the nodes that begin anew in the time that is measured
	resnap  bool    // everybody has to take a new snapshot at the beginning of that time
	outage  outage

	change // what the proposals change
}

// network is of one-way times and bytes a second.
type network struct {
	near, far   time.Duration // evenly between them
	own         float64       // of a node
	issuer      float64       // of an issuer node
	slowTime    time.Duration
	slowOwn     float64
	store, hint time.Duration // a question to the store; until another node hears that there is something
}

// outage begins with the time that is measured. The issuers come back after it, with or without what they
// had in memory.
type outage struct {
	length    time.Duration
	forgotten bool    // they begin anew
	silent    bool    // requests are not refused, but get no answer
	rate      float64 // logouts a second at the issuer meanwhile, if it is only the way that is cut
}

// tails is how a node asks for changes.
type tails uint8

const (
	waits  tails = iota // as the code does: the server waits, and no cache may keep that
	polls               // without waiting, through a cache
	rounds              // the same, and cursors have nothing but a time in whole seconds
)

// change is what could be done otherwise. The zero value is the code.
type change struct {
	pause time.Duration // between a Feed's polls, in place of feedPause
	round time.Duration // in place of together
	admit int           // in place of maxSnapshots
	// tails is how the changes go through a cache.
	tails tails
}

// probing is for how long logouts are noted, of the time that is measured.
func (s setup) probing() time.Duration { return s.length * 7 / 10 }

func usual(name string) setup {
	return setup{
		name: name, seed: 1, nodes: 10_000, issuers: 4, rate: 100,
		live:  int(100 * retention.Seconds()),
		first: 4 * time.Second, length: 5 * time.Second, cores: 4,
		network: network{
			near: time.Millisecond, far: 40 * time.Millisecond, own: 12.5e6, issuer: 1.25e9,
			slowTime: 250 * time.Millisecond, slowOwn: 125e3,
			store: time.Millisecond, hint: 5 * time.Millisecond,
		},
	}
}
