// Scale simulates ten thousand API nodes that follow one issuer's feed of revocations. In the directory
// above, go run ./scale writes ../docs/scale.md and ../docs/scale.svg.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := write(context.Background(), "../docs/scale.md", "../docs/scale.svg"); err != nil {
		log.Fatal(err)
	}
}

func write(ctx context.Context, page, plot string) error {
	began := time.Now()
	c, err := measured(ctx)
	if err != nil {
		return fmt.Errorf("measuring: %w", err)
	}
	fmt.Fprintf(os.Stderr, "%5.1f s measured\n", time.Since(began).Seconds())
	t := scenarios()
	all := simulated(slices.Concat(t.traffic, t.outage, t.again, t.proposals, t.cache), c)
	if err := os.WriteFile(plot, []byte(picture(charts(all))), 0o644); err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text(t, all, c, time.Since(began))), 0o644)
}

// simulated runs two at a time. Each has random numbers of its own, so the order does not matter.
func simulated(scenarios []setup, c costs) map[string]*result {
	all := make(map[string]*result)
	var mu sync.Mutex
	var group sync.WaitGroup
	places := make(chan struct{}, 2)
	for _, s := range scenarios {
		places <- struct{}{}
		group.Go(func() {
			began := time.Now()
			r := newWorld(s, c).run()
			mu.Lock()
			defer mu.Unlock()
			all[s.name] = r
			fmt.Fprintf(os.Stderr, "%5.1f s %s\n", time.Since(began).Seconds(), s.name)
			<-places
		})
	}
	group.Wait()
	return all
}
