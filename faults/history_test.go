package faults_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/writ-go/writ/rotation"
)

// verb is what a call asks for.
type verb int

const (
	startCall verb = iota
	refreshCall
	endCall    // End and Revoke
	endAllCall // of the session's subject
	beginCall  // an operation of unknown outcome begins
)

// call is the input of an operation on one session.
type call struct {
	verb  verb
	token rotation.Token // of a refresh
	at    time.Time      // the clock of the node, which stands still while it works
	class int            // of a beginCall
}

// result is how a call ended.
type result int

const (
	unknown  result = iota // it happened, did not happen, or happens later
	done                   // a refresh: the token that was presented stays good
	renewed                // a refresh: with a new token
	signsOut               // ErrInvalid, or that there is no such session
)

// answer is the output of an operation.
type answer struct {
	result result
	token  rotation.Token // with renewed
}

// sessionState is one session as it may be.
type sessionState struct {
	exists, ended bool
	rotation      rotation.State
	// open counts, by class, the operations of unknown outcome that have begun and may yet happen. A
	// byte is a count; late says that there are such of spent tokens, which would end the session.
	open string
	late bool
}

// step is what an operation does to a session, and what it answers: every refresh is rotation.Decide, and
// a logout ends a session for good. ok is false where something was lost that had been acknowledged.
func (s sessionState) step(c call) (next sessionState, a answer, ok bool) {
	switch c.verb {
	case startCall:
		fresh := rotation.Create(policy, 0, c.at, c.at.Add(90*24*time.Hour))
		ok = !s.exists
		s.exists, s.rotation = true, fresh
		return s, answer{result: done}, ok
	case endCall, endAllCall:
		s.ended = s.ended || s.exists // there may be sign-ins after an endAll
		return s.plain(nil), answer{result: done}, true
	}
	if !s.exists {
		return s, answer{}, false
	}
	if s.ended {
		return s, answer{result: signsOut}, true
	}
	outcome, state := rotation.Decide(policy, s.rotation, c.token, 0, false, c.at)
	s.rotation = state
	switch outcome {
	case rotation.Adopt: // the client was given what the store does not know
		return s, answer{}, false
	case rotation.RetryLater:
		return s, answer{result: unknown}, true
	case rotation.Repeat:
		return s, answer{result: done}, true
	case rotation.Rotate, rotation.Recover:
		return s, answer{result: renewed, token: state.Token(c.token.Session)}, true
	case rotation.Theft:
		s.ended = true
	}
	return s, answer{result: signsOut}, true
}

// plain is s without what makes no difference any more, so that equal states look equal.
func (s sessionState) plain(classes []call) sessionState {
	if s.ended {
		return sessionState{exists: true, ended: true}
	}
	open := []byte(s.open)
	for i, c := range classes {
		if open[i] > 0 && c.verb == refreshCall && s.exists && c.token.Gen+1 < s.rotation.Gen {
			open[i], s.late = 0, true
		}
	}
	s.open = string(open)
	return s
}

// possible is every state that a session may be in: which of the open operations have happened is
// not known.
type possible map[sessionState]struct{}

func (p possible) add(s sessionState) bool {
	if _, known := p[s]; known {
		return false
	}
	p[s] = struct{}{}
	return true
}

// reach adds what s becomes as open operations happen, in any order.
func (p possible) reach(s sessionState, classes []call) {
	if s = s.plain(classes); !p.add(s) || s.ended {
		return
	}
	for i, c := range classes {
		if s.open[i] == 0 {
			continue
		}
		next, _, ok := s.step(c)
		if !ok || next == s {
			continue
		}
		if !next.ended {
			open := []byte(next.open)
			open[i]--
			next.open = string(open)
		}
		p.reach(next, classes)
	}
	if s.late && s.exists {
		s.ended = true
		p.reach(s, classes)
	}
}

// sessionModel is what is promised of one session. An operation of unknown outcome is two things: that
// it began, at its call, and that it happens at some time later, or never. Those of one class are the
// same operation, done several times.
func sessionModel(classes []call) porcupine.Model {
	step := func(before possible, c call, a answer) possible {
		after := possible{}
		for s := range before {
			if c.verb == beginCall {
				if !s.ended {
					open := []byte(s.open)
					open[c.class]++
					s.open = string(open)
				}
				after.add(s)
				continue
			}
			reached := possible{}
			reached.reach(s, classes)
			for s := range reached {
				if next, want, ok := s.step(c); ok && want == a {
					after.add(next.plain(classes))
				}
			}
		}
		return after
	}
	return porcupine.Model{
		Init: func() any { return possible{sessionState{open: string(make([]byte, len(classes)))}: {}} },
		Step: func(s, input, output any) (bool, any) {
			after := step(s.(possible), input.(call), output.(answer))
			return len(after) > 0, after
		},
		Equal: func(a, b any) bool { return maps.Equal(a.(possible), b.(possible)) },
	}
}

// check says what is wrong with the history of one session; empty: nothing.
func check(operations []porcupine.Operation) string {
	var classes []call
	var plain []porcupine.Operation
	for _, op := range operations {
		c := op.Input.(call)
		if op.Output.(answer).result == unknown {
			class := slices.Index(classes, c)
			if class < 0 {
				class = len(classes)
				classes = append(classes, c)
			}
			op.Input, op.Return = call{verb: beginCall, class: class}, op.Call
		}
		plain = append(plain, op)
	}
	is := porcupine.CheckOperationsTimeout(sessionModel(classes), plain, longestCheck)
	if is == porcupine.Ok {
		return ""
	}
	return fmt.Sprintf("%s:\n%s", is, describe(operations))
}

func (c call) String() string {
	name := [...]string{"start", "refresh", "end", "end all", "begin"}[c.verb]
	if c.verb == refreshCall {
		name += fmt.Sprintf(" %d.%d", c.token.Gen, c.token.Fork)
	}
	return name
}

func (a answer) String() string {
	name := [...]string{"unknown", "done", "renewed", "signed out"}[a.result]
	if a.result == renewed {
		name += fmt.Sprintf(" %d.%d", a.token.Gen, a.token.Fork)
	}
	return name
}

// untilEver is the end of an operation whose outcome is unknown.
const untilEver = math.MaxInt64

// history is what the clients saw, by session.
type history struct {
	began time.Time

	mu       sync.Mutex
	sessions map[string]*sessionHistory
	all      map[string][]porcupine.Operation // the endAlls of each subject
}

type sessionHistory struct {
	subject    string
	operations []porcupine.Operation
}

func newHistory() *history {
	return &history{began: time.Now(), sessions: map[string]*sessionHistory{}, all: map[string][]porcupine.Operation{}}
}

func (h *history) clock() int64 { return int64(time.Since(h.began)) }

// add adds an operation that began then and has ended now. sid is empty for an endAll.
func (h *history) add(subject, sid string, began int64, c call, a answer) {
	op := porcupine.Operation{Input: c, Call: began, Output: a, Return: h.clock()}
	if a.result == unknown {
		op.Return = untilEver
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.verb == endAllCall {
		h.all[subject] = append(h.all[subject], op)
		return
	}
	if h.sessions[sid] == nil {
		h.sessions[sid] = &sessionHistory{subject: subject}
	}
	s := h.sessions[sid]
	s.operations = append(s.operations, op)
}

// longestCheck is how long the checker may think of one session. It takes milliseconds.
const longestCheck = 30 * time.Second

// wrong returns the sessions whose history no order of the operations explains.
func (h *history) wrong() (all []string) {
	for _, s := range h.sessions {
		if wrong := check(append(slices.Clone(s.operations), h.all[s.subject]...)); wrong != "" {
			all = append(all, wrong)
		}
	}
	return all
}

func describe(operations []porcupine.Operation) string {
	var b strings.Builder
	for _, op := range operations {
		until := "open"
		if op.Return != untilEver {
			until = time.Duration(op.Return).Round(time.Microsecond).String()
		}
		fmt.Fprintf(&b, "\t%12s to %12s at %s: %s\n", time.Duration(op.Call).Round(time.Microsecond), until,
			op.Input.(call).at.Format("05.000"), fmt.Sprintf("%s -> %s", op.Input, op.Output))
	}
	return b.String()
}

// check fails the test if the history is not linearizable.
func (h *history) check(t tester) {
	t.Helper()
	for i, s := range h.wrong() {
		if i == 3 {
			break
		}
		t.Errorf("what happened to a session has no order that explains it: %s", s)
	}
}

// parts reads what a refresh token says, as package rotation writes it; nobody authenticates it here.
func parts(raw string) (t rotation.Token) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(raw, rotation.Prefix))
	if err != nil || len(b) < 32 {
		return t
	}
	copy(t.Session[:], b[4:20])
	t.Gen, t.Fork = binary.BigEndian.Uint64(b[20:28]), binary.BigEndian.Uint32(b[28:32])
	return t
}
