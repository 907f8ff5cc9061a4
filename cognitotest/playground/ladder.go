package playground

// This file holds the ladder: every check of a token, one rung each.

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// rung is one check. Exactly one of Passed, Failed and Skipped is true.
type rung struct {
	Name                    string
	Passed, Failed, Skipped bool
	Found, Expected         string
	Code, Detail            string // of the refusal
}

// explain makes all checks of a pasted token.
func (p *playground) explain(r *http.Request) *result {
	text := strings.TrimSpace(r.PostForm.Get("pasted"))
	if text == "" {
		return &result{Problem: "The box was empty. Paste a token into it: three parts with two dots between them, which begin with eyJ."}
	}
	got := &result{Title: "The pasted token", Ladder: p.ladder(r.Context(), text)}
	failed, first := 0, ""
	for _, step := range got.Ladder {
		if step.Failed {
			if failed++; failed == 1 {
				first = step.Detail
			}
		}
	}
	if failed == 0 {
		got.Notes = append(got.Notes, "The token is valid here. Whether a route lets it in is up to the policy of that route.")
	} else {
		got.Notes = append(got.Notes, "The token is refused. The answer names the first check that fails: "+first)
	}
	return got
}

// ladder makes all checks of a token.
func (p *playground) ladder(ctx context.Context, token string) []rung {
	var all []rung
	for _, c := range p.Auth.Explain(ctx, token) {
		step := rung{Name: c.Name, Found: c.Found, Expected: c.Expected, Skipped: c.Skipped, Failed: c.Err != nil}
		step.Passed = !step.Failed && !step.Skipped
		if c.Err != nil {
			step.Code, step.Detail = c.Err.Code, c.Err.Detail()
		}
		all = append(all, step)
	}
	return all
}

// policyRung is what the route demands of the claims. A token that was refused
// never came to it.
func policyRung(policy string, got *result) rung {
	step := rung{Name: "policy", Expected: policy}
	d := got.Decision
	switch {
	case slices.ContainsFunc(got.Ladder, func(r rung) bool { return r.Failed }):
		step.Skipped = true
	case d.Allowed:
		step.Passed = true
	default:
		step.Failed, step.Code, step.Detail = true, d.Err.Code, d.Err.Detail()
	}
	return step
}
