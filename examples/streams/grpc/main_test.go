package main

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
)

// The README shows what the program prints.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // fails only what hangs
	defer cancel()
	var out bytes.Buffer
	if err := run(ctx, &out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("```text\n"), out.Bytes()...)) {
		t.Errorf("the README does not show this:\n%s", &out)
	}
}
