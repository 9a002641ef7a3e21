// Package notes is what the four examples have in common: everything but the router.
package notes

import (
	"crypto/subtle"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/writ-go/writ"
	"github.com/writ-go/writ/middleware"
)

// LargestBody is how many bytes a request may bring.
const LargestBody = 64 << 10

// App is what the handlers need.
type App struct {
	Sessions *writ.Manager
	Guard    *middleware.Guard // Sessions.Guard()
	Log      io.Writer         // of panics
	Beat     time.Duration     // between two events of a stream

	streams atomic.Int32
	mu      sync.Mutex
	notes   map[string][]string // by subject
}

// people is a toy: passwords belong into no program, and in a database only as a slow hash such as
// Argon2id. See examples/quickstart.
var people = []struct {
	name, password string
	scopes         []string
}{
	{"ada", "engine", []string{"notes", "admin"}},
	{"bob", "builder", []string{"notes"}},
	{"eve", "apple", nil},
}

// Check says who signs in with a name and a password.
func (a *App) Check(name, password string) (l writ.Login, ok bool) {
	for _, p := range people {
		if p.name == name && subtle.ConstantTimeCompare([]byte(p.password), []byte(password)) == 1 {
			l.Subject, l.Claims.Scope = p.name, p.scopes
			return l, true
		}
	}
	return l, false
}

// Note is what a client sends.
type Note struct {
	Text string `json:"text"`
}

// ErrNote is for a note that is not kept.
var ErrNote = errors.New("send a note as {\"text\": \"...\"}, of at most 1000 bytes")

// Add keeps a note.
func (a *App) Add(subject string, n Note) error {
	if n.Text == "" || len(n.Text) > 1000 {
		return ErrNote
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.notes == nil {
		a.notes = make(map[string][]string)
	}
	a.notes[subject] = append(a.notes[subject], n.Text)
	return nil
}

// List is the subject's notes.
func (a *App) List(subject string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{}, a.notes[subject]...)
}

// Authors is who has notes.
func (a *App) Authors() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	names := []string{}
	for name := range a.notes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
