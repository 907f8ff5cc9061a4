package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// The states of a check. What is noted is worth knowing and no fault.
const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
	noted   = "noted"
)

// check is one line of the report.
type check struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Code     string `json:"code,omitempty"` // the library's, of a refusal
	Found    string `json:"found,omitempty"`
	Expected string `json:"expected,omitempty"`
	Why      string `json:"why,omitempty"`
	Mend     string `json:"mend,omitempty"` // the line of configuration

	exit int // if it failed
}

// report is all that the doctor says.
type report struct {
	Passed     bool    `json:"passed"`
	Exit       int     `json:"exit"`
	Cause      string  `json:"cause"`
	IssuerForm string  `json:"issuer_form,omitempty"` // original, updated or other
	Checks     []check `json:"checks"`
}

func (r *report) add(checks ...check) { r.Checks = append(r.Checks, checks...) }

// conclude finds the fault that counts. Nothing that the report says is a part
// of the token, and if it were, it would be taken out.
func (r *report) conclude(token string) {
	var parts []string
	for part := range strings.SplitSeq(token, ".") {
		if len(part) >= 16 {
			parts = append(parts, part, "[token]")
		}
	}
	hide := strings.NewReplacer(parts...).Replace
	for i := range r.Checks {
		c := &r.Checks[i]
		c.Found, c.Expected, c.Why, c.Mend = hide(c.Found), hide(c.Expected), hide(c.Why), hide(c.Mend)
	}
	for _, c := range r.Checks {
		if c.Status == failed && r.Exit == exitGood {
			r.Exit = c.exit
		}
	}
	r.Passed, r.Cause = r.Exit == exitGood, causes[r.Exit]
}

func (r *report) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// folded puts checks that were skipped for the same reason, one behind the other,
// into one, so that thirteen of them do not bury the fault.
func folded(checks []check) (all []check) {
	for _, c := range checks {
		if n := len(all); n > 0 && c.Status == skipped && all[n-1].Status == skipped && all[n-1].Why == c.Why {
			all[n-1].Name += ", " + c.Name
			continue
		}
		all = append(all, c)
	}
	return all
}

var colours = map[string]string{passed: "\x1b[32m", failed: "\x1b[31m", skipped: "\x1b[2m", noted: "\x1b[33m"}

func (r *report) writeText(w io.Writer, colour bool) error {
	var b strings.Builder
	for _, c := range folded(r.Checks) {
		state := fmt.Sprintf("%-7s", c.Status)
		if colour {
			state = colours[c.Status] + state + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s  %s\n", state, c.Name)
		for _, part := range []struct{ name, text string }{{"found", c.Found}, {"expected", c.Expected}, {"why", c.Why}, {"mend", c.Mend}} {
			if part.text != "" {
				fmt.Fprintf(&b, "           %-8s  %s\n", part.name, strings.ReplaceAll(part.text, "\n", "\n                     "))
			}
		}
	}
	if r.Passed {
		b.WriteString("\nEverything passes.\n")
	} else {
		fmt.Fprintf(&b, "\nThe fault that counts: %s (exit code %d).\n", r.Cause, r.Exit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
