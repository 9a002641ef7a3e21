package interop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// node is a process that runs jose/jose.js.
type node struct {
	in  io.Writer
	out *bufio.Reader
}

func nodeMissing() error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	_, err := os.Stat("jose/node_modules/jose")
	return err
}

// startNode skips the test where jose is not installed, but not where CI=true is set: there the peer
// must not go missing unseen.
func startNode(t testing.TB) *node {
	t.Helper()
	if nodeMissing() != nil {
		missing := t.Skip
		if os.Getenv("CI") == "true" {
			missing = t.Fatal
		}
		missing("no Node.js, or no jose for it: install Node.js 20 or later, then run `make interop`")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, "node", "jose.js")
	cmd.Dir = "jose"
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
		cancel()
	})
	return &node{in, bufio.NewReader(out)}
}

// do has a job done. The error is a code of jose's, and never its text.
func (n *node) do(job string, args map[string]any, answer any) error {
	args["job"] = job
	line, err := json.Marshal(args)
	if err != nil {
		return errors.New("the job is no JSON")
	}
	if _, err := n.in.Write(append(line, '\n')); err != nil {
		return err
	}
	line, err = n.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	var a struct {
		OK    jsontext.Value `json:"ok"`
		Error string         `json:"error"`
	}
	if json.Unmarshal(line, &a) != nil {
		return errors.New("the answer is no JSON")
	}
	if a.Error != "" {
		return errors.New(a.Error)
	}
	if json.Unmarshal(a.OK, answer) != nil {
		return errors.New("the answer is another than was asked for")
	}
	return nil
}

// peer is jose, run by n.
func (n *node) peer() peer {
	return peer{
		name: "jose",
		reader: func(_ testing.TB, set []byte, alg string) (reader, error) {
			return n.reader(map[string]any{"set": jsontext.Value(set), "alg": alg}), nil
		},
		issue: func(t testing.TB, alg string, payload map[string]any) ([]byte, string) {
			t.Helper()
			var answer struct {
				Token string         `json:"token"`
				Set   jsontext.Value `json:"set"`
			}
			if err := n.do("issue", map[string]any{"alg": alg, "payload": payload}, &answer); err != nil {
				t.Fatal(err)
			}
			return answer.Set, answer.Token
		},
	}
}

// reader is jose with the key set, or that at the url, of args.
func (n *node) reader(args map[string]any) reader {
	args["issuer"], args["audience"], args["now"] = issuer, audience, now.Unix()
	return func(raw string) (claims, error) {
		args["token"] = raw
		var p struct {
			private
			Issuer    string  `json:"iss"`
			Subject   string  `json:"sub"`
			Audience  any     `json:"aud"`
			Expires   float64 `json:"exp"`
			NotBefore float64 `json:"nbf"`
			IssuedAt  float64 `json:"iat"`
			ID        string  `json:"jti"`
		}
		if err := n.do("read", args, &p); err != nil {
			return claims{}, err
		}
		return claims{
			Issuer: p.Issuer, Subject: p.Subject, Audience: texts(p.Audience),
			Expires: int64(p.Expires), NotBefore: int64(p.NotBefore), IssuedAt: int64(p.IssuedAt),
			ID: p.ID, ClientID: p.ClientID, SessionID: p.SessionID, Scope: words(p.Scope),
		}, nil
	}
}

// texts are the texts of one, or of an array.
func texts(v any) (out []string) {
	if s, ok := v.(string); ok {
		return []string{s}
	}
	array, _ := v.([]any)
	for _, element := range array {
		s, _ := element.(string)
		out = append(out, s)
	}
	return out
}
