// Package guard has conditions of every kind. The comments say which mutants
// are wanted on the line.
package guard

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

var ErrBad = errors.New("bad")

func Guard(n int) error {
	if n < 0 || n > 9 { // want: n < 0 → false; n > 9 → false
		return ErrBad
	}
	if n != 0 && n%2 == 0 { // want: n != 0 && n%2 == 0 → false; n != 0 → true; n%2 == 0 → true
		return ErrBad
	}
	if !(n == 3) && true { // want: n == 3 → false
		return nil
	}
	return fmt.Errorf("%d: %w", n, ErrBad)
}

// Accept lets through first.
func Accept(s string) error {
	if s == "" || strings.HasPrefix(s, "a") && len(s) < 3 { // want: s == "" || strings.HasPrefix(s, "a") && len(s) < 3 → true; s == "" → false; strings.HasPrefix(s, "a") && len(s) < 3 → false; strings.HasPrefix(s, "a") → true; len(s) < 3 → true
		return nil
	}
	if len(s) == 5 { // want: len(s) == 5 → false; len(s) == 5 → true
		s = "five"
	} else {
		return ErrBad
	}
	return nil
}

// Nothing refuses nothing.
func Nothing(n int) string {
	if n > 3 {
		return "many"
	}
	switch {
	case n == 1:
		return "one"
	}
	return ""
}

func Kind(s string) (err error) {
	switch kind := s[:1]; kind {
	case "a", "b": // want: "a" → never; "b" → never
		return ErrBad
	case "c": // want: "c" → never
		s = ""
	case "d": // want: "d" → always
	default: // want: default → never
		err = ErrBad
	}
	switch {
	case s == "": // want: s == "" → true
	case s == "de", s == "df": // want: s == "de" → false; s == "df" → false
		err = ErrBad
	}
	return err
}

func Type(v any) error {
	switch v := v.(type) {
	case nil: // want: nil → never
		return ErrBad
	case int: // want: int → never
		if v > 1 { // want: v > 1 → false
			return ErrBad
		}
	case string:
		return nil
	case error, io.Reader: // want: error → never; io.Reader → never
		return fmt.Errorf("%T", v)
	}
	return nil
}

func Wait(done <-chan int, failed chan error) error {
	select {
	case <-done:
		return nil
	case err := <-failed: // want: case err := <-failed → never
		return err
	}
}

// Token is a verdict whose callers refuse upon false.
func Token(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 'a' || c > 'z' { // want: c < 'a' → false; c > 'z' → false
			return false
		}
	}
	return s != "" // want: s != "" → true
}

// bad is one whose callers refuse upon true.
func bad(s string) bool {
	if s == "good" { // want: s == "good" → true
		return false
	}
	return len(s) > 3 // want: len(s) > 3 → false
}

// Odd is one that nobody calls.
func Odd(n int) bool {
	if n == 0 { // want: n == 0 → false; n == 0 → true
		return false
	}
	return n%2 == 1 && n > 0 // want: n%2 == 1 → true; n > 0 → true
}

func Find(all map[string]*int, s string) (*int, bool) {
	found, ok := all[s]
	if bad(s) { // want: bad(s) → false
		return nil, false
	}
	return found, ok // want: ok → true
}

func first(all []*int) *int {
	if len(all) == 0 { // want: len(all) == 0 → false
		return nil
	}
	return all[0]
}

// Config lists mistakes.
type Config struct {
	Name  string
	Limit int
	List  []*int
}

func (c *Config) Check() error {
	var mistakes []error
	mistake := func(s string) { mistakes = append(mistakes, errors.New(s)) }
	if c.Limit == 0 { // want: c.Limit == 0 → false
		c.Limit = 10
	}
	if c.Name == "" { // want: c.Name == "" → false
		mistake("name")
	}
	small := c.Limit > 0 && c.Limit < 100 // want: c.Limit > 0 → true; c.Limit < 100 → true
	if !small {                           // want: small → true
		mistake("limit")
	}
	c.list(mistake)
	return errors.Join(mistakes...)
}

func (c *Config) list(report func(string)) {
	if first(c.List) == nil { // want: first(c.List) == nil → false
		report("list")
	}
}

func Must(s string) {
	must(Token(s) && s != "bad", "token") // want: Token(s) → true; s != "bad" → true
}

func must(ok bool, what string) {
	if !ok { // want: ok → true
		panic(what)
	}
}

func index(all []int, n int) int {
	for i, m := range all {
		if m == n { // want: m == n → true
			return i
		}
	}
	return -1
}

func last(all []int) (int, error) {
	if len(all) == 0 { // want: len(all) == 0 → true
		return 0, nil
	}
	return parse(all)
}

func parse(all []int) (int, error) {
	if i := index(all, 3); i < 0 { // want: i < 0 → false
		return 0, ErrBad
	}
	return last(all[1:])
}

func results(n int) []Result {
	if n == 0 { // want: n == 0 → false
		return []Result{{Err: ErrBad}}
	}
	return nil
}

// why answers by a text, which is refused unless it is empty.
func why(s string) string {
	switch {
	case s == "long": // want: s == "long" → false
		return "too long"
	case s == "short": // want: s == "short" → true
		return ""
	}
	return "unknown"
}

// level answers by a number that may be refused.
func level(s string) int {
	if s == "zero" { // want: s == "zero" → false
		return 0
	}
	if s == "one" {
		return 1
	}
	return len(s)
}

func Reasons(s string) error {
	if why(s) != "" || level(s) == 0 { // want: why(s) != "" → false; level(s) == 0 → false
		return ErrBad
	}
	return nil
}
