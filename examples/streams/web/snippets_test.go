package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// page runs a snippet of the README as a browser would: its WebSocket,
// EventSource and fetch are those of Node.js, at the address of the test. It
// prints what it sees, and ends when the stream does.
const page = `
const { BASE: base, TOKEN: token, SNIPPET: snippet } = process.env;
const here = (url) => new URL(String(url).replace("wss://api.example", base.replace("http", "ws")), base);
class Socket extends WebSocket { constructor(url, protocols) { super(here(url), protocols); } }
class Events extends EventSource { constructor(url) { super(here(url)); } }
const run = Object.getPrototypeOf(async () => {}).constructor;
const opened = await new run("WebSocket", "EventSource", "fetch", "token", "say",
	snippet + "\nreturn typeof socket === 'undefined' ? { events } : { socket }")
	(Socket, Events, (url, options) => fetch(here(url), options), token, console.log);

if (opened.socket) {
	const { socket } = opened;
	socket.addEventListener("open", () => { console.log("opened with", socket.protocol); socket.send("hello"); });
	socket.addEventListener("message", (e) => console.log(e.data));
	socket.addEventListener("close", (e) => console.log("closed with", e.code));
} else {
	const { events } = opened;
	events.addEventListener("message", (e) => { if (e.data === "event 1 for jane") console.log(e.data); });
	events.addEventListener("expired", (e) => { console.log(e.data); console.log("closed", events.readyState === EventSource.CLOSED); });
	events.addEventListener("error", () => { console.log("error"); events.close(); });
}
`

// The snippets of the README do what it says. Without Node.js this fails: a
// snippet that nobody runs is one that does not run.
func TestSnippets(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("install Node.js 20.19 or newer: %v", err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	snippets := regexp.MustCompile("(?ms)^```js\n(.*?)^```$").FindAllSubmatch(readme, -1)
	if len(snippets) != 2 {
		t.Fatalf("%d snippets, want one for a WebSocket and one for events", len(snippets))
	}
	const reopen = "/* get a new token, open again */"
	if !bytes.Contains(snippets[0][1], []byte(reopen)) {
		t.Fatalf("nothing is done when the socket closes:\n%s", snippets[0][1])
	}
	for i, want := range [][]string{
		{"opened with chat.v1", "jane: hello", "to open again", "closed with 4001"},
		{"event 1 for jane", "token_expired", "closed true"},
	} {
		t.Run(want[0], func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			token := s.pool.AccessToken()
			s.stop(token, 3*time.Second) // however long Node.js takes to start
			cmd := exec.CommandContext(within(t), node, "--experimental-websocket", "--experimental-eventsource", "--input-type=module", "-")
			cmd.Stdin = strings.NewReader(page)
			cmd.Env = append(os.Environ(), "BASE="+s.base, "TOKEN="+token.String(),
				"SNIPPET="+strings.Replace(string(snippets[i][1]), reopen, `say("to open again")`, 1))
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if got := strings.Split(strings.TrimSpace(out.String()), "\n"); err != nil || !slices.Equal(got, want) {
				t.Errorf("prints %q, %v; want %q\n%s", got, err, want, &errs)
			}
		})
	}
}
