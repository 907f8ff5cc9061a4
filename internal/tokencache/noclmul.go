//go:build !(amd64 || arm64) || purego

package tokencache

// hasCLMUL: with the tag purego crypto/aes uses no such instructions. On the other
// processors that have some we have not tried it.
func hasCLMUL() bool { return false }
