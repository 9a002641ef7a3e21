package servers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// longestStart is how long a server may take to begin or to end. It is a limit, not a wait.
const longestStart = 30 * time.Second

// server is one process that can be killed and started again on the same port and data.
type server struct {
	t    reporter
	name string
	dir  string // its data, and nothing else
	port int
	// command is what runs it. ready is nil when it answers.
	command func(s *server) *exec.Cmd
	ready   func(s *server) error

	mu      sync.Mutex
	running *exec.Cmd
	ended   chan struct{}
	log     string // the file of what it says
}

// reporter is testing.TB, or what stands in for it where a server outlives a test.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// find returns where a program is, and skips the test if it is nowhere; in CI it fails.
func find(t testing.TB, program string, others ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, pattern := range others {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed, and CI=true wants it", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// freePort is a port of the loopback that nobody had a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Addr is where it listens: 127.0.0.1 and a port that stays the same.
func (s *server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Start starts it, after Kill or Stop, and returns when it answers.
func (s *server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("%s did not start: %v\n%s", s.name, err, s.says())
	}
}

func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return errors.New("it is running")
	}
	var err error
	for deadline := time.Now().Add(longestStart); time.Now().Before(deadline); {
		if err = s.launch(); err != nil {
			return err
		}
		if err = s.await(deadline); err == nil {
			return nil
		}
		// What a killed server's children still hold is free in a moment.
		s.end(kill)
	}
	return err
}

func (s *server) launch() error {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := s.command(s)
	cmd.Stdout, cmd.Stderr = out, out
	ownGroup(cmd)
	ended, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread() // see endsWithUs
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.running, s.ended = cmd, ended
	return nil
}

func (s *server) await(deadline time.Time) error {
	err := errors.New("it did not answer in time")
	for time.Now().Before(deadline) {
		select {
		case <-s.ended:
			return fmt.Errorf("it has ended: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
		if err = s.ready(s); err == nil {
			return nil
		}
	}
	return err
}

// Kill ends it and its children with -9, as a crash of the machine's kernel would not: what the
// program has handed to the system is kept.
func (s *server) Kill() { s.stopWith(kill) }

// Stop ends it in order.
func (s *server) Stop() { s.stopWith(interrupt) }

func (s *server) stopWith(how signal) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.end(how); err != nil {
		s.t.Fatalf("%s did not end: %v", s.name, err)
	}
}

// Pause keeps it from answering, with its connections open, until Resume.
func (s *server) Pause() { s.tell(pause) }

// Resume is the end of Pause.
func (s *server) Resume() { s.tell(resume) }

func (s *server) tell(how signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		signalGroup(s.running, how)
	}
}

func (s *server) end(how signal) error {
	if s.running == nil {
		return nil
	}
	signalGroup(s.running, resume) // a paused process does not end
	signalGroup(s.running, how)
	select {
	case <-s.ended:
	case <-time.After(longestStart):
		signalGroup(s.running, kill)
		<-s.ended
		if how != kill {
			return errors.New("it had to be killed")
		}
	}
	signalGroup(s.running, kill) // children that outlive it
	s.running = nil
	return nil
}

// Copy keeps a copy of the data as it is now. It stops the server for that, and starts it again.
func (s *server) Copy() {
	s.t.Helper()
	s.Stop()
	if err := replaceDir(s.copied(), s.dir); err != nil {
		s.t.Fatalf("copying the data of %s: %v", s.name, err)
	}
	s.Start()
}

// PutBack kills the server and starts it with the data that Copy kept: it has lost everything since.
func (s *server) PutBack() {
	s.t.Helper()
	s.Kill()
	if err := replaceDir(s.dir, s.copied()); err != nil {
		s.t.Fatalf("putting the data of %s back: %v", s.name, err)
	}
	s.Start()
}

func (s *server) copied() string { return s.dir + ".copy" }

// replaceDir makes to a copy of from. cp keeps owners and modes.
func replaceDir(to, from string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// says is the end of what it has printed.
func (s *server) says() string {
	f, err := os.Open(s.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 4000
	if info, err := f.Stat(); err == nil && info.Size() > most {
		f.Seek(-most, io.SeekEnd)
	}
	b, _ := io.ReadAll(f)
	return string(b)
}
