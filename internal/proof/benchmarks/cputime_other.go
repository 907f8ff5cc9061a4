//go:build !unix

package main

import (
	"errors"
	"time"
)

func cpuTime() (time.Duration, error) {
	return 0, errors.New("whole servers are measured on Unix alone: elsewhere their CPU time is not known here")
}
