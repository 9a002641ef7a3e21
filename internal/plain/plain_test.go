package plain_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/writ-go/writ/internal/plain"
)

// read gives what the scanner makes of text: members whose names begin with t are texts, with a
// arrays, with w whole numbers, with n nested objects.
func read(text string) (map[string]any, bool) {
	got := map[string]any{}
	s := plain.Object(text)
	for s.Next() {
		var value any
		var ok bool
		switch name := s.Name(); {
		case strings.HasPrefix(name, "t"):
			value, ok = s.Text()
		case strings.HasPrefix(name, "a"):
			value, ok = s.Texts()
		case strings.HasPrefix(name, "w"):
			value, ok = s.Whole()
		case strings.HasPrefix(name, "n"):
			value, ok = s.Nested()
		}
		if _, twice := got[s.Name()]; !ok || twice {
			return nil, false
		}
		got[s.Name()] = value
	}
	return got, s.Ended()
}

func TestScanner(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want string // "" means: not plain
	}{
		"an empty object is left to the decoder":  {`{}`, ""},
		"one member of each kind":                 {`{"t":"x y","a":["1","2"],"w":17,"n":{"a":[{"b":"}\""}]}}`, `map[a:[1 2] n:{"a":[{"b":"}\""}]} t:x y w:17]`},
		"an empty text":                           {`{"t":""}`, `map[t:]`},
		"an empty nested object":                  {`{"n":{}}`, `map[n:{}]`},
		"a nested object with all that is plain":  {`{"n":{"a":"x","b":1,"c":[true,false,null,[{"d":2}]]}}`, `map[n:{"a":"x","b":1,"c":[true,false,null,[{"d":2}]]}]`},
		"a nested object that is not plain":       {`{"n":{ "ä":-1.5e3,"":[ ] }}`, `map[n:{ "ä":-1.5e3,"":[ ] }]`},
		"a nested object of many members":         {`{"n":{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9}}`, `map[n:{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9}]`},
		"a name twice deep inside":                {`{"n":{"a":[{"b":1,"b":1}]}}`, ""},
		"a name twice among many":                 {`{"n":{"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"1":9}}`, ""},
		"a nested word that is none":              {`{"n":{"a":truely}}`, ""},
		"a nested comma too much":                 {`{"n":{"a":[1,]}}`, ""},
		"a number at the end of a nested array":   {`{"n":{"a":[1]}}`, `map[n:{"a":[1]}]`},
		"the largest number that is exact":        {`{"w":9007199254740991}`, `map[w:9007199254740991]`},
		"a number that is not exact":              {`{"w":9007199254740992}`, ""},
		"a number of a thousand digits":           {`{"w":` + strings.Repeat("9", 1000) + `}`, ""},
		"zero":                                    {`{"w":0}`, ""},
		"a leading zero":                          {`{"w":01}`, ""},
		"a negative number":                       {`{"w":-1}`, ""},
		"a fraction":                              {`{"w":1.5}`, ""},
		"an exponent":                             {`{"w":1e3}`, ""},
		"a number at the end of the text":         {`{"w":1`, ""},
		"an escape":                               {`{"t":"\u0041"}`, ""},
		"an escaped name":                         {`{"\u0074":"A"}`, ""},
		"a character beyond ASCII":                {`{"t":"ä"}`, ""},
		"broken UTF-8":                            {"{\"t\":\"\xff\"}", ""},
		"a control character":                     {"{\"t\":\"\n\"}", ""},
		"white space":                             {`{ "t":"x"}`, ""},
		"white space behind":                      {`{"t":"x"} `, ""},
		"two objects":                             {`{"t":"x"}{"t":"x"}`, ""},
		"a comma too much":                        {`{"t":"x",}`, ""},
		"a comma too little":                      {`{"t":"x""a":["y"]}`, ""},
		"no comma at first":                       {`{,"t":"x"}`, ""},
		"a text that does not end":                {`{"t":"x`, ""},
		"an object that does not end":             {`{"t":"x"`, ""},
		"a nested object that does not end":       {`{"n":{"a":1}`, ""},
		"a nested object with a name twice":       {`{"n":{"a":1,"a":2}}`, ""},
		"a nested object with the wrong brackets": {`{"n":{"a":[}]}`, ""},
		"a nested array":                          {`{"n":[1]}`, ""},
		"a nested object with broken UTF-8":       {"{\"n\":{\"a\":\"\xff\"}}", ""},
		"an array with null":                      {`{"a":["x",null]}`, ""},
		"an empty array":                          {`{"a":[]}`, ""},
		"an array with a comma too much":          {`{"a":["x",]}`, ""},
		"nothing":                                 {``, ""},
		"a closing brace alone":                   {`}`, ""},
		"an array":                                {`["t"]`, ""},
	} {
		got, ok := read(test.text)
		if text := fmt.Sprint(got); ok != (test.want != "") || ok && text != test.want {
			t.Errorf("%s: %s, %v; want %s", name, text, ok, test.want)
		}
	}
}

// FuzzScanner holds the scanner to its promise: what it reads, the strict decoder reads to the same.
func FuzzScanner(f *testing.F) {
	f.Add(`{"t":"x y","a":["1","2"],"w":17,"n":{"a":[{"b":"}\""}]}}`)
	f.Add(`{"t1":"","t2":"~","w":9007199254740991}`)
	f.Add(`{"n1":{"a":"x","b":1,"c":[true,false,null,[{"d":2}]]},"n2":{ "ä":-1.5e3,"":[ ] }}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := read(text)
		if !ok {
			return
		}
		var want map[string]jsontext.Value
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("the decoder refuses what the scanner reads: %v", err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, the decoder finds %d", len(got), len(want))
		}
		for name, raw := range want {
			var value any
			switch name[0] {
			case 't':
				value = decoded[string](t, raw)
			case 'a':
				value = decoded[[]string](t, raw)
			case 'w':
				value = decoded[int64](t, raw)
			case 'n':
				value = string(raw)
			}
			if fmt.Sprint(value) != fmt.Sprint(got[name]) {
				t.Fatalf("%s: %v, the decoder reads %v", name, got[name], value)
			}
		}
	})
}

func decoded[T any](t *testing.T, raw []byte) (value T) {
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
