package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func committed(t *testing.T) results {
	t.Helper()
	r, err := loadResults(resultsFile)
	if err != nil {
		t.Fatal(err)
	}
	if r.Speed == nil || r.Scale == nil {
		t.Fatalf("%s lacks a part: run both commands with -write", resultsFile)
	}
	return r
}

// What stands in the README files is what a run has written.
func TestTablesAreThoseOfTheResults(t *testing.T) {
	for _, d := range committed(t).documents() {
		if err := d.check(); err != nil {
			t.Error(err)
		}
	}
}

// The results are of the contenders that there are. Of a module that is newer by
// now, the table names the version that was measured.
func TestResultsAreOfTheseContenders(t *testing.T) {
	node := committed(t).Speed.Node
	f, err := newField()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	var have, want []string
	for _, c := range f.contenders {
		if c.loop == nil || node.measured() {
			want = append(want, row{Name: c.name, As: c.as}.label())
		}
	}
	for _, r := range committed(t).Speed.Rows {
		if r.Elsewhere || slices.ContainsFunc(f.contenders, func(c contender) bool { return c.key == r.Key && len(c.modules) > 0 }) {
			if r.Version == "" {
				t.Errorf("%s: no version", r.Key)
			}
			r.Version = ""
		}
		have = append(have, r.label())
	}
	if !slices.Equal(have, want) {
		t.Errorf("results of\n%s\nexpected\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	for _, c := range f.contenders {
		if got := strings.Fields(versions(c.modules)); len(got) != len(c.modules) {
			t.Errorf("%s: versions %q of %q", c.key, got, c.modules)
		}
		if c.loop != nil && c.versions() == "" {
			t.Errorf("%s: no version", c.key)
		}
	}
}

func TestBlockOfTheLibrarysREADME(t *testing.T) {
	r := committed(t)
	block := r.readmeBlock()
	rows := strings.Count(block, "\n|") + 1 - 2
	if rows != 5 {
		t.Errorf("%d rows", rows)
	}
	if head, _, _ := strings.Cut(block, "\n"); !strings.Contains(head, "(µs)") || strings.Contains(block, "must be") {
		t.Errorf("the heading has to name the unit, and our own targets belong elsewhere: %s", head)
	}
	for _, want := range []string{r.Speed.Command, r.Speed.Date, r.Speed.Machine} {
		if want == "" || !strings.Contains(block, want) {
			t.Errorf("%q is not in it", want)
		}
	}
	for _, c := range shown {
		row := r.Speed.row(c.key)
		if math.IsNaN(row.Ratio) {
			t.Errorf("there is no contender %q", c.key)
		}
		if row.AnyClient {
			t.Errorf("%q compares no client, so its time says nothing beside the others", c.key)
		}
	}
}

func TestDocumentsAreCheckedAndRewritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "README.md")
	const text = "# A\n<!-- one:begin -->\n<!-- one:end -->\nprose\n<!-- two:begin -->\nold\n<!-- two:end -->\nend\n"
	const want = "# A\n<!-- one:begin -->\n\n1\n\n<!-- one:end -->\nprose\n<!-- two:begin -->\n\n2\n\n<!-- two:end -->\nend\n"
	write := func(s string) {
		if err := os.WriteFile(name, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(text)
	d := document{name, map[string]string{"one": "1\n", "two": "2\n"}}
	if d.check() == nil {
		t.Error("parts that no run has written pass")
	}
	if err := d.rewrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
	for _, edited := range []string{
		strings.Replace(want, "\n2\n", "\n3\n", 1),
		strings.Replace(want, "\n2\n", "\n2\nmore\n", 1),
		strings.Replace(want, "<!-- two:end -->", "", 1),
		strings.Replace(want, "<!-- one:begin -->", "", 1),
	} {
		write(edited)
		if d.check() == nil {
			t.Errorf("%q passes", edited)
		}
	}
}

func TestFiguresAreMetOrMissed(t *testing.T) {
	for _, row := range []struct {
		name string
		f    figure
		met  bool
	}{
		{"below the limit", figure{got: 1.05, limit: 1.12}, true},
		{"at the limit", figure{got: 1.12, limit: 1.12}, true},
		{"above the limit", figure{got: 1.13, limit: 1.12}, false},
		{"above a limit from below", figure{got: 1.8, limit: 1.7, atLeast: true}, true},
		{"below a limit from below", figure{got: 1.6, limit: 1.7, atLeast: true}, false},
		{"not measured", figure{got: math.NaN(), limit: 1}, false},
		{"not measured, limit from below", figure{got: math.NaN(), limit: 1, atLeast: true}, false},
	} {
		if got := row.f.met(); got != row.met {
			t.Errorf("%s: %t", row.name, got)
		}
		if table := figuresTable([]figure{row.f}); strings.Contains(table, "missed") == row.met {
			t.Errorf("%s: %s", row.name, table)
		}
	}
	empty := results{Speed: new(speed), Scale: new(scale)}.figures()
	if len(empty) != 16 {
		t.Errorf("%d figures", len(empty))
	}
	for _, f := range empty {
		if f.met() {
			t.Errorf("%s: met by results without rows", f.what)
		}
	}
}
