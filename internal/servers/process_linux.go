package servers

import "syscall"

// endsWithUs has the kernel end a process when the thread that started it ends, so that no server
// outlives a test that was killed.
func endsWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
