//go:build unix

package servers

import (
	"os/exec"
	"syscall"
)

type signal = syscall.Signal

const (
	kill      = syscall.SIGKILL
	interrupt = syscall.SIGINT // PostgreSQL's "fast" shutdown
	pause     = syscall.SIGSTOP
	resume    = syscall.SIGCONT
)

// ownGroup makes cmd the leader of a group, so that its children get the signals too.
func ownGroup(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endsWithUs(cmd.SysProcAttr)
}

// signalGroup reaches the children too that made groups of their own, as those of PostgreSQL do for each
// connection. An orderly end they get from their parent.
func signalGroup(cmd *exec.Cmd, how signal) {
	var own []int
	if how != interrupt {
		own = children(cmd.Process.Pid)
	}
	syscall.Kill(-cmd.Process.Pid, how)
	for _, pid := range own {
		syscall.Kill(pid, how)
	}
}
