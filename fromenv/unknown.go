package fromenv

import (
	"fmt"
	"regexp"
	"slices"
)

// ofKubernetes matches what Kubernetes sets in every container for a service whose name begins with
// "writ".
var ofKubernetes = regexp.MustCompile(`^WRIT_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// refuseOther is the mistake that a name is which is not among those that are known here, or nil.
func refuseOther(name string, known []string) error {
	switch {
	case slices.Contains(names[variables](), name):
		return fmt.Errorf("%s is for a program that signs in (Open), and this one follows such a program (Follow): unset it", name)
	case slices.Contains(names[followed](), name):
		return fmt.Errorf("%s is for a program that follows another (Follow), and this one signs in itself (Open): unset it", name)
	case ofKubernetes.MatchString(name):
		return nil
	}
	nearest := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
	return fmt.Errorf("%.64q is not a variable of this version: did you mean %s? Names that begin with %s are kept for writ: rename it or unset it",
		name, nearest, prefix)
}

// distance is how many letters must be put in, taken out or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // from the first i letters of a to the first j of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
