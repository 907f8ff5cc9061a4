// Package migration_test holds what the tables of README.md print on our side.
package migration_test

import (
	"fmt"
	"go/scanner"
	"go/token"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// pool signs the tokens of the examples; transport has its keys, in place of the
// network. Its clock stands at noon.
var (
	pool = cognitotest.NewPool(tb{}, cognitotest.Options{
		ID:        "eu-west-1_EXAMPLE01",
		ClientIDs: []string{"1web", "2mobile"},
		InProcess: true,
		Now:       now,
	})
	transport = pool.Client().Transport
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// tb stands for the *testing.T of a test.
type tb struct{}

func (tb) Helper()                        {}
func (tb) Cleanup(func())                 {}
func (tb) Fatalf(format string, a ...any) { log.Panicf(format, a...) }

// middleware is New of a configuration that has no mistakes, with the keys and
// the clock of the examples.
func middleware(cfg cognitoauth.Config) *cognitoauth.Middleware {
	cfg.HTTPClient, cfg.Now = &http.Client{Transport: transport}, now
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Panic(err)
	}
	return auth
}

// hello greets whoever calls.
var hello http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if claims, ok := cognitoauth.FromContext(r.Context()); ok {
		name = claims.Username
	}
	fmt.Fprintln(w, "hello", name)
})

// get calls h with a token, unless it is nil, and prints status and body, or the
// code of a refusal.
func get(h http.Handler, path string, token *cognitotest.Token) {
	r := httptest.NewRequest("GET", path, nil)
	if token != nil {
		r.Header.Set("Authorization", "Bearer "+token.String())
	}
	send(h, r)
}

func send(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text := strings.TrimSpace(w.Body.String())
	if _, code, refused := strings.Cut(text, `"code":"`); refused {
		text, _, _ = strings.Cut(code, `"`)
	}
	fmt.Println(strings.TrimSpace(fmt.Sprint(w.Code, " ", text)))
}

// tokens are the Go tokens of a text, without comments, and without the commas
// and semicolons that only the division into lines asks for. A text that is not
// made of Go tokens has none.
func tokens(text string) (all []string) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), nil, 0)
	for {
		_, kind, literal := s.Scan()
		switch {
		case kind == token.EOF:
			return all
		case kind == token.ILLEGAL:
			return nil
		case kind == token.SEMICOLON && literal == "\n":
			continue
		case (kind == token.RBRACE || kind == token.RPAREN) && len(all) > 0 && all[len(all)-1] == ",":
			all = all[:len(all)-1]
		}
		if literal == "" {
			literal = kind.String()
		}
		all = append(all, literal)
	}
}

// source is the Go code of this directory.
func source(t *testing.T) (all []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) < 4 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, tokens(string(text))...)
	}
	return all
}

// stands reports whether a piece of code of at least three tokens, so that no
// single name counts, is part of the source.
func stands(fragment string, source []string) bool {
	want := tokens(fragment)
	for i := range source {
		if len(want) >= 3 && len(source)-i >= len(want) && slices.Equal(source[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

var code = regexp.MustCompile("`([^`]+)`")

// What the column "here" prints is compiled, and nearly all of it is run by the
// examples of this directory.
func TestOurSideIsCompiled(t *testing.T) {
	source := source(t)
	for _, wrong := range []string{"cognitoauth.New(cfg, option)", "Leeway", "Output: 200", "…", ""} {
		if stands(wrong, source) {
			t.Fatalf("%q is found, so this test finds nothing out", wrong)
		}
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	heads, rows, fragments := 0, 0, 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		switch {
		case strings.Trim(line, "|- \n") == "":
			continue
		case len(cells) != 3:
			t.Errorf("%d columns: %s", len(cells), line)
			continue
		case strings.TrimSpace(cells[1]) == "here":
			heads++
			continue
		}
		rows++
		found := code.FindAllStringSubmatch(cells[1], -1)
		for _, m := range found {
			fragments++
			if !stands(m[1], source) {
				t.Errorf("nothing compiles `%s`", m[1])
			}
		}
		if rest := strings.Trim(code.ReplaceAllString(cells[1], ""), " ,"); len(found) == 0 && rest != "nothing" || len(found) > 0 && rest != "" {
			t.Errorf("%q: expected code, or the word nothing", cells[1])
		}
	}
	if heads != 4 || rows < 45 || fragments < 45 {
		t.Errorf("%d tables, %d rows, %d pieces of code", heads, rows, fragments)
	}
}
