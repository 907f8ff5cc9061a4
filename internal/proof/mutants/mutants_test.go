package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	guard  = "testdata/guard"
	layers = "testdata/layers"
	every  = "testdata/every"
)

// wanted reads the comments "want: condition → value; …" of the package in dir.
func wanted(t *testing.T, s *source) (all []string) {
	t.Helper()
	for _, f := range s.files {
		for i, line := range strings.Split(string(f.text), "\n") {
			_, list, found := strings.Cut(line, "// want: ")
			if !found {
				continue
			}
			for want := range strings.SplitSeq(list, "; ") {
				all = append(all, fmt.Sprintf("%s:%d: %s", f.name, i+1, want))
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("the package wants nothing")
	}
	return all
}

func TestFind(t *testing.T) {
	for _, dir := range []string{guard, layers, every} {
		t.Run(filepath.Base(dir), func(t *testing.T) { testFind(t, dir) })
	}
}

func testFind(t *testing.T, dir string) {
	s, err := load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	want := wanted(t, s)
	column := regexp.MustCompile(`^(\S+:\d+):\d+`)
	for i, m := range find(s, dir == every) {
		if m.id != i+1 {
			t.Errorf("%v has number %d, want %d", m, m.id, i+1)
		}
		line := column.ReplaceAllString(m.String(), "$1")
		if at := slices.Index(want, line); at >= 0 {
			want = slices.Delete(want, at, at+1)
		} else {
			t.Errorf("not wanted: %s", line)
		}
	}
	for _, line := range want {
		t.Errorf("not found: %s", line)
	}
}

// run is the program's output and error.
func run(t *testing.T, o options) (lines []string, err error) {
	t.Helper()
	if o.dir == "" {
		o.dir = guard
	}
	o.workers = 2
	var out strings.Builder
	err = mutate(t.Context(), o, &out)
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"), err
}

func TestMutate(t *testing.T) {
	lines, err := run(t, options{verbose: true, grace: 2 * time.Second,
		run: `guard\.go:(1[0-9]|[4-9][0-9]|16[0-9]|17[0-9]):|result\.go:(11|15|18):`})
	if err == nil {
		t.Error("survivors are no error")
	}
	for _, want := range []string{
		`^guard\.go:15:5: n < 0 → false: killed by TestGuard$`,
		`^guard\.go:18:5: n != 0 → true: killed by TestGuard$`,
		`^guard\.go:54:12: "b" → never: SURVIVED, though reached by TestKind$`, // the default refuses it, too
		`^guard\.go:58:7: "d" → always: killed by TestKind$`,
		`^guard\.go:59:2: default → never: killed by TestKind$`,
		`^guard\.go:64:18: s == "df" → false: SURVIVED, no test gets to where it would make a difference$`,
		`^guard\.go:72:7: nil → never: killed by TestType$`,
		`^guard\.go:80:7: error → never: killed by TestType$`,
		`^guard\.go:90:2: case err := <-failed → never: killed by TestWait$`, // which hangs
		`^guard\.go:167:19: s != "bad" → true: killed by TestMust$`,
		`^result\.go:11:5: n == 7 → false: killed by TestRun$`,
		`^result\.go:15:5: n < -100 → false: excepted: nothing is done with a small number$`,
		`^result\.go:18:5: n == 8 → false: SURVIVED, though reached by TestRun$`,
		`^result\.go:18:15: n == 11 → false: killed by TestRun$`,
		`^result\.go:18: not equivalent: TestRun kills n == 11 → false$`,
	} {
		if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
			t.Errorf("no line is %s", want)
		}
	}
	sum := regexp.MustCompile(`^mutants: (\d+) of (\d+) run, (\d+) killed, (\d+) survived, 1 excepted, in \d+s$`)
	if !sum.MatchString(lines[len(lines)-1]) {
		t.Errorf("the last line is %s", lines[len(lines)-1])
	}
	if t.Failed() {
		t.Fatal(strings.Join(lines, "\n"))
	}
}

// The mechanism packages are tested with the main one, by all tests that reach
// them wherever they stand, those of a sample included; kit, proof and the sample
// itself are not.
func TestMutate_layers(t *testing.T) {
	lines, err := run(t, options{dir: layers, verbose: true, grace: 2 * time.Second})
	if err == nil {
		t.Error("survivors are no error")
	}
	want := []string{
		"internal/part/part.go:17:5: s == \"\" → false: killed by TestCheck", // it crashes
		"internal/part/part.go:20:25: fault != None → false: killed by internal/proof/suite.TestSuite",
		"internal/part/part.go:27:5: strings.Contains(s, \"odd\") → false: killed by internal/proof/suite.TestSuite",
		"internal/part/part.go:34:5: s == \"bad\" → false: killed by internal/sample.TestSample",
		"internal/part/part.go:41:9: len(s) < 9 → true: killed by internal/part.TestSmall",
		"internal/part/part.go:53:9: c.value != c.none → true: SURVIVED, no test gets to where it would make a difference",
		"layers.go:15:28: fault != part.None → false: killed by internal/proof/suite.TestSuite",
		"layers.go:18:6: part.Small(s) → true: killed by internal/proof/suite.TestSuite",
		"layers.go:22:16: c.Full() → true: SURVIVED, no test gets to where it would make a difference",
	}
	got := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.HasPrefix(line, "mutants: ") })
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "mutants: 9 of 9 run, 7 killed, 2 survived, 0 excepted, in ") {
		t.Errorf("the last line is %s", last)
	}
}

func TestMutate_budget(t *testing.T) {
	lines, err := run(t, options{budget: time.Nanosecond})
	if err == nil {
		t.Errorf("a budget of nothing sufficed:\n%s", strings.Join(lines, "\n"))
	}
}

// What the budget did not suffice for is told, and is a failure only if it sufficed
// for nothing; a survivor always is one.
func TestReport_budget(t *testing.T) {
	killed, survived := verdict{done: true, killer: "TestRun"}, verdict{done: true, mutant: &mutant{file: &file{}}}
	for _, row := range []struct {
		name     string
		verdicts []verdict
		last     string
		fails    bool
	}{
		{"all run", []verdict{killed, killed}, "mutants: 2 of 2 run, 2 killed", false},
		{"some run", []verdict{killed, {}, {}}, "mutants: 1 of 3 run, 1 killed", false},
		{"none run", []verdict{{}, {}}, "mutants: 0 of 2 run, 0 killed", true},
		{"a survivor among some", []verdict{killed, survived, {}}, "mutants: 2 of 3 run, 1 killed, 1 survived", true},
	} {
		var out strings.Builder
		r := report{out: &out, start: time.Now()}
		for _, v := range row.verdicts {
			if !v.done {
				r.missed++
			}
			r.verdicts = append(r.verdicts, &v)
		}
		err := r.print(false)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if (err != nil) != row.fails || !strings.HasPrefix(lines[len(lines)-1], row.last) {
			t.Errorf("%s: error %v, %q", row.name, err, lines)
		}
	}
}

func TestMutate_failingTests(t *testing.T) {
	t.Setenv("GUARD_FAILS", "yes")
	if _, err := run(t, options{}); err == nil || !strings.Contains(err.Error(), "without a mutant") {
		t.Errorf("tests that fail without a mutant: %v", err)
	}
}

// An adapter may have no condition at all, but a package whose refusals we look for must
// have some, or we look in the wrong place.
func TestMutate_noCondition(t *testing.T) {
	none := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/none\n", "none.go": "package none\n"} {
		if err := os.WriteFile(filepath.Join(none, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if lines, err := run(t, options{dir: none}); err == nil {
		t.Errorf("no error: %q", lines)
	}
	if lines, err := run(t, options{dir: none, every: true}); err != nil || !strings.HasPrefix(lines[0], "mutants: 0 of 0 run") {
		t.Errorf("%v, %q", err, lines)
	}
}

func TestMutate_noSuchMutant(t *testing.T) {
	if _, err := run(t, options{run: `^guard_test\.go:`}); err == nil {
		t.Error("flags that no mutant fits are no error")
	}
}

func TestExceptions(t *testing.T) {
	lines, err := run(t, options{dir: "testdata/exceptions", list: true})
	if err == nil || !strings.HasPrefix(err.Error(), "5 ") {
		t.Errorf("error %v, want 5 wrong exceptions", err)
	}
	for _, want := range []string{
		"exceptions.go:17: an exception is written ",
		"exceptions.go:20: an exception is written ",
		"exceptions.go:23: line 23 has several such mutants",
		"exceptions.go:26: there is no such mutant on line 26",
		"exceptions.go:29: there is no such mutant on line 29",
	} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, want) }) {
			t.Errorf("no line begins with %s", want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(lines, "\n"))
	}
}

func TestExceptions_areAboutOneMutant(t *testing.T) {
	s, err := load(t.Context(), "testdata/exceptions")
	if err != nil {
		t.Fatal(err)
	}
	found, _ := exceptions(s, find(s, false))
	var got []string
	for _, e := range found {
		for _, m := range e.mutants {
			got = append(got, fmt.Sprintf("%v because %s", m, e.reason))
		}
	}
	want := []string{
		"exceptions.go:9:5: n == 1 → false because one is never given",
		"exceptions.go:14:5: n == 2 → false because two is never given,",
		"exceptions.go:30:16: n == 11 → false because eleven is never given",
	}
	if !slices.Equal(got, want) {
		t.Errorf("exceptions:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "module", "inner")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	names := []string{"same.go", "committed.go", "edited.go", "new.go"}
	check := func(when string, want ...string) {
		t.Helper()
		files, err := changed(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !files(name) }); !slices.Equal(got, want) {
			t.Errorf("%s: changed are %q, want %q", when, got, want)
		}
	}
	check("outside of a repository", names...)

	git("init", "-q", "..")
	for _, name := range names[:3] {
		write(name, "package inner\n")
	}
	git("add", ".")
	git("commit", "-q", "-m", "first")
	check("without a tag", names...)

	git("tag", "v1.0.0")
	check("at the tag")
	write("committed.go", "package inner // 2\n")
	git("commit", "-q", "-a", "-m", "second")
	write("edited.go", "package inner // 2\n")
	write("new.go", "package inner\n")
	check("after the tag", "committed.go", "edited.go", "new.go")
}
