package token

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/jws"
)

// Largest names the biggest claims of a token that has become too long, and how many bytes each takes:
// for an error's text. It says nothing of what they hold, and checks nothing.
func Largest(raw string) string {
	type member struct {
		name string
		size int
	}
	var members []member
	var object map[string]jsontext.Value
	if jsonv2.Unmarshal(jws.Unverified(raw), &object) != nil {
		return "unknown"
	}
	for name, value := range object {
		var data map[string]jsontext.Value
		if name == "data" && jsonv2.Unmarshal(value, &data) == nil {
			for inner, value := range data {
				members = append(members, member{name + "." + inner, len(value)})
			}
			continue
		}
		members = append(members, member{name, len(value)})
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Or(b.size-a.size, strings.Compare(a.name, b.name)) })
	var texts []string
	for _, m := range members[:min(3, len(members))] {
		texts = append(texts, fmt.Sprintf("%.64q %d bytes", m.name, m.size))
	}
	return strings.Join(texts, ", ")
}
