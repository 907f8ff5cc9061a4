// Package part answers what only the package above it refuses upon.
package part

import "strings"

// Fault is what is wrong; only package layers says that None is nothing.
type Fault uint8

const (
	None Fault = iota
	Empty
	Bad
	Odd
)

func Look(s string) Fault {
	if s == "" { // want: s == "" → false
		return Empty
	}
	if _, fault := cut(s); fault != None { // want: fault != None → false
		return fault
	}
	return last(s)
}

func cut(s string) (string, Fault) {
	if strings.Contains(s, "odd") { // want: strings.Contains(s, "odd") → false
		return "", Odd
	}
	return s[1:], None
}

func last(s string) Fault {
	if s == "bad" { // want: s == "bad" → false
		return Bad
	}
	return None
}

func Small(s string) bool {
	return len(s) < 9 // want: len(s) < 9 → true
}

// Cell is a type with a parameter.
type Cell[T comparable] struct {
	value T
	none  T
}

func (c *Cell[T]) Put(value T) { c.value = value }

func (c *Cell[T]) Full() bool {
	return c.value != c.none // want: c.value != c.none → true
}
