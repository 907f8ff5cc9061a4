package strictjson_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/strictjson"
)

const zeroInstant = -62135596800 // 0001-01-01T00:00:00Z, which the zero Time stands for

// wantDate rounds a number exactly, and refuses what NumericDate has to refuse.
func wantDate(t *testing.T, number string, up bool) (int64, bool) {
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		t.Fatalf("%q is no number", number)
	}
	n, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if up && rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	return n.Int64(), n.CmpAbs(big.NewInt(1<<53)) <= 0 && n.Cmp(big.NewInt(zeroInstant)) != 0
}

func checkDate(t *testing.T, number string, up bool, want int64, wantOK bool) {
	t.Helper()
	got, ok := strictjson.NumericDate(strictjson.Value(number), up)
	if ok != wantOK || ok && (got.Unix() != want || got.Nanosecond() != 0 || got.Location() != time.UTC || got.IsZero()) {
		t.Errorf("%.60s, up: %v: %v (%d), %v; expected %d, %v", number, up, got, got.Unix(), ok, want, wantOK)
	}
}

func TestNumericDate(t *testing.T) {
	wholes := []string{"0", "1", "9", "10", "1700000000", "62135596799", "62135596800", "62135596801", "99999999999999999", "100000000000000000", "9223372036854775808",
		"9007199254740991", "9007199254740992", "9007199254740993"}
	fractions := []string{"", ".0", ".5", ".9", ".000000000000000000001", ".99999999999999999999", ".1000"}
	exponents := []string{"", "e0", "E+3", "e-3", "e-9", "e-16", "e-30", "e6", "e15", "e17", "e64", "e-64"}
	for _, whole := range wholes {
		for _, fraction := range fractions {
			for _, exponent := range exponents {
				for _, sign := range []string{"", "-"} {
					for _, up := range []bool{false, true} {
						number := sign + whole + fraction + exponent
						want, ok := wantDate(t, number, up)
						checkDate(t, number, up, want, ok)
					}
				}
			}
		}
	}
}

// The cases that the product above does not have, or that are worth reading.
func TestNumericDate_borders(t *testing.T) {
	for _, number := range []string{
		"9007199254740992.0", "9007199254740992.1", "-9007199254740992.1", "9007199254740991.999", "9.007199254740992e15", "90071992547409920e-1", "90071992547409921e-1",
		"-62135596800", "-62135596800.5", "-62135596799.5", "-6.21355968e10", "-621355968000e-1",
		"1" + strings.Repeat("0", 80) + "e-80", "1" + strings.Repeat("0", 1000) + "e-1000", "17" + strings.Repeat("0", 1000) + "e-992", "0." + strings.Repeat("0", 60) + "15e61",
		"18446744073709551616", "18446744073709551617", "-18446744073709551617", "18446744075409551616", // 2^64 and more, which wraps around
		"0." + strings.Repeat("9", 1022), "1." + strings.Repeat("0", 1021) + "1", "123456789." + strings.Repeat("0", 1014), "-0.0", "-0", "0e5",
	} {
		for _, up := range []bool{false, true} {
			want, ok := wantDate(t, number, up)
			checkDate(t, number, up, want, ok)
		}
	}
	// big.Rat would need the memory that these exponents ask for.
	const enormous = "99999999999999999999"
	checkDate(t, "1e"+enormous, false, 0, false)
	checkDate(t, "-1e"+enormous, true, 0, false)
	checkDate(t, "0e"+enormous, false, 0, true)
	checkDate(t, "0.000e"+enormous, true, 0, true)
	checkDate(t, "1e-"+enormous, false, 0, true)
	checkDate(t, "1e-"+enormous, true, 1, true)
	checkDate(t, "-1e-"+enormous, false, -1, true)
	checkDate(t, "-1e-"+enormous, true, 0, true)
}

// A number may have 1024 bytes (RFC 8259, section 9), and only a number is one.
func TestNumericDate_refuses(t *testing.T) {
	checkDate(t, "1."+strings.Repeat("0", 1022), false, 1, true)
	checkDate(t, "1."+strings.Repeat("0", 1023), false, 0, false)
	for _, value := range []string{`"1700000000"`, `""`, `null`, `true`, `false`, `[1700000000]`, `{}`, `{"a":1}`} {
		checkDate(t, value, false, 0, false)
	}
}

func TestFits(t *testing.T) {
	// The largest double is 2^1024 - 2^971 (IEEE 754). What lies at least half a
	// step above it rounds to infinity.
	largest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 1024), new(big.Int).Lsh(big.NewInt(1), 971))
	half := new(big.Int).Lsh(big.NewInt(1), 970)
	infinite := new(big.Int).Add(largest, half)
	last := new(big.Int).Sub(infinite, big.NewInt(1))
	for value, want := range map[string]bool{
		`1`: true, `-1.5e300`: true, `1e308`: true, `1e309`: false, `-1e309`: false, `1E+400`: false, `1e-400`: true, `0e999`: true, `0.1e310`: false, `0.1e309`: true,
		largest.String(): true, last.String(): true, infinite.String(): false, "-" + last.String(): true, "-" + infinite.String(): false,
		strings.Repeat("9", 308): true, strings.Repeat("9", 309): false, "1" + strings.Repeat("0", 308): true, "1" + strings.Repeat("0", 309): false,

		`"1e400"`: true, `true`: true, `null`: true, `{}`: true, `[]`: true, `{"1e400":1}`: true, `["\"","x1e400","1e400"]`: true, `["\\",1e400]`: false,
		`[1e400]`: false, `[1,1e400,1]`: false, `{"a":[{"b":-1e400}]}`: false, `{"a":1e308,"b":1e309}`: false, `[1e308, 2]`: true, `[ 1e309 ]`: false,
	} {
		var v any
		if err := json.Unmarshal([]byte(value), &v); (err == nil) != want {
			t.Fatalf("%s: encoding/json says %v", value, err)
		}
		if got := strictjson.Fits(strictjson.Value(value)); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
	// Our own limit for the text of one number.
	if !strictjson.Fits(strictjson.Value("[0."+strings.Repeat("0", 1022)+"]")) || strictjson.Fits(strictjson.Value("[0."+strings.Repeat("0", 1023)+"]")) {
		t.Error("a number has at most 1024 bytes")
	}
}
