//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// killWithGroup makes the end of cmd's context kill the process group of cmd,
// which is its own.
func killWithGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
