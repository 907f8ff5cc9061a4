package keyset

// This file finds moduli of a broken key generator (CVE-2017-15361, "ROCA"). The
// generator, in smart cards and TPMs, made each prime as
//
//	k·M + (65537^a mod M), where M is the product of the first primes
//
// (Nemec, Sys, Svenda, Klinec, Matyas: The Return of Coppersmith's Attack, CCS
// 2017, sections 2 and 3). Such a prime can be found from the modulus, for 2048
// bits with about 140 years of one processor, which many processors share. A
// product of two such primes is a power of 65537 modulo each prime in M. Of other
// moduli one in 2^154 is that for all primes up to 167, the ones that M has for
// keys of every size.

import (
	"math/big"
	"sync"
)

const (
	rocaGenerator = 65537
	rocaLast      = 167 // the 39th prime
)

// powers are the powers of the generator modulo one prime.
type powers struct {
	prime *big.Int
	has   [rocaLast + 1]bool
}

var rocaPowers = sync.OnceValue(func() (all []powers) {
	for p := int64(3); p <= rocaLast; p += 2 {
		next := powers{prime: big.NewInt(p)}
		if !next.prime.ProbablyPrime(0) { // exact below 2^64
			continue
		}
		for x := int64(1); !next.has[x]; x = x * rocaGenerator % p {
			next.has[x] = true
		}
		all = append(all, next)
	}
	return all
})

// weakPrimes reports whether n is, modulo every prime from 3 to 167, a power of
// the generator.
func weakPrimes(n *big.Int) bool {
	rest := new(big.Int)
	for _, p := range rocaPowers() {
		if !p.has[rest.Mod(n, p.prime).Int64()] {
			return false
		}
	}
	return true
}
