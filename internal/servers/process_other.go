//go:build !unix

package servers

import "os/exec"

type signal int

const (
	kill signal = iota
	interrupt
	pause
	resume
)

func ownGroup(*exec.Cmd) {}

// signalGroup can only kill here, which ends a server as well.
func signalGroup(cmd *exec.Cmd, how signal) {
	if how == kill || how == interrupt {
		cmd.Process.Kill()
	}
}
