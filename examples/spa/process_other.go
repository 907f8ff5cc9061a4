//go:build !unix

package main

import "os/exec"

// killWithGroup leaves cmd as it is: where there are no process groups, the
// end of its context kills the process alone.
func killWithGroup(*exec.Cmd) {}
