// Package base64url decodes the segments of a token: base64url without padding
// (RFC 7515, section 2), in its one canonical spelling.
//
// encoding/base64 skips CR and LF even where it is Strict, so that one token has
// many spellings; and it takes twice as long, which is most of what refusing a
// token costs.
package base64url

import (
	"encoding/binary"
	"slices"
)

// foreign marks a byte that is not of the alphabet, and blank one of those that is
// white space.
const (
	foreign = 1 << 31
	blank   = 1 << 30
)

// places have what each byte adds to the 24 bits of its group of four, in each
// of the four places.
var places = func() (t [4][256]uint32) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for place := range t {
		for c := range t[place] {
			t[place][c] = foreign
		}
		for _, c := range " \t\r\n" {
			t[place][c] = foreign | blank
		}
		for value := range len(alphabet) {
			t[place][alphabet[value]] = uint32(value) << (18 - 6*place)
		}
	}
	return t
}()

// slack is how much further than it has to a group of eight may write.
const slack = 2

// AppendDecode appends what s stands for to dst. Of what is not canonical it
// reports false and appends nothing, but keeps the room that it made. What is
// behind what it returns may be overwritten. spaced is whether s has white space in
// it, which is then not ok: to look for that afterwards takes a part of the time.
func AppendDecode(dst []byte, s string) (_ []byte, ok, spaced bool) {
	n, size := len(dst), len(s)/4*3+len(s)%4*3/4
	grown := slices.Grow(dst, size+slack)[:n+size]
	out := grown[n : n+size+slack]
	var all, spare uint32
	for len(s) >= 8 && len(out) >= 8 {
		a := places[0][s[0]] | places[1][s[1]] | places[2][s[2]] | places[3][s[3]]
		b := places[0][s[4]] | places[1][s[5]] | places[2][s[6]] | places[3][s[7]]
		all |= a | b
		binary.BigEndian.PutUint64(out, uint64(a)<<40|uint64(b)<<16)
		s, out = s[8:], out[6:]
	}
	if len(s) >= 4 {
		a := places[0][s[0]] | places[1][s[1]] | places[2][s[2]] | places[3][s[3]]
		all |= a
		out[0], out[1], out[2] = byte(a>>16), byte(a>>8), byte(a)
		s, out = s[4:], out[3:]
	}
	// The bits that are left over in the last character have to be zero.
	switch len(s) {
	case 1:
		all |= foreign | places[0][s[0]]
	case 2:
		a := places[0][s[0]] | places[1][s[1]]
		all |= a
		spare = a & 0xf000
		out[0] = byte(a >> 16)
	case 3:
		a := places[0][s[0]] | places[1][s[1]] | places[2][s[2]]
		all |= a
		spare = a & 0xc0
		out[0], out[1] = byte(a>>16), byte(a>>8)
	}
	if all&foreign != 0 || spare != 0 {
		clear(grown[n:]) // nobody will look for it there
		return grown[:n], false, all&blank != 0
	}
	return grown, true, false
}
