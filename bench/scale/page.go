package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"
)

// paper is the page as it grows.
type paper struct{ strings.Builder }

func (p *paper) say(format string, args ...any) {
	fmt.Fprintf(p, format+"\n", args...)
}

func (p *paper) table(head ...string) {
	p.say("\n| %s |", strings.Join(head, " | "))
	p.say("|---|%s", strings.Repeat("--:|", len(head)-1))
}

func (p *paper) row(cells ...string) { p.say("| %s |", strings.Join(cells, " | ")) }

// text is the page.
func text(t tables, all map[string]*result, c costs, took time.Duration) string {
	var p paper
	u := usual("")
	p.say("# Ten thousand APIs behind one issuer, simulated\n")
	p.say("Made by `cd bench && go run ./scale`, in %s on %s/%s with %d cores; do not edit.", took.Round(time.Second), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	p.say("\n**This is a simulation.** Nobody ran 10,000 nodes. Simulated, event by event: %s API nodes that follow the feed, %d issuer nodes with", number(float64(u.nodes)), u.issuers)
	p.say("one store, and the logouts of 100 million sessions. The rules (what a node asks when, which answers are shared, what a cursor")
	p.say("leads to, what is signed, kept, refused) are those of package `revocation`, written once more; its constants are compared with")
	p.say("the source by a test. What an operation costs was measured in this run with the real code. Networks are assumed.")
	p.say("\nNot simulated: TCP beyond round trips and shares of a link, loss, the store's own limits, clocks that differ, garbage")
	p.say("collection, a follower's processor, 100 million real sessions (sessions cost the feed nothing; those that *end* do).")
	p.say("\n![four charts](scale.svg)")

	p.conclusions(all, c)
	p.size(c)
	p.traffic(t.traffic, all)
	p.outage(t.outage, all)
	p.again(t, all)
	p.weaknesses(t, all, c)
	p.inputs(u, c)
	return p.String()
}

func steady(u setup) float64 { return usualRate * retention.Seconds() }

func (p *paper) conclusions(all map[string]*result, c costs) {
	n := steady(setup{})
	usual, busy, idle := all[usualName], all[burstName], all[idleName]
	p.say("\n## What to conclude\n")
	p.say("- **Memory of an API node:** %s for an entry. 100 logouts/s, each kept for %s, are %s entries: %s. A burst of", amount(c.listBytes), retention, number(n), amount(n*c.listBytes))
	p.say("  2,000/s that lasts an hour is %s. An issuer node has that, up to two snapshots (%s each) and %s of recent changes.", amount(burst*retention.Seconds()*c.listBytes), amount(n*c.recordBytes), amount(maxChanges*40))
	p.say("- **Bandwidth of an API node:** %s/s usually, %s/s in the burst; a snapshot of %s when it begins.", amount(usual.nodeBytes), amount(busy.nodeBytes), amount(n*c.recordBytes))
	p.say("- **An issuer node** with a quarter of 10,000 followers: %s requests/s, %s/s and %.1f cores for the feed at 100 logouts/s; %s", number(usual.requests), amount(usual.bytes), usual.cores, number(idle.requests))
	p.say("  requests/s if nearly nobody signs out. Size it by followers: each asks as often as %.0f times a second while people sign out, and as", 1/together.Seconds())
	p.say("  often as its own way there and back allows. If all are within 1 ms that is %s requests/s and %.1f cores. More than %s", number(all[usualNearName].requests), all[usualNearName].cores, number(float64(time.Second/eachTakes)))
	p.say("  answers/s to who waits a node does not give: it makes rounds longer.")
	p.say("- **How many issuer nodes:** one per 2,500 followers as above, and one to spare. At most %s wait at one node (`MaxWaiting`): with", number(maxWaiting))
	p.say("  10,000 followers two must live.")
	p.say("- **Balance by connection** (or by the follower's address), **not by request**. By request every follower stands somewhere else at each")
	p.say("  node: %s signatures/s in place of %s at 100/s, %s in place of %s in the burst, and each entry goes to each follower from every", number(all[usualSpreadName].encodes), number(usual.encodes), number(all[burstSpreadName].encodes), number(busy.encodes))
	p.say("  node: %s/s in place of %s/s. The wave does not pass by request.", amount(all[burstSpreadName].bytes), amount(busy.bytes))
	p.say("- **A cache in front** is for snapshots: it took over %.2f %% of the requests for them and all nodes had theirs in %s, at 1 Gbit/s.", hitRate(all[resnapCacheName]), seconds(all[resnapCacheName].load.at(1000)))
	p.say("  It needs `Public`. It does nothing for changes: a Feed waits (`wait=%.0f`), and that may not be kept. Without a cache, 1 Gbit/s at an", feedWait.Seconds())
	p.say("  issuer node takes %s to bring 99 %% back after an outage, 10 Gbit/s %s.", seconds(all[anewSlowName].recovered), seconds(all[anewName].recovered))
	p.say("- **In an outage** every API answers 503 within %s, as it should. `ServeStale` for routes that may, or a larger `MaxStale`, if an hour of", maxStale)
	p.say("  503 is worse than a session that lives on.")
	p.say("- **End everybody with one entry** (`Everything`, or the key), not a million: the wave needs %s/s from each issuer node.", amount(all[waveName].bytes))
	p.say("- **Sign-outs from everywhere** leave a subject's cutoff for %.0f days at an issuer node: see the next table.", longestCookie.Hours()/24)
}

func hitRate(r *result) float64 { return 100 * float64(r.hits) / float64(max(1, r.hits+r.missed)) }

func (p *paper) size(c costs) {
	p.say("\n## Size of the list\n")
	p.say("A session that ended is kept for %s (1 h, 1 min, 2 x skew) and up to a minute more, until the sweep comes by. %.0f bytes in the feed, %.1f in", retention, c.recordBytes, c.listBytes)
	p.say("memory; a cutoff has %.0f in the feed.", c.cutoffBytes)
	p.table("", "entries", "memory", "snapshot", "pages", "makes it anew, one core", "takes it, one core")
	pagesAndMore := true
	row := func(name string, n, cutoffs float64) {
		pages := 1
		for pages < maxPages && n+cutoffs > float64(pages*pageRecords) {
			pages *= 2
		}
		if n+cutoffs > maxEntries {
			name += " **(more than a List holds)**"
		}
		if !pagesAndMore {
			p.row(name, number(n+cutoffs), amount((n+cutoffs)*c.listBytes), "-", "-", "-", "-")
			return
		}
		p.row(name, number(n+cutoffs), amount((n+cutoffs)*c.listBytes), amount(n*c.recordBytes+cutoffs*c.cutoffBytes), fmt.Sprint(pages),
			seconds((n+cutoffs)*c.build/1e9), seconds((n+cutoffs)*c.take/1e9))
	}
	n := steady(setup{})
	row("100 logouts/s", n, 0)
	row("and 10 minutes at 2,000/s within the hour", n+burst*600, 0)
	row("and a wave of 1 M sessions within the hour", n+waveSize, 0)
	row("2,000/s for over an hour", burst*retention.Seconds(), 0)
	row("100/s, 1 in 100 from everywhere", n, usualRate*everywhere*retention.Seconds())
	pagesAndMore = false
	for _, days := range []int{1, 30, 400} {
		row(fmt.Sprintf("the same at an issuer node, day %d", days), n, cutoffsAfter(usualRate*everywhere, days))
	}
	row("100/s, 2 in 100 from everywhere, at an issuer node after 400 days", n, cutoffsAfter(2*usualRate*everywhere, 400))
	p.say("\nEach cutoff is of another subject there, which is the worst case; those of one subject are one entry. An issuer node keeps them for")
	p.say("%.0f days, because refreshes are compared with them; the feed has them for %s.", longestCookie.Hours()/24, retention)
}

func (p *paper) traffic(of []setup, all map[string]*result) {
	p.say("\n## Following, directly from 4 issuer nodes (long poll)\n")
	p.say("Each figure but the delay is of one issuer node, in a second. \"Made\" is how many answers were encoded, each with one signature.")
	p.table("", "requests", "bytes", "made", "cores", "busy making them", "an API node takes in", "delay p50", "p99", "max")
	for _, s := range of {
		p.trafficRow(all[s.name])
	}
	p.say("\n- The delay is from the logout at one issuer node to its refusal at one API node, over all nodes and up to some 100 logouts. It is the")
	p.say("  store's way (%s, and %s between two looks), up to %s until the next round, and one way of the network: three of them", usual("").hint, newsPause, together)
	p.say("  if the node has just been answered and is on its way back.")
	near := all[usualNearName]
	p.say("- The network that is assumed is a wide one. Where all are within 1 ms the delay is %s (p50), %s (p99).", seconds(near.delay.at(500)), seconds(near.delay.at(990)))
	p.say("- Slow links have %s one way and 1 Mbit/s. Theirs are the last percent, which only p99 and max show.", usual("").slowTime)
	r := all[restartName]
	p.say("- A node that restarts answers 503 until it has the snapshot: %s (p50), %s (max), without `CacheDir`. No logout is missed.", seconds(r.load.at(500)), seconds(r.load.at(1000)))
	p.say("- \"Not by the end\": the run ended, 6 s or more after that logout. The nodes fall behind for as long as it goes on.")
}

func (p *paper) trafficRow(r *result) {
	p.row(r.name, number(r.requests), amount(r.bytes), number(r.encodes), fmt.Sprintf("%.2f", r.cores), fmt.Sprintf("%.1f %%", 100*r.signing), amount(r.nodeBytes)+"/s",
		seconds(r.delay.at(500)), seconds(r.delay.at(990)), seconds(r.delay.at(1000)))
}

// within is until 99 % are fresh after an outage.
func within(r *result) string {
	if r.recovered > 0 {
		return seconds(r.recovered)
	}
	return "not in " + seconds(r.length.Seconds()-shown.Seconds())
}

// stale is when the first and the last node answered 503, in s after the outage began.
func (r *result) stale() (first, last float64) {
	first, last = math.NaN(), math.NaN()
	for i, x := range r.fresh.x {
		if x < 0 || x > shown.Seconds() {
			continue
		}
		if math.IsNaN(first) && r.fresh.y[i] < 1 {
			first = x
		}
		if math.IsNaN(last) && r.fresh.y[i] == 0 {
			last = x
		}
	}
	return first, last
}

func (p *paper) outage(of []setup, all map[string]*result) {
	p.say("\n## The issuer is gone for an hour\n")
	p.say("Until it is back, everybody's list grows old, and every API answers 503 to every token. \"Begin anew\": all issuer nodes restart and")
	p.say("refuse connections meanwhile; nobody can sign out. \"Only the way was cut\": they live, and requests get no answer.")
	p.table("", "503 from", "from all", "requests/s in the worst quarter of a second", "snapshots taken", "tries that failed", "99 % fresh after", "bytes in the first minute", "of all bytes, cut off by the time limit")
	for _, s := range of {
		p.outageRow(all[s.name])
	}
	p.say("\n- 503 begins before %.0f s have passed: a list is as of the start of a poll, which waits for %.0f s on both sides. Where nearly nobody signs", maxStale.Seconds(), pollWait.Seconds())
	p.say("  out the oldest was as of %.0f s ago.", slices.Max(all[idleName].ages.y))
	p.say("- **No herd.** Who fails asks again after a random time, up to %s first and up to %s in the end. Who is told to come later (`MaxSnapshots`", firstRetry, mostRetry)
	p.say("  %d at each node) waits up to %s; those are the tries that failed.", maxSnapshots, mostAfter+retrySpread)
	p.say("- Who began anew has no changes from before, so everybody is told so %d times, at random times within about %s, and takes a snapshot,", asksOthers, time.Duration(asksOthers-1)*firstRetry)
	p.say("  of which he has all but nothing to learn. If only the way was cut, %s changes bridge it: an hour at up to %.0f logouts/s.", number(maxChanges), maxChanges/3600.)
	p.say("- Balanced by request, a snapshot's pages come from several nodes, so it can be followed by its time only, and no node that began later")
	p.say("  than %s before that can do so. The nodes make a later one after that time, and once more %s later, in case their clocks differ.", skew+slack, skew)
}

func (p *paper) outageRow(r *result) {
	first, last := r.stale()
	wasted := 0.0
	if r.bytes > 0 {
		wasted = 100 * r.wasted / r.bytes
	}
	p.row(r.name, seconds(first), seconds(last), number(r.peak), number(float64(r.taken)), number(float64(r.failed)), within(r), amount(r.minute), fmt.Sprintf("%.0f %%", wasted))
}

func (p *paper) again(t tables, all map[string]*result) {
	p.say("\n## A new snapshot for all (the feed's key has changed)")
	p.table("", "taken", "tries that failed", "until a node has it, p50", "max", "bytes/s of an issuer node", "answered by the cache")
	for _, s := range t.again {
		r := all[s.name]
		hits := "-"
		if s.cached {
			hits = fmt.Sprintf("%.2f %%", hitRate(r))
		}
		p.row(r.name, number(float64(r.taken)), number(float64(r.failed)), seconds(r.load.at(500)), seconds(r.load.at(1000)), amount(r.bytes), hits)
	}
	p.say("\nOf those that had it by the end. The lists stay in force meanwhile, as of their time.")
	p.say("\n## Changes through a cache: what a Feed does not do\n")
	p.say("A Feed's polls wait, and pass through a cache: 0 %% answered there, no staleness added. This is what it would be without waiting, once a")
	p.say("second, with max-age=%d, a minute after all were in step, through one cache.", changesAge)
	p.table("", "answered by the cache", "staleness added, p50", "max", "requests/s of an issuer node", "made", "an API node takes in", "delay p50", "p99")
	for _, s := range t.cache {
		r := all[s.name]
		p.row(r.name, fmt.Sprintf("%.1f %%", hitRate(r)), seconds(r.added.at(500)), seconds(r.added.at(1000)), number(r.requests), number(r.encodes), amount(r.nodeBytes)+"/s", seconds(r.delay.at(500)), seconds(r.delay.at(990)))
	}
	p.say("\n\"Cursors as they are\" have a place at each node, which differs among followers, and is part of the URL. A cursor that is a time in whole")
	p.say("seconds is the same for everybody, and costs %s of overlap in each answer.", skew+slack)
}

func (p *paper) weaknesses(t tables, all map[string]*result, c costs) {
	usual, calm, near, calmNear, crowd := all[usualName], all[calmName], all[usualNearName], all[calmNearName], all[crowdName]
	p.say("\n## Weaknesses that it shows, and what would help\n")
	p.say("1. **Each follower asks once a round** while people sign out: %s requests/s at an issuer node for 100 logouts/s, %s if all are near.", number(usual.requests), number(near.requests))
	p.say("   That is the price of %s (p99, near) from logout to refusal. With rounds of 100 ms it would be %s and %s requests/s, %.2f and %.2f", seconds(near.delay.at(990)), number(calm.requests), number(calmNear.requests), calm.cores, calmNear.cores)
	p.say("   cores in place of %.2f and %.2f, for a delay of %s and %s (p99) in place of %s and %s. One answer that goes on and on (a stream)", usual.cores, near.cores, seconds(calm.delay.at(990)), seconds(calmNear.delay.at(990)), seconds(usual.delay.at(990)), seconds(near.delay.at(990)))
	p.say("   would save the requests, and two of the three ways of the network.")
	p.say("2. **Balanced by request** each entry is sent to a follower by every node: four times the bytes. Everybody near asks %s times a second", number(all[nearSpreadName].requests*4/10_000))
	p.say("   then (`feedPause` %s), because some node always has something that he has not heard from it.", feedPause)
	p.say("3. **Admission** (`MaxSnapshots` %d) is what lets 1 Gbit/s be enough: 99 %% are fresh after %s. If everybody were admitted: %s, with %.0f %%", maxSnapshots, seconds(all[anewSlowName].recovered), within(crowd), 100*crowd.wasted/max(1, crowd.bytes))
	p.say("   of all bytes cut off by the time limit. It knows neither the node's link nor the followers': at 100 Mbit/s give it less.")
	p.say("4. **Who fails throws away the pages that had come.**")
	p.say("5. **Cutoffs stay for %.0f days** in every issuer node's list, which is full once %s subjects have signed out from everywhere.", longestCookie.Hours()/24, fmt.Sprint(maxEntries))
	p.say("6. **A page of up to half a megabyte, %d at a time, in %s**: a link below %.1f Mbit/s can never take this snapshot.", readers, timeout,
		float64(readers)*8*(steady(setup{})/pagesOf(steady(setup{}))*c.recordBytes)/timeout.Seconds()/1e6)
	p.say("\nSimulated otherwise than the code is:")
	p.table("following", "requests", "bytes", "made", "cores", "busy making them", "an API node takes in", "delay p50", "p99", "max")
	for _, s := range t.proposals {
		if s.outage.length == 0 {
			p.trafficRow(all[s.name])
		}
	}
	p.table("after an hour's outage", "503 from", "from all", "requests/s in the worst quarter of a second", "snapshots taken", "tries that failed", "99 % fresh after", "bytes in the first minute", "of all bytes, cut off by the time limit")
	for _, s := range t.proposals {
		if s.outage.length > 0 {
			p.outageRow(all[s.name])
		}
	}
}

func pagesOf(n float64) float64 {
	pages := 1.0
	for n > pages*pageRecords {
		pages *= 2
	}
	return pages
}

func (p *paper) inputs(u setup, c costs) {
	p.say("\n## What went in\n")
	p.say("Assumed: %s to %s one way between API and issuer, evenly drawn; %s/s for an API node, %s/s for an issuer node if nothing else is", u.near, u.far, amount(u.own), amount(u.network.issuer))
	p.say("said, of which who is nearer gets more (1 / round trip); %.0f cores for an issuer node; %s to the store, and %s until another node hears of", u.cores, u.network.store, u.hint)
	p.say("something there. Logouts come at random (Poisson), at any issuer node. Seed %d. %s are measured after %s.", u.seed, u.length, u.first)
	p.table("measured in this run", "")
	for _, m := range []struct {
		name  string
		value string
	}{
		{"an answer made: request, encoding, signature (EdDSA)", fmt.Sprintf("%.0f µs", c.sign/1e3)},
		{"- for each entry in it", fmt.Sprintf("%.0f ns", c.record)},
		{"an answer repeated, over TLS, server's half", fmt.Sprintf("%.0f µs", c.reuse/1e3)},
		{"a new TLS connection (ECDSA P-256), server's half", fmt.Sprintf("%.0f µs", c.handshake/1e3)},
		{"a byte of a page over TLS, server's half", fmt.Sprintf("%.2f ns", c.sent)},
		{"an entry of a snapshot, made", fmt.Sprintf("%.0f ns", c.build)},
		{"an entry of a snapshot, taken", fmt.Sprintf("%.0f ns", c.take)},
		{"an entry in a list", fmt.Sprintf("%.1f B", c.listBytes)},
		{"an answer without entries, as it goes over the wire", amount(c.answerBytes)},
		{"a request for it; each further place in its cursor", fmt.Sprintf("%.0f B; %.0f B", c.askBytes, c.placeBytes)},
	} {
		p.row(m.name, m.value)
	}
	p.say("\nTimes are of this process's processor, on a machine that others use too; client and server are taken to share them evenly.")
	p.table("constant of the code", "", "")
	counts := []string{"readers", "asksOthers", "buckets", "pageRecords", "maxChanges", "maxAnswers", "maxEntries"}
	for _, s := range stated {
		value := fmt.Sprint(s.value)
		if !slices.Contains(counts, s.name) {
			value = time.Duration(s.value).String()
		}
		p.row("`"+s.name+"`", "`"+s.file+"`", value)
	}
	p.row("`MaxStale`, `MaxWaiting`, `MaxSnapshots`, `Timeout`, `Skew`", "defaults", fmt.Sprintf("%s, %d, %d, %s, %s", maxStale, maxWaiting, maxSnapshots, timeout, skew))
	p.row("max-age of a manifest and of a page", "`revocation/handler_http.go`", fmt.Sprintf("%d s, %d s", changesAge, pageAge))
}
