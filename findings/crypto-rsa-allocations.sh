#!/usr/bin/env bash
# crypto/rsa of Go 1.26.8.
#
# Behaviour: what the verification of a signature allocates does not grow with the
# key, it jumps above 2048 bits. Up to there each number of the calculation has room
# in a buffer of fixed size, which the compiler can place on the stack. With a longer
# key each number is a slice of its own on the heap. So a service that moves from keys
# of 2048 bits to 3072 has ten times the allocations and thirty times the bytes for
# each token, which no measurement with the shorter key foretells.
#
# Seen on 2026-11-29 on linux/amd64, VerifyPKCS1v15 with SHA-256:
#   2048 bits: 9 allocations, 1.4 KB
#   3072 bits: 93 allocations, 44.0 KB
#   4096 bits: 101 allocations, 62.6 KB
#
# The script fails if this changes. Other word sizes have other figures.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOTOOLCHAIN=go1.26.8 GODEBUG= GOEXPERIMENT= GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/verify

go 1.26
END
cat >main.go <<'END'
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"
)

func main() {
	digest := sha256.Sum256([]byte("message"))
	for _, bits := range []int{2048, 3072, 4096} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
		if err != nil {
			panic(err)
		}
		verify := func() {
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
				panic(err)
			}
		}
		allocations := testing.AllocsPerRun(100, verify)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 1000 {
			verify()
		}
		runtime.ReadMemStats(&after)
		fmt.Printf("%d bits: %.0f allocations, %.1f KB\n", bits, allocations, float64(after.TotalAlloc-before.TotalAlloc)/1e6)
	}
}
END
seen=$(go run .)
echo "$seen"
[[ $seen == '2048 bits: 9 allocations, 1.4 KB
3072 bits: 93 allocations, 44.0 KB
4096 bits: 101 allocations, 62.6 KB' ]] || { echo 'this has changed'; exit 1; }
