package faults_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// wire is what lies between one node and the server.
type wire struct {
	t     testing.TB
	proxy *toxiproxy.Proxy
}

// to lays a wire to the server, and returns the address of its near end.
func (w *wire) to(addr string) string {
	w.t.Helper()
	quiet := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w.proxy = toxiproxy.NewProxy(quiet, "wire", "127.0.0.1:0", addr)
	if err := w.proxy.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		w.heal()
		w.proxy.Stop()
	})
	return w.proxy.Listen
}

func (w *wire) heal() { w.proxy.Toxics.ResetToxics(context.Background()) }

func (w *wire) add(toxic string) {
	if _, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		w.t.Errorf("a toxic: %v", err)
	}
}

// toxics are what can be wrong with a wire. Up is what the node says, down what the server answers.
var toxics = []struct {
	name string
	json []string
}{
	{"slow, with jitter", []string{`{"type":"latency","stream":"upstream","attributes":{"latency":40,"jitter":40}}`}},
	{"connections are reset as the node speaks", []string{`{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`}},
	{"connections are reset as the server answers", []string{`{"type":"reset_peer","stream":"downstream","attributes":{"timeout":0}}`}},
	{"half open: no answer comes", []string{`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`}},
	{"a black hole", []string{
		`{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
		`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`}},
	{"answers stop in the middle", []string{`{"type":"limit_data","stream":"downstream","attributes":{"bytes":300}}`}},
	{"no bandwidth", []string{`{"type":"bandwidth","stream":"downstream","attributes":{"rate":1}}`}},
	{"slower than patience", []string{`{"type":"latency","stream":"downstream","attributes":{"latency":1500}}`}},
}

// wireFaults are what can be wrong with one of the wires, or with all.
func wireFaults(wires ...*wire) []fault {
	var all []fault
	for _, toxic := range toxics {
		all = append(all, fault{inject: func(r *rand.Rand) func() {
			one := r.IntN(len(wires) + 1)
			for i, w := range wires {
				if one == i || one == len(wires) {
					for _, json := range toxic.json {
						w.add(json)
					}
				}
			}
			time.Sleep(time.Duration(300+r.IntN(1200)) * time.Millisecond)
			return func() {
				for _, w := range wires {
					w.heal()
				}
			}
		}})
	}
	return all
}
