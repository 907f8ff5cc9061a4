package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// child is another process that is measured: a peer that is not in Go, or a whole
// server. It is spoken to by lines. The first line to it is a place in JSON, and it
// answers what it is; afterwards it answers every line with one of its own, whose
// first word says what it is. It ends when its stdin does, so that none is left
// behind by a run that was killed.
type child struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	said *tail // on stderr

	mu sync.Mutex // one question at a time
}

const (
	startTimeout  = 30 * time.Second
	answerTimeout = time.Minute
	stopTimeout   = 5 * time.Second
)

// place is what an API has to know of its pool. Children in Go fetch the key set
// from its URL; those in Node.js get it with the place, and fetch nothing.
type place struct {
	ID       string          `json:"id"`
	ClientID string          `json:"clientID"`
	Issuer   string          `json:"issuer"`
	JWKSURL  string          `json:"jwksURL"`
	KeySet   json.RawMessage `json:"keySet"`
	KeyID    string          `json:"kid"` // that signs
}

func placeOf(pool *cognitotest.Pool) place {
	return place{ID: pool.ID(), ClientID: pool.ClientID(), Issuer: pool.Issuer(), JWKSURL: pool.JWKSURL(),
		KeySet: pool.KeySet(), KeyID: tokenOf(pool).KeyID()}
}

// startChild starts a process and gives what it answers to the place.
func startChild(ctx context.Context, name string, cmd *exec.Cmd, at place) (c *child, word, rest string, err error) {
	c = &child{name: name, cmd: cmd, said: new(tail)}
	cmd.Stderr, cmd.WaitDelay = c.said, stopTimeout
	if c.in, err = cmd.StdinPipe(); err != nil {
		return nil, "", "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", "", err
	}
	c.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		return nil, "", "", fmt.Errorf("%s: %w", name, err)
	}
	line, err := json.Marshal(at)
	if err == nil {
		word, rest, err = c.askWithin(ctx, startTimeout, string(line))
	}
	if err != nil {
		c.stop()
		return nil, "", "", err
	}
	return c, word, rest, nil
}

// ask sends a line and gives the first word of the answer, and the rest of it.
func (c *child) ask(ctx context.Context, line string) (word, rest string, err error) {
	return c.askWithin(ctx, answerTimeout, line)
}

func (c *child) askWithin(ctx context.Context, limit time.Duration, line string) (word, rest string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
	defer cancel()
	// A child that hangs is of no use afterwards; its end is the end of the read.
	defer context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })()
	if _, err = io.WriteString(c.in, line+"\n"); err == nil {
		line, err = c.out.ReadString('\n')
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", c.name, errors.Join(context.Cause(ctx), err, c.said.err()))
	}
	if word, rest, err = parseAnswer(line); err != nil {
		return "", "", fmt.Errorf("%s: %w", c.name, err)
	}
	return word, rest, nil
}

// answers are the words that a child may begin a line with.
var answers = []string{"ready", "accepted", "refused", "took", "listening", "cpu"}

func parseAnswer(line string) (word, rest string, err error) {
	line, ended := strings.CutSuffix(line, "\n")
	word, rest, _ = strings.Cut(line, " ")
	if !ended || !slices.Contains(answers, word) {
		return "", "", fmt.Errorf("answered %.200q, expected a line that begins with one of %q", line, answers)
	}
	return word, rest, nil
}

// nanoseconds asks for a time: the answer has to be that word and a number of
// nanoseconds.
func (c *child) nanoseconds(ctx context.Context, line, want string) (time.Duration, error) {
	word, rest, err := c.ask(ctx, line)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if word != want || err != nil || n < 0 {
		return 0, fmt.Errorf("%s: answered %.200q, expected %q and nanoseconds", c.name, word+" "+rest, want)
	}
	return time.Duration(n), nil
}

// stop ends the process: by the end of its stdin, and if that is not enough, by
// force. It may be called more than once.
func (c *child) stop() {
	_ = c.in.Close()
	kill := time.AfterFunc(stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	_ = c.cmd.Wait()
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// err is nil if nothing was written.
func (t *tail) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := bytes.TrimSpace(t.text); len(text) > 0 {
		return fmt.Errorf("it printed: %s", text)
	}
	return nil
}
