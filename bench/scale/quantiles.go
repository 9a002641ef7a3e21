package main

import (
	"fmt"
	"math"
	"slices"
)

// quantiles are from the least to the greatest, in thousandths. What never came is infinite.
type quantiles []float64

func quantilesOf(all []float64, never int) quantiles {
	n := len(all) + never
	if n == 0 {
		return nil
	}
	slices.Sort(all)
	q := make(quantiles, 1001)
	for i := range q {
		q[i] = math.Inf(1)
		if at := (n - 1) * i / 1000; at < len(all) {
			q[i] = all[at]
		}
	}
	return q
}

func (q quantiles) at(thousandth int) float64 {
	if q == nil {
		return math.NaN()
	}
	return q[thousandth]
}

// seconds writes a time for a table.
func seconds(s float64) string {
	switch {
	case math.IsNaN(s):
		return "-"
	case math.IsInf(s, 1):
		return "not by the end"
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// number writes a number with commas, rounded to three digits.
func number(x float64) string {
	if x < 100 {
		return fmt.Sprintf("%.3g", x)
	}
	scale := math.Pow(10, math.Floor(math.Log10(x))-2)
	s := fmt.Sprintf("%.0f", math.Round(x/scale)*scale)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// amount writes bytes.
func amount(b float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if b < 999.5 {
			return fmt.Sprintf("%.3g %s", b, unit)
		}
		b /= 1000
	}
	return fmt.Sprintf("%.3g TB", b)
}
