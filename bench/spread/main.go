// Spread measures how soon a logout that one node was told of is known to the others: three nodes and one
// API that follows their feed, each a process of its own, on PostgreSQL and on Redis, with the stores' push
// and without. It starts the servers itself.
//
//	go run ./spread          1,000 logouts of each kind; writes its part of RESULTS.md; under five minutes
//	go run ./spread -quick   30 of each, printed only
package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"
)

// patience is how long all of the measuring may take. What is not measured by then is left out, and the
// table says so.
const patience = 280 * time.Second

func main() {
	log.SetFlags(0)
	if text := os.Getenv(setupName); text != "" {
		if err := serve(text, os.Stdin, os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	quick := flag.Bool("quick", false, "measure a few only, and write no file")
	flag.Parse()
	file, rounds := "RESULTS.md", 1000
	if *quick {
		file, rounds = "", 30
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began, before := time.Now(), loadAverage()
	var body, part bytes.Buffer
	if err := measure(ctx, io.MultiWriter(os.Stdout, &body), rounds); err != nil {
		log.Fatal(err)
	}
	if file == "" {
		return
	}
	writeHead(&part, strings.Join(append([]string{"go run ./spread"}, os.Args[1:]...), " "), before, time.Since(began))
	part.Write(body.Bytes())
	if err := replacePart(file, part.String()); err != nil {
		log.Fatal(err)
	}
}
