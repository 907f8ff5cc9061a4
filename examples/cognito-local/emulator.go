package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

const (
	installTimeout = 5 * time.Minute
	startTimeout   = time.Minute
	stopTimeout    = 5 * time.Second
)

// emulatorConfig makes the emulator listen on port 0, so that the kernel picks
// a free one: a port that we picked could be taken before it listens.
//
//go:embed config.json
var emulatorConfig []byte

// issuerDomain begins the iss of every token; config.json sets it. It names
// the emulator's usual port and not the one it got, as behind a mapped
// container port, so an API needs to be told both the issuer and the address
// of the key set.
const issuerDomain = "http://localhost:9229"

// emulator is a running cognito-local.
type emulator struct {
	URL string

	transcript *transcript
	kill       context.CancelFunc
	exited     <-chan error
}

// startEmulator starts cognito-local with the given configuration and returns
// once it listens. Its state lives below the directory state. Whatever it
// printed is part of the error if it does not come up.
func startEmulator(ctx context.Context, config []byte, state string) (*emulator, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("node not found (%w): install Node.js 20.19 or newer", err)
	}
	launcher, err := filepath.Abs("launch.js")
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(state, ".cognito"), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(state, ".cognito", "config.json"), config, 0o600); err != nil {
		return nil, err
	}

	ctx, kill := context.WithCancel(ctx)
	e := &emulator{transcript: newTranscript(), kill: kill}
	cmd := exec.CommandContext(ctx, node, launcher)
	cmd.Dir = state
	cmd.Stdout, cmd.Stderr = e.transcript, e.transcript
	cmd.WaitDelay = stopTimeout
	killWithGroup(cmd)
	// launch.js ends the emulator when this pipe does.
	if _, err := cmd.StdinPipe(); err != nil {
		kill()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		kill()
		return nil, fmt.Errorf("starting cognito-local: %w", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	e.exited = exited
	if err := e.await(); err != nil {
		return nil, err
	}
	return e, nil
}

// await returns when the emulator has said where it listens. An emulator that
// does not say so is stopped.
func (e *emulator) await() error {
	timeout := time.NewTimer(startTimeout)
	defer timeout.Stop()
	select {
	case e.URL = <-e.transcript.listening:
		return nil
	case err := <-e.exited:
		e.kill()
		return fmt.Errorf("cognito-local ended before it listened (%v); it printed:\n%s", err, e.transcript)
	case <-timeout.C:
		e.stop()
		return fmt.Errorf("cognito-local does not listen after %v; it printed:\n%s", startTimeout, e.transcript)
	}
}

// stop kills the emulator and returns when it is gone.
func (e *emulator) stop() {
	e.kill()
	<-e.exited
}

// transcript keeps what the emulator prints and looks for the address it
// listens on.
type transcript struct {
	listening chan string // gets one value

	mu    sync.Mutex
	text  bytes.Buffer
	found bool
}

// The digits are followed by an escape sequence or the end of the line; to
// demand it guards against an address that is still being written.
var listeningAt = regexp.MustCompile(`running on (http://127\.0\.0\.1:\d+)[^\d]`)

func newTranscript() *transcript {
	return &transcript{listening: make(chan string, 1)}
}

// Write implements io.Writer.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if t.found {
		return len(p), nil
	}
	if m := listeningAt.FindSubmatch(t.text.Bytes()); m != nil {
		t.found = true
		t.listening <- string(m[1])
	}
	return len(p), nil
}

// String returns all that was written.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// install runs npm ci in the current directory, which must be the example's,
// unless node_modules is already what package-lock.json asks for.
func install(ctx context.Context) error {
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		return fmt.Errorf("run this in the directory of the example: %w", err)
	}
	// npm writes this file last, so an interrupted install does not count.
	installed, err := os.Stat(filepath.Join("node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("npm not found (%w): install Node.js 20.19 or newer, which brings npm", err)
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	fmt.Fprintln(os.Stderr, "installing the packages of package-lock.json (npm ci)")
	cmd := exec.CommandContext(ctx, npm, "ci")
	cmd.WaitDelay = stopTimeout
	killWithGroup(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w; it printed:\n%s", err, out)
	}
	return nil
}
