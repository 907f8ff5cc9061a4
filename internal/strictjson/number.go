package strictjson

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// NumericDate reads a NumericDate (RFC 7519, section 2): seconds since 1970,
// rounded up or down to a whole second, in UTC. It returns false for a value that
// is not a number, for one of more than 2^53 seconds, and for the one instant that
// the zero Time stands for. Above 2^53 an IEEE double does not count seconds, and
// Go converts such a number to an integer differently on different machines.
func NumericDate(value Value, up bool) (time.Time, bool) {
	if value.Kind() != '0' || len(value) > maxNumberBytes {
		return time.Time{}, false
	}
	n, ok := quickInt(value)
	if !ok {
		if n, ok = roundDecimal(string(value), up); !ok {
			return time.Time{}, false
		}
	}
	t := time.Unix(n, 0).UTC()
	// The zero Time has to stand for an absent claim.
	return t, n >= -maxDate && n <= maxDate && !t.IsZero()
}

const maxDate = 1 << 53

// quickInt returns value as an integer, if it has only digits, and few enough.
func quickInt(value Value) (n int64, ok bool) {
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(value) < 18
}

// maxNumberBytes bounds the text of a number, as RFC 8259, section 9, allows: a
// long one takes more memory to convert than to carry.
const maxNumberBytes = 1 << 10

// Fits reports whether a double can hold every number in value, which must be
// valid JSON. Readers differ about larger numbers, and golang-jwt refuses them.
func Fits(value Value) bool {
	// mutant: equivalent `k != '0' && k != '[' && k != '{' → false`, it is a shortcut
	if k := value.Kind(); k != '0' && k != '[' && k != '{' {
		return true
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case c >= '0' && c <= '9':
			n := bytes.IndexFunc(value[i:], func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) })
			if n < 0 {
				n = len(value) - i
			}
			number := value[i : i+n]
			if n > maxNumberBytes {
				return false
			}
			// Only an exponent, or 309 digits, make a number too large.
			// mutant: equivalent `n > 308 || bytes.ContainsAny(number, "eE")`, it is a shortcut
			if n > 308 || bytes.ContainsAny(number, "eE") {
				if _, err := strconv.ParseFloat(string(number), 64); err != nil {
					return false
				}
			}
			i += n - 1
		}
	}
	return true
}

// roundDecimal rounds a JSON number with a fraction or an exponent to an integer.
// It works on the decimal text: a double would have rounded once already.
func roundDecimal(s string, up bool) (int64, bool) {
	s, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		// Beyond the range of an int the sign alone counts, as Atoi returns it.
		exponent, _ = strconv.Atoi(s[i+1:])
		mantissa = s[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	// The value is 0.digits times ten to the power of point.
	point := len(digits) - len(fraction)
	if exponent > 64 || point+max(exponent, -len(s)-64) > 17 {
		return 0, false
	}
	point += max(exponent, -len(s)-64)
	n := int64(0)
	for i := range max(point, 0) {
		n *= 10
		if i < len(digits) {
			n += int64(digits[i] - '0')
		}
	}
	if strings.Trim(digits[min(max(point, 0), len(digits)):], "0") != "" && up != negative {
		n++
	}
	if negative {
		n = -n
	}
	return n, true
}
