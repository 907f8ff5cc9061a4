package cognitomcp

// This file reads the body of a POST: one JSON-RPC message, or a batch of them.
//
// We decide by our reading, and the SDK acts by its own, so the two must not
// differ. They would in these cases, for one version of a decoder or another:
//
//	{"method":"ping","method":"tools/call"}    the first or the last member counts
//	{"Method":"ping","method":"tools/call"}    case counts or not
//	{"method":"ping"} {"method":"tools/call"}  the end of the text is looked at or not
//	{"method":"tools\u002fcall"}               escapes in names and values
//
// So we refuse the first three, and hand on what we have read in one plain form,
// instead of the bytes that came.

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The codes of JSON-RPC 2.0, section 5.1.
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeInvalidParams  = -32602
)

const (
	methodCall   = "tools/call"
	methodListen = "subscriptions/listen"
)

// malformed says why a body is refused.
type malformed struct {
	code int
	text string
}

func (m *malformed) Error() string { return m.text }

var (
	errNoJSON    = &malformed{codeParse, "the body is not one JSON value in UTF-8 without repeated names"}
	errNoMessage = &malformed{codeInvalidRequest, "a message is a JSON object, and a batch has at least one"}
	errMethod    = &malformed{codeInvalidRequest, "method is not a string"}
	errSpelling  = &malformed{codeInvalidRequest, "a name of a member differs from one of the protocol by case"}
	errName      = &malformed{codeInvalidParams, "tools/call needs params with the name of the tool"}
)

// message is what a body asks for.
type message struct {
	tools   []string       // that it calls, each once
	listens bool           // it opens a stream by itself
	id      jsontext.Value // a string or number; of a batch, and without one, nil
	body    []byte         // the same JSON in plain form
}

// parse reads a body.
func parse(body []byte) (message, error) {
	// Names that repeat and strings that are not UTF-8 are errors of jsontext by
	// default, and so is a second value.
	plain, err := jsontext.AppendFormat(nil, body)
	if err != nil {
		return message{}, errNoJSON
	}
	m := message{body: plain}
	one, empty := jsontext.Value(plain), true
	if one.Kind() != '[' {
		id, err := m.add(one)
		m.id = id
		return m, err
	}
	for one := range elements(one) {
		if _, err := m.add(one); err != nil {
			return message{}, err
		}
		empty = false
	}
	if empty {
		return message{}, errNoMessage
	}
	return m, nil
}

// add notes what one message of the body asks for, and returns its id.
func (m *message) add(one jsontext.Value) (id jsontext.Value, _ error) {
	if one.Kind() != '{' {
		return nil, errNoMessage
	}
	members, err := find(one, "jsonrpc", "id", "method", "params", "result", "error")
	if err != nil {
		return nil, err
	}
	value, ok := members["method"]
	if !ok {
		return nil, nil // the answer to a request of the server
	}
	method, ok := text(value)
	if !ok {
		return nil, errMethod
	}
	m.listens = m.listens || method == methodListen
	if kind := members["id"].Kind(); kind == '"' || kind == '0' {
		id = members["id"]
	}
	if method != methodCall {
		return id, nil
	}
	params := members["params"]
	if params.Kind() != '{' {
		return nil, errName
	}
	members, err = find(params, "name", "arguments", "_meta")
	if err != nil {
		return nil, err
	}
	name, _ := text(members["name"])
	if name == "" {
		return nil, errName
	}
	if !slices.Contains(m.tools, name) {
		m.tools = append(m.tools, name)
	}
	return id, nil
}

// find returns those members of an object that have one of the names. It is an
// error if another one differs from such a name by case alone.
func find(object jsontext.Value, names ...string) (map[string]jsontext.Value, error) {
	found := map[string]jsontext.Value{}
	name, value := "", false
	for v := range elements(object) {
		if !value {
			name, _ = text(v)
		} else if slices.Contains(names, name) {
			found[name] = v.Clone()
		} else if slices.ContainsFunc(names, func(s string) bool { return strings.EqualFold(s, name) }) {
			return nil, errSpelling
		}
		value = !value
	}
	return found, nil
}

// elements yields the elements of an array, or the names and values of an object,
// in turn. Each is good until the next. v is valid JSON.
func elements(v jsontext.Value) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		d := jsontext.NewDecoder(bytes.NewBuffer(v))
		if _, err := d.ReadToken(); err != nil {
			return
		}
		for d.PeekKind() != ']' && d.PeekKind() != '}' {
			one, err := d.ReadValue()
			if err != nil || !yield(one) {
				return
			}
		}
	}
}

// text returns the string that v is, and whether it is one.
func text(v jsontext.Value) (string, bool) {
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", false
	}
	return string(s), true
}
