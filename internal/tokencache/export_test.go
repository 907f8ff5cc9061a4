package tokencache

// NewSHA256 is New where GHASH is not to be had.
func NewSHA256[T any](size, bytes int) *Cache[T] { return newCache[T](size, bytes, sha256Marker()) }

// HasCLMUL reports whether the processor computes GHASH.
func HasCLMUL() bool { return hasCLMUL() }

// Mark is the mark that a cache makes of a token, and what is left of the token in
// the memory in which it was made.
func (c *Cache[T]) Mark(token string) (mark, left string) {
	var s scratch
	mark = string(c.marks.mark(&s, token))
	return mark, string(s.token[:cap(s.token)])
}

// Damage changes the bits of one byte of a remembered token's mark.
func (c *Cache[T]) Damage(token string, index int, bits byte) {
	e, _ := c.tokens.GetIfPresent(c.quick(token))
	marked := []byte(e.marked)
	marked[index] ^= bits
	c.tokens.Set(c.quick(token), entry[T]{string(marked), e.known})
}
