package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if os.Getenv(clientsName) != "" {
		if err := beClients(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openClients(t *testing.T) *clients {
	t.Helper()
	c, err := startClients()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Errorf("the clients end with %v", err)
		}
	})
	return c
}

// tell is a turn on a server with that handler.
func tell(t *testing.T, h http.HandlerFunc) turn {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return turn{Address: s.Listener.Addr().String(), Request: []byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n"),
		Connections: 3, Lasts: 50 * time.Millisecond}
}

func TestClientsCountWhatIsAnswered(t *testing.T) {
	var asked atomic.Int64
	turn := tell(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		answer(w, subject)
	})
	c := openClients(t)
	for range 2 {
		asked.Store(0)
		result, err := c.take(turn)
		if err != nil {
			t.Fatal(err)
		}
		// Each connection was answered once before the counting.
		if int64(result.Answers) != asked.Load()-3 || result.Answers < 3 || result.Took < turn.Lasts {
			t.Errorf("%d answers in %v are counted, of %d", result.Answers, result.Took, asked.Load())
		}
	}
}

func TestATurnFailsUnlessEveryAnswerIsTheFirst(t *testing.T) {
	c := openClients(t)
	var asked atomic.Int64
	for name, h := range map[string]http.HandlerFunc{
		"none is good": func(w http.ResponseWriter, _ *http.Request) { answer(w, "somebody else") },
		"the tenth is a refusal": func(w http.ResponseWriter, _ *http.Request) {
			who := subject
			if asked.Add(1) == 10 {
				who = "somebody else"
			}
			answer(w, who)
		},
		"the tenth has another body": func(w http.ResponseWriter, _ *http.Request) {
			word := "right"
			if asked.Add(1) == 10 {
				word = "wrong"
			}
			fmt.Fprint(w, word)
		},
		"the server closes the connection": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") },
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			turn := tell(t, h)
			turn.Lasts = longestTurn
			if result, err := c.take(turn); err == nil {
				t.Errorf("%d answers are counted", result.Answers)
			}
		})
	}
	// And the next turn is taken.
	if _, err := c.take(tell(t, func(w http.ResponseWriter, _ *http.Request) { answer(w, subject) })); err != nil {
		t.Error(err)
	}
}

func TestClientsTakeNoTurnWithoutEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := openClients(t)
	for _, turn := range []turn{
		{Address: listener.Addr().String(), Connections: mostConnections + 1},
		{Address: listener.Addr().String(), Connections: 1, Lasts: longestTurn + 1},
		{Address: listener.Addr().String()},
	} {
		if _, err := c.take(turn); err == nil || !strings.Contains(err.Error(), "is not taken") {
			t.Errorf("%d connections for %v: error %v", turn.Connections, turn.Lasts, err)
		}
	}
}
