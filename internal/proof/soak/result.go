package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// result is what came of a run.
type result struct {
	mu sync.Mutex

	// Good requests: admitted, with the caller's own claims; refused; not
	// refused for their token but answered 503; and any other answer.
	admitted, refused, unavailable, other int
	// Requests with a key that is about to be withdrawn, or just has been.
	undecided int
	// Bad requests by kind: made, seen by the handler, and answered otherwise
	// than for their own fault.
	bad, through, misjudged map[string]int
	// notes are the first few answers that should not have been.
	notes []string

	atMark, atEnd   figures
	lasted          time.Duration
	keys            int
	fetches, failed int
	margin          time.Duration
}

const maxNotes = 10

func newResult() *result {
	return &result{bad: map[string]int{}, through: map[string]int{}, misjudged: map[string]int{}}
}

// admit counts a bad request that the handler has seen.
func (r *result) admit(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.through[kind]++
}

// judge counts the answer, such as "401 token_expired", to a request.
func (r *result) judge(q request, answer, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.undecided {
		r.undecided++
		return
	}
	if q.kind != "" {
		r.bad[q.kind]++
		if !slices.Contains(q.answers, answer) {
			r.misjudged[q.kind]++
			r.note("%s: %s, want %s", q.kind, answer, strings.Join(q.answers, " or "))
		}
		return
	}
	switch {
	case answer == "200" && body == q.subject:
		r.admitted++
		return
	case strings.HasPrefix(answer, "503 "):
		r.unavailable++
	case strings.HasPrefix(answer, "40"):
		r.refused++
	default:
		r.other++
	}
	r.note("good: %s, body %.40q", answer, body)
}

func (r *result) note(format string, args ...any) {
	if len(r.notes) < maxNotes {
		r.notes = append(r.notes, fmt.Sprintf(format, args...))
	}
}

// answers is what was wrong with them.
func (r *result) answers(p plan) (faults []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fault := func(n int, what string) {
		if n > 0 {
			faults = append(faults, fmt.Sprintf(what, n))
		}
	}
	fault(r.refused, "%d good requests refused")
	fault(r.unavailable, "%d good requests answered 503")
	fault(r.other, "%d good requests not answered as such")
	fault(sum(r.through), "%d bad requests admitted")
	fault(sum(r.misjudged), "%d bad requests refused for another reason than their own")
	if r.admitted == 0 {
		faults = append(faults, "no good request was made")
	}
	for _, k := range kinds {
		if r.bad[k.name] == 0 {
			faults = append(faults, "no request was made of the kind "+k.name)
		}
	}
	if p.unknown && r.bad[unknownKid.name] == 0 {
		faults = append(faults, "no request was made of an unknown kid")
	}
	return faults
}

const (
	moreGoroutines = 2
	heapShare      = 0.10
)

// leaks is what has changed between the mark and the end, and should not have.
func (r *result) leaks() (faults []string) {
	if more := r.atEnd.goroutines - r.atMark.goroutines; more > moreGoroutines {
		faults = append(faults, fmt.Sprintf("%d goroutines more than at the mark, at most %d allowed", more, moreGoroutines))
	}
	if change := r.growth(); math.Abs(change) > heapShare {
		faults = append(faults, fmt.Sprintf("live heap %+.1f %% against the mark, at most %.0f %% allowed", 100*change, 100*heapShare))
	}
	return faults
}

// growth is that of the live heap, as a share of what it was.
func (r *result) growth() float64 {
	return (float64(r.atEnd.heap) - float64(r.atMark.heap)) / float64(r.atMark.heap)
}

// String is the account of the run, the figures aside.
func (r *result) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "good: %d admitted, %d refused, %d answered 503, %d otherwise\n", r.admitted, r.refused, r.unavailable, r.other)
	for _, kind := range slices.Sorted(maps.Keys(r.bad)) {
		fmt.Fprintf(&b, "bad, %s: %d made, %d admitted, %d not answered for it\n", kind, r.bad[kind], r.through[kind], r.misjudged[kind])
	}
	fmt.Fprintf(&b, "neither: %d with a key that is withdrawn or soon will be\n", r.undecided)
	fmt.Fprintf(&b, "keys: %d made; from the first fetch of one to its first signature %s at least; %d fetches, %d of them failed\n",
		r.keys, r.margin.Round(10*time.Millisecond), r.fetches, r.failed)
	fmt.Fprintf(&b, "goroutines: %d at the mark, %d at the end\n", r.atMark.goroutines, r.atEnd.goroutines)
	fmt.Fprintf(&b, "live heap: %.3f MB at the mark, %.3f MB at the end (%+.1f %%)\n", mega(r.atMark.heap), mega(r.atEnd.heap), 100*r.growth())
	for _, note := range r.notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	return b.String()
}

// figure is the run in one line.
func (r *result) figure() string {
	return fmt.Sprintf("%s: %d good requests and none refused, %d bad of %d kinds and none admitted; %d keys, %d of %d fetches failed; goroutines %d, then %d; live heap %.2f MB, then %.2f MB",
		r.lasted.Round(time.Second), r.admitted, sum(r.bad), len(r.bad), r.keys, r.failed, r.fetches,
		r.atMark.goroutines, r.atEnd.goroutines, mega(r.atMark.heap), mega(r.atEnd.heap))
}

func mega(n uint64) float64 { return float64(n) / 1e6 }

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
