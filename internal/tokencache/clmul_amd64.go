//go:build !purego

package tokencache

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// hasCLMUL reports whether the processor has the instructions with which
// crypto/aes computes GHASH: AES, carry-less multiplication and two older sets.
// Without them crypto/aes looks tables up instead, which is slower than SHA-256 and
// takes a time that depends on the key.
func hasCLMUL() bool {
	// mutant: equivalent `slices.Contains([]bool{cpu.X86.HasAES, cpu.X86.HasPCLMULQDQ, cpu.X86.HasSSE41, cpu.X86.HasSSSE3}, false) → false`, the machines that test it have them all
	return !slices.Contains([]bool{cpu.X86.HasAES, cpu.X86.HasPCLMULQDQ, cpu.X86.HasSSE41, cpu.X86.HasSSSE3}, false)
}
