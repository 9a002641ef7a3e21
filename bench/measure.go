package main

import (
	"cmp"
	"context"
	"slices"
	"testing"
)

// row is one operation, done over and over.
type row struct {
	name string
	op   func() error
}

func (r row) bench(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := r.op(); err != nil {
			b.Fatal(r.name, ": ", err)
		}
	}
}

// table is rows that are measured together. The first is what the others are compared with.
type table struct {
	title string
	rows  []row
	cells []cell
}

// cell is the median of a row.
type cell struct {
	ns, ratio, spread float64 // spread is that of the middle half of the rounds, in parts of ns
	bytes, allocs     int64
}

// measure takes each row once a round, and begins each round with another row: what the machine does
// beside this hits all rows alike. The ratio is the median of the rounds' ratios.
func (t *table) measure(ctx context.Context, rounds int) error {
	results := make([][]testing.BenchmarkResult, len(t.rows))
	for round := range rounds {
		for i := range t.rows {
			if err := ctx.Err(); err != nil {
				return err
			}
			i = (i + round) % len(t.rows)
			results[i] = append(results[i], testing.Benchmark(t.rows[i].bench))
		}
	}
	t.cells = nil
	for i := range t.rows {
		var ns, ratios []float64
		var bytes, allocs []int64
		for round, r := range results[i] {
			ns = append(ns, nsPerOp(r))
			ratios = append(ratios, nsPerOp(r)/nsPerOp(results[0][round]))
			bytes, allocs = append(bytes, r.AllocedBytesPerOp()), append(allocs, r.AllocsPerOp())
		}
		t.cells = append(t.cells, cell{
			ns: median(ns), ratio: median(ratios), spread: (quantile(ns, 3, 4) - quantile(ns, 1, 4)) / median(ns),
			bytes: median(bytes), allocs: median(allocs)})
	}
	return nil
}

func nsPerOp(r testing.BenchmarkResult) float64 { return float64(r.T.Nanoseconds()) / float64(r.N) }

func median[T cmp.Ordered](values []T) T { return quantile(values, 1, 2) }

func quantile[T cmp.Ordered](values []T, k, of int) T {
	return slices.Sorted(slices.Values(values))[(len(values)-1)*k/of]
}
