package main

import (
	"fmt"
	"io"
)

func writeDisk(w io.Writer, when string) error {
	middle, slow, err := diskSyncs()
	fmt.Fprintf(w, "- fsync of an appended 4 KiB, %s: %s µs, one in ten over %s µs; a durable write waits for one, whoever else uses the disk\n",
		when, count(middle.Microseconds()), count(slow.Microseconds()))
	return err
}

func writeRefreshes(w io.Writer, stands []*stand) {
	fmt.Fprintf(w, "\n## Refreshes a second\n\n| store | callers | refreshes/s | spread | target | CPU here, µs | CPU of the server, µs | raw/s | refresh : raw | raw: CPU here, µs | CPU of the server, µs |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range stands {
		if s.missing != nil {
			fmt.Fprintf(w, "| %s | | %v | | | | | | | | |\n", s.title, s.missing)
		}
		for _, m := range s.rows {
			target := ""
			if m.callers == 16 {
				target = fmt.Sprintf("%s: %s", count(s.target), verdict(median(rates(m.refreshes)) >= float64(s.target)))
			}
			here, servers := effort(m.refreshes)
			rawHere, rawServers := effort(m.raws)
			fmt.Fprintf(w, "| %s | %d | %s | %.0f %% | %s | %.0f | %s | %s | %s | %.0f | %s |\n", s.title, m.callers,
				figure(median(rates(m.refreshes))), spread(rates(m.refreshes))*100, target, here, s.ofServer(servers),
				figure(median(rates(m.raws))), ratio(median(ratios(m.refreshes, m.raws))), rawHere, s.ofServer(rawServers))
		}
	}
	fmt.Fprintf(w, "\nRaw is, for each store, one:\n\n")
	for _, s := range stands {
		if s.missing == nil {
			fmt.Fprintf(w, "- %s: %s\n", s.title, s.yardsticks[callerCounts[0]].name)
		}
	}
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}

func (s *stand) ofServer(micros float64) string {
	if s.address == "" {
		return "–"
	}
	return fmt.Sprintf("%.0f", micros)
}

// writeVisits prints how fast sessions begin and end.
func writeVisits(w io.Writer, stands []*stand) {
	fmt.Fprintf(w, "\n## Sign-ins and logouts a second\n\n| store | callers | sign-ins/s | CPU here, µs | CPU of the server, µs | logouts/s | CPU here, µs | CPU of the server, µs |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range stands {
		if s.missing != nil {
			fmt.Fprintf(w, "| %s | | %v | | | | | |\n", s.title, s.missing)
		}
		for _, m := range s.rows {
			fmt.Fprintf(w, "| %s | %d |", s.title, m.callers)
			for _, rounds := range [][]done{m.starts, m.logout} {
				here, servers := effort(rounds)
				fmt.Fprintf(w, " %s | %.0f | %s |", figure(median(rates(rounds))), here, s.ofServer(servers))
			}
			fmt.Fprintln(w)
		}
	}
}

func writeTrips(w io.Writer, stands []*stand) {
	fmt.Fprintf(w, "\n## Round trips to the server\n\n| store | refresh | sign-in | logout | list of a subject's sessions |\n|---|--:|--:|--:|--:|\n")
	for _, s := range stands {
		switch t := s.trips; {
		case s.missing != nil:
			fmt.Fprintf(w, "| %s | %v | | | |\n", s.title, s.missing)
		case s.address == "":
			fmt.Fprintf(w, "| %s | none: it is in the process | | | |\n", s.title)
		default:
			fmt.Fprintf(w, "| %s | %.2f | %.2f | %.2f | %.2f |\n", s.title, t.refresh, t.start, t.logout, t.list)
		}
	}
}

// spread is that of the middle half, in parts of the median.
func spread(values []float64) float64 {
	return (quantile(values, 3, 4) - quantile(values, 1, 4)) / median(values)
}
