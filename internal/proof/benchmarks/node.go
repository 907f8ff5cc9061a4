package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Peers that are not in Go: each is a process of Node.js that lives as long as the
// run, verifies when it is told to, and measures that by its own clock. So it has
// its slots in the same rounds as everybody else, and the pipe to it is in no time.

const (
	nodeFolder     = "node"
	installTimeout = 3 * time.Minute
)

// about is what a Node.js process tells of itself.
type about struct {
	Node     string   `json:"node"`
	OpenSSL  string   `json:"openssl"`
	Versions []string `json:"versions"` // of the packages that are measured
}

// nodeInfo is what Node.js the peers ran with, or why they did not run.
type nodeInfo struct {
	Version string `json:"version,omitempty"`
	OpenSSL string `json:"openssl,omitempty"`
	LeftOut string `json:"left_out,omitempty"`
}

// measured tells whether they ran.
func (n *nodeInfo) measured() bool { return n != nil && n.LeftOut == "" }

func (n *nodeInfo) String() string {
	switch {
	case n == nil:
		return "The peers on Node.js were not part of this run."
	case n.LeftOut != "":
		return "The peers on Node.js were left out: " + n.LeftOut + "."
	}
	return fmt.Sprintf("Peers on Node.js ran with Node.js %s and its OpenSSL %s.", n.Version, n.OpenSSL)
}

// missing says why peers on Node.js cannot run here. It is no fault of theirs, so
// a run goes on without them.
type missing struct{ why string }

func (m missing) Error() string { return m.why }

// node gives the command of Node.js and sees to it that the packages are there.
func node(ctx context.Context) (string, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return "", missing{"found no node in PATH, install Node.js 20.19 or newer"}
	}
	return node, install(ctx, nodeFolder)
}

// install runs npm ci in the folder, unless its node_modules already are what the
// lock file asks for. node_modules is no part of the repository.
func install(ctx context.Context, folder string) error {
	lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("run this in the folder of the benchmarks: %w", err)
	}
	// npm writes this file last, so an installation that was cut short does not count.
	installed, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return missing{"found no npm in PATH to install the packages with, install npm"}
	}
	ctx, cancel := context.WithTimeout(ctx, installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir, cmd.WaitDelay = folder, stopTimeout
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Fields(string(out))
		return missing{fmt.Sprintf("npm ci could not install the packages (%v: %.300s)", err, strings.Join(lines, " "))}
	}
	return nil
}

// nodePeers starts the peers and makes a contender of each.
func (f *field) nodePeers(ctx context.Context) ([]contender, error) {
	program, err := node(ctx)
	if why, ok := errors.AsType[missing](err); ok {
		f.node = &nodeInfo{LeftOut: why.Error()}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := []contender{
		{key: "aws-jwt-verify", name: "aws-jwt-verify", as: "`verifySync` of a `CognitoJwtVerifier`"},
		{key: "fast-jwt", name: "fast-jwt", as: "`createVerifier`, one fixed key"},
		{key: "fast-jwt-cache", name: "fast-jwt", as: "the same with its cache, token seen before"},
	}
	for i := range all {
		c := &all[i]
		process, who, err := startNode(ctx, program, c.key, placeOf(f.pool))
		if err != nil {
			return nil, err
		}
		f.children = append(f.children, process)
		f.node = &nodeInfo{Version: who.Node, OpenSSL: who.OpenSSL}
		c.version, c.oneCPU = "v"+who.Versions[0], true
		c.worker = process.verdict(ctx)
		c.loop = func(token string, n int) (time.Duration, error) {
			return process.nanoseconds(ctx, "time "+strconv.Itoa(n)+" "+token, "took")
		}
	}
	return all, nil
}

func startNode(ctx context.Context, program, peer string, at place) (*child, about, error) {
	cmd := exec.CommandContext(ctx, program, "--expose-gc", "verify.mjs", peer)
	cmd.Dir = nodeFolder
	process, word, rest, err := startChild(ctx, peer, cmd, at)
	if err != nil {
		return nil, about{}, err
	}
	who, err := aboutOf(word, rest, "ready", 1)
	if err != nil {
		process.stop()
		return nil, who, fmt.Errorf("%s: %w", peer, err)
	}
	return process, who, nil
}

// aboutOf reads what a process tells of itself, with so many versions.
func aboutOf(word, rest, want string, versions int) (who about, err error) {
	if word == want {
		err = json.Unmarshal([]byte(rest), &who)
	}
	if err != nil || who.Node == "" || who.OpenSSL == "" || len(who.Versions) != versions {
		return who, fmt.Errorf("answered %.200q, expected %q and what it is", word+" "+rest, want)
	}
	return who, nil
}

// verdict asks the process about one token.
func (c *child) verdict(ctx context.Context) func(token string) func() error {
	return func(token string) func() error {
		return func() error {
			word, rest, err := c.ask(ctx, "verify "+token)
			if err != nil {
				return broken{err}
			}
			if word != "accepted" {
				return fmt.Errorf("%s: %s %s", c.name, word, rest)
			}
			return nil
		}
	}
}
