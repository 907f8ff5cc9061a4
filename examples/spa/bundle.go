package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	installTimeout = 5 * time.Minute
	bundleTimeout  = time.Minute
	stopTimeout    = 5 * time.Second
)

// bundle makes one script of web/app.js and the packages that it imports. It stays
// in memory: a file could be older than what it was made of.
func bundle(ctx context.Context, stderr io.Writer) ([]byte, error) {
	if err := install(ctx, stderr); err != nil {
		return nil, err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, fmt.Errorf("node not found (%w): install Node.js 20.19 or newer", err)
	}
	ctx, cancel := context.WithTimeout(ctx, bundleTimeout)
	defer cancel()
	// bin/esbuild finds the program that npm installed for this platform; it needs no
	// install script.
	cmd := exec.CommandContext(ctx, node, filepath.Join("node_modules", "esbuild", "bin", "esbuild"),
		"web/app.js", "--bundle", "--format=esm", "--target=es2022", "--minify", "--legal-comments=none", "--log-level=warning")
	var script, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &script, &complaints
	cmd.WaitDelay = stopTimeout
	killWithGroup(cmd)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("esbuild: %w; it printed:\n%s", err, complaints.String())
	}
	return script.Bytes(), nil
}

// install runs npm ci in the current directory, which must be the example's, unless
// node_modules is already what package-lock.json asks for.
func install(ctx context.Context, stderr io.Writer) error {
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		return fmt.Errorf("run this in the directory of the example, with go -C examples/spa run . (%w)", err)
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
	fmt.Fprintln(stderr, "installing the packages of package-lock.json (npm ci)")
	cmd := exec.CommandContext(ctx, npm, "ci")
	cmd.WaitDelay = stopTimeout
	killWithGroup(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w; it printed:\n%s", err, out)
	}
	return nil
}
