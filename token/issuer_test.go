package token_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/writ-go/writ/keys"
	"github.com/writ-go/writ/token"
)

func TestIssueRefusesWhatWouldMislead(t *testing.T) {
	k := newKey(t, keys.ES256)
	i := newIssuer(t, k)
	now := start.UnixMicro()
	for name, test := range map[string]struct {
		claims  token.Claims
		expires time.Time
		stamp   int64
		says    string
	}{
		"no subject":                       {token.Claims{}, start.Add(time.Minute), now, "Subject"},
		"the issuer as a person (req 21)":  {token.Claims{Subject: issuer}, start.Add(time.Minute), now, "Subject"},
		"a client as a person (req 21)":    {token.Claims{Subject: "app", ClientID: "app"}, start.Add(time.Minute), now, "Subject"},
		"a person who looks anonymous":     {token.Claims{Subject: "anonymous:x", SessionID: "y"}, start.Add(time.Minute), now, "Subject"},
		"a scope with a space":             {token.Claims{Subject: "a", Scope: []string{"read admin"}}, start.Add(time.Minute), now, "Scope"},
		"an empty scope":                   {token.Claims{Subject: "a", Scope: []string{""}}, start.Add(time.Minute), now, "Scope"},
		"a scope with a quote":             {token.Claims{Subject: "a", Scope: []string{`a"b`}}, start.Add(time.Minute), now, "Scope"},
		"data that is no object":           {token.Claims{Subject: "a", Data: []byte("[1]")}, start.Add(time.Minute), now, "Data"},
		"data that is no JSON":             {token.Claims{Subject: "a", Data: []byte("{")}, start.Add(time.Minute), now, "Data"},
		"data with a name twice":           {token.Claims{Subject: "a", Data: []byte(`{"a":1,"a":2}`)}, start.Add(time.Minute), now, "Data"},
		"no stamp":                         {token.Claims{Subject: "a"}, start.Add(time.Minute), 0, "stamp"},
		"a stamp in nanoseconds":           {token.Claims{Subject: "a"}, start.Add(time.Minute), start.UnixNano(), "stamp"},
		"a subject that is not UTF-8":      {token.Claims{Subject: "a\xff"}, start.Add(time.Minute), now, "UTF-8"},
		"no life":                          {token.Claims{Subject: "a"}, start, now, "live"},
		"a life above the limit (req 65)":  {token.Claims{Subject: "a"}, start.Add(token.MaxTTL + time.Second), now, "live"},
		"more data than a token can carry": {token.Claims{Subject: "a", Data: []byte(`{"a":"` + strings.Repeat("x", token.MaxSize) + `"}`)}, start.Add(time.Minute), now, "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := i.Issue(test.claims, start, test.expires, test.stamp)
			if raw != "" || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error is %v, want one about %s", err, test.says)
			}
			if errors.Is(err, token.ErrInvalid) {
				t.Error("a mistake of the program must not sign the client out")
			}
		})
	}
}

func TestIssueWithoutAKeyIsUnavailable(t *testing.T) {
	_, err := newIssuer(t, broken{}).Issue(token.Claims{Subject: "a"}, start, start.Add(time.Minute), 1)
	wantErr(t, nil, err, token.ErrUnavailable)
}

func TestAnIssuerNeedsNames(t *testing.T) {
	if i, err := token.NewIssuer(token.IssuerConfig{}); i != nil || err == nil ||
		!strings.Contains(err.Error(), "Issuer") || !strings.Contains(err.Error(), "Audience") || !strings.Contains(err.Error(), "Keys") {
		t.Errorf("error is %v, want all that is missing", err)
	}
}

func TestEveryTokenHasItsOwnName(t *testing.T) {
	k := newKey(t, keys.EdDSA)
	v := verifier(t, token.VerifierConfig{Keys: k})
	seen := map[string]bool{}
	for range 100 {
		got, err := verify(v, issue(t, k, token.Claims{}))
		if err != nil {
			t.Fatal(err)
		}
		seen[got.ID()] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d names for 100 tokens", len(seen))
	}
}

func TestTokensDoNotPrint(t *testing.T) { // req 100
	p := token.Pair{Access: "secret-access", Refresh: "secret-refresh", SessionID: "s1"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("pair", "pair", p, "pointer", &p)
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", p), "%+v": fmt.Sprintf("%+v", p), "%#v": fmt.Sprintf("%#v", p), "%s": fmt.Sprintf("%s", &p),
		"%x": fmt.Sprintf("%x", p), "%d": fmt.Sprintf("%d", p), "slog": log.String(),
	} {
		if strings.Contains(text, "secret") || strings.Contains(text, fmt.Sprintf("%x", "secret")) {
			t.Errorf("%s shows a token", name)
		}
	}
	if b, err := json.Marshal(p); err == nil || bytes.Contains(b, []byte("secret")) {
		t.Error("a Pair was marshalled")
	}
}

func TestData(t *testing.T) {
	k := newKey(t, keys.ES256)
	v := verifier(t, token.VerifierConfig{Keys: k})
	none, err := verify(v, issue(t, k, token.Claims{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Data[object](none); !errors.Is(err, token.ErrNoData) {
		t.Errorf("no data: %v", err)
	}
	some, err := verify(v, issue(t, k, token.Claims{Data: []byte(`{"role":"a-secret-role"}`)}))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := token.Data[*struct {
		Role string `json:"role"`
	}](some)
	b, _ := token.Data[*struct {
		Role string `json:"role"`
	}](some)
	if a == nil || a != b || a.Role != "a-secret-role" {
		t.Error("data is not decoded once and shared")
	}
	for range 2 { // the second time from memory
		if _, err := token.Data[struct {
			Role int `json:"role"`
		}](some); err == nil || strings.Contains(err.Error(), "a-secret-role") {
			t.Errorf("error is %v, want one that does not quote the data", err)
		}
	}
	var same token.Claims // what SetData takes, Data reads
	if err := same.SetData(struct{ Plan string }{"gold"}); err != nil {
		t.Fatal(err)
	}
	v2, err := verify(v, issue(t, k, same))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := token.Data[struct{ Plan string }](v2); err != nil || d.Plan != "gold" {
		t.Errorf("data came back as %+v, %v", d, err)
	}
	if same.SetData(struct{ TTL time.Duration }{1}) == nil {
		t.Error("SetData took what Data cannot read")
	}
	var c token.Claims
	if c.SetData([]int{1}) == nil || c.SetData(func() {}) == nil || c.Data != nil {
		t.Error("what is no JSON object was taken as data")
	}
}

// changing is a SigningKey whose key changes.
type changing struct{ now key }

func (c *changing) Signing() (*keys.Private, error) { return c.now.Private, nil }

func TestAnIssuerFollowsItsKey(t *testing.T) {
	c := &changing{newKey(t, keys.EdDSA)}
	i := newIssuer(t, c)
	for _, a := range []keys.Algorithm{keys.EdDSA, keys.EdDSA, keys.HS256} {
		c.now = newKey(t, a)
		raw, err := i.Issue(token.Claims{Subject: "a"}, start, start.Add(time.Minute), 1)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := verify(verifier(t, token.VerifierConfig{Keys: c.now}), raw); err != nil || v.KeyID() != c.now.ID() {
			t.Errorf("under the next key: %v", err)
		}
	}
}

func TestDataTravelsWithoutWhiteSpace(t *testing.T) {
	k := newKey(t, keys.HS256)
	v, err := verify(verifier(t, token.VerifierConfig{Keys: k}), issue(t, k, token.Claims{Data: []byte("{\n  \"a\": \"b c\"\n}")}))
	if err != nil || string(v.RawData()) != `{"a":"b c"}` {
		t.Errorf("data %s, %v", v.RawData(), err)
	}
}
