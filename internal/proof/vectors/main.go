// Command vectors writes the files of testdata/vectors from the tables of the
// package corpus and the keys of testdata/keys. Run it from the root of the
// module after a change of a table:
//
//	go run ./internal/proof/vectors
//
// With -check it writes nothing and fails if a file would change.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cognitoauth/cognitoauth/internal/proof/vectors/corpus"
)

func main() {
	log.SetFlags(0)
	root := flag.String("root", ".", "the root of the module")
	check := flag.Bool("check", false, "compare with the files instead of writing them")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		log.Fatal("vectors: ", err)
	}
}

func run(root string, check bool) error {
	files, err := corpus.Build(os.DirFS(filepath.Join(root, "testdata", "keys")))
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "testdata", "vectors")
	if check {
		return compare(dir, files)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
		fmt.Printf("%-18s %4d cases %8d bytes\n", name, bytes.Count(files[name], []byte("\n{\"name\":")), len(files[name]))
	}
	return nil
}

func compare(dir string, files map[string][]byte) error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			faults = append(faults, err)
		} else if !bytes.Equal(have, files[name]) {
			faults = append(faults, fmt.Errorf("%s is out of date", name))
		}
	}
	return errors.Join(faults...)
}
