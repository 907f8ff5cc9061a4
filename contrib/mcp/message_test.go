package cognitomcp

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	segmentio "github.com/segmentio/encoding/json"
)

func TestParse(t *testing.T) {
	const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"id":7}}}`
	for _, test := range []struct {
		name  string
		body  string
		tools []string
		code  int // of the refusal, 0 if there is none
	}{
		{name: "call", body: call, tools: []string{"read"}},
		{name: "notification that calls", body: `{"jsonrpc":"2.0","method":"tools/call","params":{"name":"read"}}`, tools: []string{"read"}},
		{name: "escapes mean what they stand for", body: `{"m\u0065thod":"tools\/c\u0061ll","p\u0061rams":{"n\u0061me":"\u0072ead"}}`, tools: []string{"read"}},
		{name: "another method", body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"read"}}`},
		{name: "another method, params of any form", body: `{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}`},
		{name: "answer to the server", body: `{"jsonrpc":"2.0","id":1,"result":{"method":"tools/call","params":{"name":"read"}}}`},
		{name: "method in other case is another method", body: `{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"read"}}`},
		{name: "arguments may have any name", body: `{"method":"tools/call","params":{"name":"read","arguments":{"Name":"x","METHOD":"y"}}}`, tools: []string{"read"}},
		{name: "members that nobody knows", body: `{"x":1,"method":"tools/call","params":{"x":1,"name":"read"}}`, tools: []string{"read"}},
		{name: "white space around", body: "\r\n\t " + call + " \n", tools: []string{"read"}},

		{name: "batch", body: `[` + call + `,{"method":"tools/call","params":{"name":"write"}},{"method":"ping"},` + call + `]`, tools: []string{"read", "write"}},
		{name: "batch of one", body: `[` + call + `]`, tools: []string{"read"}},
		{name: "empty batch", body: `[]`, code: -32600},
		{name: "batch in a batch", body: `[[` + call + `]]`, code: -32600},
		{name: "batch with something else", body: `[` + call + `,1]`, code: -32600},
		{name: "batch with one bad call", body: `[` + call + `,{"method":"tools/call"}]`, code: -32602},

		{name: "empty", body: ``, code: -32700},
		{name: "no JSON", body: `{"method":`, code: -32700},
		{name: "null", body: `null`, code: -32600},
		{name: "string", body: `"tools/call"`, code: -32600},
		{name: "text behind", body: `{"method":"ping"} ` + call, code: -32700},
		{name: "repeated method", body: `{"method":"ping","method":"tools/call","params":{"name":"read"}}`, code: -32700},
		{name: "repeated name", body: `{"method":"tools/call","params":{"name":"read","name":"write"}}`, code: -32700},
		{name: "repeated by an escape", body: `{"method":"tools/call","params":{"name":"read","n\u0061me":"write"}}`, code: -32700},
		{name: "repeated params", body: `{"method":"tools/call","params":{"name":"read"},"params":{"name":"write"}}`, code: -32700},
		{name: "invalid UTF-8", body: "{\"method\":\"tools/call\",\"params\":{\"name\":\"re\xffad\"}}", code: -32700},
		{name: "half a surrogate", body: `{"method":"tools/call","params":{"name":"\ud800"}}`, code: -32700},
		{name: "byte order mark", body: "\ufeff" + call, code: -32700},

		{name: "Method", body: `{"Method":"tools/call","params":{"name":"read"}}`, code: -32600},
		{name: "Method beside method", body: `{"method":"ping","METHOD":"tools/call","params":{"name":"read"}}`, code: -32600},
		{name: "Params", body: `{"method":"tools/call","Params":{"name":"read"},"params":{"name":"write"}}`, code: -32600},
		{name: "paramſ, which folds to params", body: `{"method":"tools/call","paramſ":{"name":"read"},"params":{"name":"write"}}`, code: -32600},
		{name: "Name", body: `{"method":"tools/call","params":{"name":"read","Name":"write"}}`, code: -32600},

		{name: "method null", body: `{"method":null,"params":{"name":"read"}}`, code: -32600},
		{name: "method a list", body: `{"method":["tools/call"],"params":{"name":"read"}}`, code: -32600},
		{name: "no params", body: `{"method":"tools/call"}`, code: -32602},
		{name: "params null", body: `{"method":"tools/call","params":null}`, code: -32602},
		{name: "params a list", body: `{"method":"tools/call","params":["read"]}`, code: -32602},
		{name: "params a list like a call", body: `{"method":"tools/call","params":["name","read"]}`, code: -32602},
		{name: "no name", body: `{"method":"tools/call","params":{}}`, code: -32602},
		{name: "name empty", body: `{"method":"tools/call","params":{"name":""}}`, code: -32602},
		{name: "name a number", body: `{"method":"tools/call","params":{"name":1}}`, code: -32602},
		{name: "name null", body: `{"method":"tools/call","params":{"name":null}}`, code: -32602},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := parse([]byte(test.body))
			code := 0
			var bad *malformed
			if errors.As(err, &bad) {
				code = bad.code
			} else if err != nil {
				t.Fatalf("error %v is not one of ours", err)
			}
			if code != test.code {
				t.Fatalf("code %d (%v), want %d", code, err, test.code)
			}
			if err == nil && !slices.Equal(m.tools, test.tools) {
				t.Errorf("tools %q, want %q", m.tools, test.tools)
			}
		})
	}
}

func TestParse_listens(t *testing.T) {
	for body, want := range map[string]bool{
		`{"method":"subscriptions/listen"}`:                       true,
		`[{"method":"ping"},{"method":"subscriptions/listen"}]`:   true,
		`[{"method":"subscriptions/listen"},{"method":"ping"}]`:   true,
		`{"method":"tools/call","params":{"name":"listen"}}`:      false,
		`{"id":1,"result":{"method":"subscriptions/listen"}}`:     false,
		`{"method":"ping","params":{"x":"subscriptions/listen"}}`: false,
	} {
		if m, err := parse([]byte(body)); err != nil || m.listens != want {
			t.Errorf("%s: listens %t, error %v, want %t", body, m.listens, err, want)
		}
	}
}

// called returns the tools that a program would call which reads the body with the
// given decoder.
func called(body []byte, unmarshal func([]byte, any) error) (tools []string) {
	var batch []stdjson.RawMessage
	if unmarshal(body, &batch) != nil {
		batch = []stdjson.RawMessage{body}
	}
	for _, one := range batch {
		var m struct {
			Method string `json:"method"`
			Params struct {
				Name string `json:"name"`
			} `json:"params"`
		}
		// A decoder that does not like params has set Method all the same.
		unmarshal(one, &m)
		if m.Method == "tools/call" && m.Params.Name != "" && !slices.Contains(tools, m.Params.Name) {
			tools = append(tools, m.Params.Name)
		}
	}
	return tools
}

// FuzzParse shows that no body is read in two ways: two decoders that differ in how
// they take case, repeated names and the end of the text call what we have decided
// about. The second is that of the SDK, with the SDK's setting.
func FuzzParse(f *testing.F) {
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"id":7}}}`,
		`[{"method":"tools/call","params":{"name":"read"}},{"method":"tools/call","params":{"name":"write"}}]`,
		`{"m\u0065thod":"tools\/call","params":{"name":"\u0072ead"}}`,
		`{"method":"ping","Method":"tools/call","params":{"name":"read"}}`,
		`{"method":"ping","params":{"name":"read"}} {"method":"tools/call","params":{"name":"read"}}`,
		`{"id":1,"result":{}}`, `[]`, `null`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := parse(body)
		if err != nil {
			return
		}
		if got := called(m.body, stdjson.Unmarshal); !slices.Equal(got, m.tools) {
			t.Errorf("%q: encoding/json calls %q, we decide about %q", body, got, m.tools)
		}
		got := called(m.body, func(data []byte, v any) error {
			d := segmentio.NewDecoder(bytes.NewReader(data))
			d.DontMatchCaseInsensitiveStructFields()
			return d.Decode(v)
		})
		if !slices.Equal(got, m.tools) {
			t.Errorf("%q: the SDK calls %q, we decide about %q", body, got, m.tools)
		}
		if len(m.body) > len(body) || strings.ContainsAny(string(m.body), "\n\r") {
			t.Errorf("%q became %q", body, m.body)
		}
	})
}
