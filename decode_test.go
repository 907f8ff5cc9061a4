package cognitoauth_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// The error of Decode names claim and field, and nothing that the token says.
func TestClaims_decodeNamesTheField(t *testing.T) {
	c := parseClaims(`{"custom:level":"s3cret","limits":{"orders":"s3cret"},"big":9007199254740993,"list":[1,"s3cret"],"Plain":"s3cret"}`)
	type Embedded struct {
		Level int `json:"custom:level"`
	}
	for name, row := range map[string]struct {
		into any
		want string // "": neither claim nor field
	}{
		"a string into an integer": {new(struct {
			Level int `json:"custom:level"`
		}), `: claim "custom:level" does not fit field Level, a JSON string into a Go int`},
		"inside a map": {new(struct {
			Limits map[string]int `json:"limits"`
		}), `: claim "limits" does not fit field Limits, a JSON string into a Go int`},
		"inside a list": {new(struct {
			List []int `json:"list"`
		}), `: claim "list" does not fit field List, a JSON string into a Go int`},
		"a number that is too large": {new(struct {
			Small int32 `json:"big"`
		}), `: claim "big" does not fit field Small, a JSON number into a Go int32`},
		"a field without a tag":      {new(struct{ Plain bool }), `: claim "Plain" does not fit field Plain, a JSON string into a Go bool`},
		"a field of an inner struct": {new(struct{ Embedded }), `: claim "custom:level" does not fit field Level, a JSON string into a Go int`},
		"a map, which has no fields": {new(map[string]int), ""},
		"no struct":                  {new(int), ""},
		"no pointer":                 {0, ""},
		"nil":                        {nil, ""},
	} {
		err := c.Decode(row.into)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := err.Error()
		if strings.Contains(text, "s3cret") || strings.Contains(text, "9007") || strings.Contains(text, "orders") || !strings.HasSuffix(text, row.want) || row.want == "" && strings.Contains(text, "claim \"") {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Integers beyond 2^53 are exact where the field is an integer or text, and
// rounded in any and float64, as the documentation says.
func TestClaims_decodeLargeNumbers(t *testing.T) {
	c := parseClaims(`{"n":9007199254740993}`)
	var exact struct {
		N int64 `json:"n"`
	}
	var text struct {
		N json.RawMessage `json:"n"`
	}
	var loose struct {
		N any `json:"n"`
	}
	var double struct {
		N float64 `json:"n"`
	}
	for _, v := range []any{&exact, &text, &loose, &double} {
		if err := c.Decode(v); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	if exact.N != 9007199254740993 || string(text.N) != "9007199254740993" || loose.N != 9007199254740992.0 || double.N != 9007199254740992 {
		t.Errorf("%d, %s, %v, %f", exact.N, text.N, loose.N, double.N)
	}
}
