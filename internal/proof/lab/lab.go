// Package lab holds what the tests of the library and the suites beside this
// package share: a Middleware with all that it tells ([Gate]), one whose key
// endpoint can fail ([Keys]), a server behind raw sockets ([Origin]), and the
// files of the module.
package lab

import (
	"bytes"
	"crypto/fips140"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/vectors/corpus"
)

// Path is the path of a file of this module, whichever package the test is of.
// The name is relative to the root, with slashes.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, filepath.FromSlash(name))
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod in this folder or above it")
		}
		dir = up
	}
}

// Text is the text of a file of this module; [Path] says what its name is.
func Text(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Sources are the names of the files of the library itself, without its tests.
func Sources(t testing.TB) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(Path(t, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			names = append(names, filepath.Base(path))
		}
	}
	if len(names) == 0 {
		t.Fatal("the library has no files")
	}
	return names
}

// VectorDir is where the vectors are; [Path] says what such a name is.
const VectorDir = "testdata/vectors"

// Vectors reads every file of vectors, strictly.
func Vectors(t testing.TB) map[string]corpus.File {
	t.Helper()
	paths, err := filepath.Glob(Path(t, VectorDir+"/*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no vectors in %s: %v", VectorDir, err)
	}
	files := map[string]corpus.File{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		var f corpus.File
		if err := d.Decode(&f); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
			t.Fatalf("%s: text after the object: %.40q", path, rest)
		}
		files[filepath.Base(path)] = f
	}
	return files
}

// StandardRS256 reports whether crypto/rsa has to verify all signatures, and not
// package rs256: in FIPS 140-3 mode, with GOEXPERIMENT=boringcrypto, and with the
// build tag cognitoauth_stdrsa.
func StandardRS256() bool {
	info, _ := debug.ReadBuildInfo()
	return fips140.Enabled() || slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool {
		values := strings.Split(s.Value, ",")
		return s.Key == "GOEXPERIMENT" && slices.Contains(values, "boringcrypto") ||
			s.Key == "-tags" && slices.Contains(values, "cognitoauth_stdrsa")
	})
}

// RaceDetector reports whether the test was built with -race.
func RaceDetector() bool {
	info, _ := debug.ReadBuildInfo()
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
