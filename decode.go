package cognitoauth

// This file holds Decode, which reads the claims that Claims have no field for.

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
)

// Decode decodes the whole verified payload into v, which must be a pointer,
// for claims that have no field here. Names must match exactly, and case
// counts, unlike in encoding/json. In a struct tag only a name is promised:
// options may change their meaning with a later version of
// github.com/go-json-experiment/json, the code behind encoding/json/v2, whose
// rules apply.
//
// An integer field has an integer exactly, or Decode fails because it does not
// fit. A field of type any or float64 rounds integers beyond 2^53 without an
// error; use int64, or [encoding/json.RawMessage] for the text.
//
// The error names the claim and the field of v, and quotes nothing of the token.
func (c *Claims) Decode(v any) error {
	if c == nil || c.payload() == "" {
		return errors.New("cognitoauth: Decode of Claims that no token carried")
	}
	if err := json.Unmarshal([]byte(c.payload()), v); err != nil {
		return &decodeError{reflect.TypeOf(v), err}
	}
	return nil
}

// decodeError is an error of Decode. Its text leaves out the cause, which can
// quote the payload.
type decodeError struct {
	into  reflect.Type
	cause error
}

func (e *decodeError) Error() string {
	text := fmt.Sprintf("cognitoauth: the claims do not fit the value given to Decode (%v)", e.into)
	cause, ok := errors.AsType[*json.SemanticError](e.cause)
	if !ok || e.into == nil || e.into.Kind() != reflect.Pointer {
		return text
	}
	for claim := range cause.JSONPointer.Tokens() {
		// Only a name that v has itself: another one is part of the payload.
		if field := fieldOf(e.into.Elem(), claim); field != "" {
			text += fmt.Sprintf(": claim %q does not fit field %s", claim, field)
			if cause.JSONKind != 0 && cause.GoType != nil {
				text += fmt.Sprintf(", a JSON %s into a Go %v", cause.JSONKind, cause.GoType)
			}
		}
		break
	}
	return text
}

func (e *decodeError) Unwrap() error { return e.cause }

// fieldOf returns the field of the struct t that a claim is decoded into, "" if
// there is none.
func fieldOf(t reflect.Type, claim string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			if inner := fieldOf(f.Type, claim); inner != "" {
				return inner
			}
		case name == claim || name == "" && f.Name == claim:
			return f.Name
		}
	}
	return ""
}
