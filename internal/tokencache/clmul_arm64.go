//go:build !purego

package tokencache

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// hasCLMUL is what it is for amd64. Here the instructions are called AES and PMULL.
func hasCLMUL() bool { return !slices.Contains([]bool{cpu.ARM64.HasAES, cpu.ARM64.HasPMULL}, false) }
