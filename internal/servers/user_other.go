//go:build !unix

package servers

import "os/exec"

func asNobodySpecial(*exec.Cmd, ...string) error { return nil }
