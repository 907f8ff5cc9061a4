package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// Everything that is printed, and everything in the README files that a run
// writes, is made here of results.json alone.

// figure is one of the figures that the library is held to.
type figure struct {
	key     string // of the contender whose time it is; "": it is of something else
	what    string
	got     float64
	limit   float64
	atLeast bool // the limit is one from below
	whole   bool // a count
	remark  string
}

func (f figure) met() bool {
	if f.atLeast {
		return f.got >= f.limit
	}
	return f.got <= f.limit
}

func (f figure) format(v float64) string {
	if math.IsNaN(v) {
		return "not measured"
	}
	if f.whole {
		return strconv.Itoa(int(v))
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

// bound is the limit in words.
func (f figure) bound() string {
	if f.atLeast {
		return "≥ " + f.format(f.limit)
	}
	return "≤ " + f.format(f.limit)
}

// ratio has three digits after the point where two would say little.
func ratio(v float64) string {
	if v < 0.1 {
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// figures are the targets beside what was measured.
func (r results) figures() (all []figure) {
	if s := r.Speed; s != nil {
		all = append(all, s.figures()...)
	}
	if s := r.Servers; s != nil {
		all = append(all, s.figures()...)
	}
	if s := r.Scale; s != nil {
		least := math.NaN()
		for _, row := range s.Rows {
			if row.Tokens == 10*s.Cache && row.Throughput > 0 && !(least < row.Throughput) {
				least = row.Throughput
			}
		}
		all = append(all, figure{what: "throughput, ten times as many tokens as the cache holds, the worst traffic", got: least, limit: 0.95, atLeast: true, remark: "of that without a cache"})
	}
	return all
}

func (s *speed) figures() []figure {
	full, hit, wrapFull, wrapHit := s.row("full"), s.row("hit"), s.row("wrap-full"), s.row("wrap-hit")
	worst := func(keys ...string) (v float64) {
		for _, key := range keys {
			v = math.Max(v, s.row(key).Ratio)
		}
		return v
	}
	count := func(what string, r row, n int, limit float64) figure {
		return figure{what: what, got: r.count(n), limit: limit, whole: true}
	}
	forged := s.row("signature_invalid")
	floor := "the floor itself: " + ratio(s.row("floor").Speedup)
	return []figure{
		{key: "full", what: "validation in full", got: full.Ratio, limit: 0.74},
		{key: "wrap-full", what: "the same as middleware of 100 routes", got: wrapFull.Ratio, limit: 0.78},
		count("allocations, validation in full", full, full.Allocs, 5),
		count("bytes allocated, validation in full", full, full.Bytes, 1700),
		{key: "hit", what: "token seen before", got: hit.Ratio, limit: 0.021},
		count("allocations, token seen before", hit, hit.Allocs, 1),
		{key: "wrap-hit", what: "the same as middleware of 100 routes", got: wrapHit.Ratio, limit: 0.036},
		count("allocations, the same as middleware", wrapHit, wrapHit.Allocs, 3),
		{what: "refusals before the payload is read, the slowest", got: worst("token_too_large", "token_malformed", "algorithm_unsupported"), limit: 0.012, remark: "over-long, malformed, another algorithm"},
		{what: "refusals before the signature, the slowest", got: worst("issuer_mismatch", "token_use_mismatch", "token_expired", "client_mismatch", "key_unknown"), limit: 0.05, remark: "issuer, token_use, expiry, client, key"},
		{what: "refusal of a bad signature", got: forged.Ratio, limit: 0.76},
		count("fetches of keys because of a bad signature", forged, forged.Fetched, 0),
		{what: "bytes for a token in the cache", got: s.Memory.perToken(), limit: 760, whole: true, remark: fmt.Sprintf("of the heap, with %s of them", thousands(s.Memory.Tokens))},
		{what: "two CPUs against one, in full", got: full.Speedup, limit: 1.7, atLeast: true, remark: floor},
		{what: "two CPUs against one, token seen before", got: hit.Speedup, limit: 1.8, atLeast: true, remark: floor},
	}
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// table is one of Markdown. The first column is text, the others are numbers.
type table struct {
	strings.Builder
}

func newTable(head ...string) *table {
	t := new(table)
	t.row(head...)
	t.WriteString("|---|" + strings.Repeat("---:|", len(head)-1) + "\n")
	return t
}

func (t *table) row(cells ...string) {
	t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func figuresTable(figures []figure) string {
	t := newTable("", "measured", "must be", "")
	for _, f := range figures {
		verdict := "met"
		if !f.met() { // nor if it is NaN
			verdict = "**missed**"
		}
		what := f.what
		if f.remark != "" {
			what += " (" + f.remark + ")"
		}
		t.row(what, f.format(f.got), f.bound(), verdict)
	}
	return t.String()
}

// label is what a row is called where there is one column for it.
func (r row) label() string {
	s := r.Name
	if r.Version != "" {
		s += " " + r.Version
	}
	return s + ": " + r.As
}

// yes is for what a contender compares.
func yes(not bool) string {
	if not {
		return "no"
	}
	return "yes"
}

func (s *speed) table() string {
	t := newTable("", "ratio", "quarters", "on 2 CPUs", "2 CPUs / 1", "allocations", "bytes", "compares client")
	for _, r := range s.Rows {
		two, speedup := "", ""
		if r.Ratio2 != 0 {
			two, speedup = ratio(r.Ratio2), ratio(r.Speedup)
		}
		allocs, bytes := strconv.Itoa(r.Allocs), strconv.Itoa(r.Bytes)
		if r.Elsewhere {
			allocs, bytes = "", ""
		}
		t.row(r.label(), ratio(r.Ratio), ratio(r.Quarters[0])+" to "+ratio(r.Quarters[1]), two, speedup,
			allocs, bytes, yes(r.AnyClient))
	}
	return t.String()
}

func (r run) caption() string {
	return fmt.Sprintf("`%s` in `internal/proof/benchmarks`, %s, %s.\n", r.Command, r.Date, r.Machine)
}

// shown are the contenders of the README: ours for a token that comes for the
// first time and for one that was seen before, and the fastest ways that we know
// to use three peers so that they compare the client.
var shown = []struct{ key, what string }{
	{"full", "cognitoauth, a new token"},
	{"hit", "cognitoauth, a token that was seen before"},
	{"golang-jwt-best", ""}, // as it is called elsewhere
	{"jwx-best", ""},
	{"auth0", ""},
}

// readmeBlock is what stands in the README of the library.
func (r results) readmeBlock() string {
	s := r.Speed
	t := newTable("validation of one token", "time (µs)", "allocations")
	for _, c := range shown {
		row := s.row(c.key)
		t.row(cmp.Or(c.what, row.label()), strconv.FormatFloat(row.Ratio*float64(s.FloorNS)/1000, 'f', 1, 64), strconv.Itoa(row.Allocs))
	}
	return fmt.Sprintf("%s\nFor comparison: one bare RSA-2048 verification takes %.1f µs. Measured by %s", t, float64(s.FloorNS)/1000, s.caption())
}

func (r results) speedBlock() string {
	s := r.Speed
	return fmt.Sprintf("%s%d rounds of %d ms, token of %s bytes, the floor took %.1f µs. %s\n\n%s",
		s.caption(), s.Rounds, s.SlotMS, thousands(s.TokenBytes), float64(s.FloorNS)/1000, s.Node, s.table())
}

func (s *servers) block() string {
	old := ""
	if s.LeftOut != "" {
		old = " The old build was left out: " + s.LeftOut + "."
	}
	t := newTable("", "requests a second", "of the bare mux's", "p50 (µs)", "p99 (µs)", "CPU a request (µs)", "CPU busy")
	for _, r := range s.Rows {
		t.row(row{Name: r.Name, Version: r.Version, As: r.As}.label(), thousands(int(math.Round(r.PerSecond))), ratio(r.OverMux),
			fmt.Sprintf("%.0f", r.P50), fmt.Sprintf("%.0f", r.P99), fmt.Sprintf("%.1f", r.CPU), ratio(r.Busy))
	}
	return fmt.Sprintf("%s%d rounds of %d ms, %d connections, servers in Go on %d CPU. %s%s\n\n%s", s.caption(), s.Rounds, s.SlotMS, s.Conns, s.CPUs, s.Node, old, t)
}

// figures are the one that whole servers are held to.
func (s *servers) figures() []figure {
	hit := math.NaN()
	if r := s.row("server-hit"); r != nil {
		hit = r.OverMux
	}
	return []figure{{what: "whole server, token seen before, requests a second", got: hit, limit: 0.93, atLeast: true, remark: "of the bare mux's"}}
}

func (s *scale) block() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d rounds, %s tokens signed, a cache of %s.\n\n", s.caption(), s.Rounds, thousands(s.Signed), thousands(s.Cache))
	t := newTable("tokens", "traffic", "CPUs", "hit rate", "the cache alone", "throughput, 1 without cache")
	for _, r := range s.Rows {
		hits, throughput := "", ""
		if r.Throughput != 0 {
			hits, throughput = fmt.Sprintf("%.3f", r.HitRate), fmt.Sprintf("%.2f", r.Throughput)
		}
		t.row(thousands(r.Tokens), r.Traffic, strconv.Itoa(r.CPUs), hits, fmt.Sprintf("%.3f", r.Simulated), throughput)
	}
	b.WriteString(t.String() + "\n")
	t = newTable("tokens in a cache of that size", "found again", "bytes each", "MB")
	for _, m := range s.Memory {
		t.row(thousands(m.Tokens), thousands(m.Kept), thousands(m.Bytes), fmt.Sprintf("%.1f", float64(m.Kept)*float64(m.Bytes)/1e6))
	}
	return b.String() + t.String()
}

// document is a file with parts that a run writes, between a comment that
// begins one and a comment that ends it.
type document struct {
	name  string // from this folder
	parts map[string]string
}

func (r results) documents() []document {
	own := document{"README.md", map[string]string{}}
	all := []document{own, {"FLEET.md", map[string]string{"fleet": fleetTable()}}}
	if figures := r.figures(); len(figures) > 0 {
		own.parts["figures"] = figuresTable(figures)
	}
	if r.Scale != nil {
		own.parts["scale"] = r.Scale.block()
	}
	own.parts["servers"] = "Not measured yet.\n"
	if r.Servers != nil {
		own.parts["servers"] = r.Servers.block()
	}
	if r.Speed != nil {
		own.parts["speed"] = r.speedBlock()
		all = append(all, document{"../../../README.md", map[string]string{"benchmarks": r.readmeBlock()}})
	}
	return all
}

// rewrite brings all documents up to date.
func (r results) rewrite() error {
	for _, d := range r.documents() {
		if err := d.rewrite(); err != nil {
			return err
		}
	}
	return nil
}

// writable tells whether every part has its place, before a run takes minutes.
func writable() error {
	for _, d := range (results{Speed: new(speed), Scale: new(scale)}).documents() {
		text, err := os.ReadFile(d.name)
		if err != nil {
			return err
		}
		for part := range d.parts {
			if _, _, _, err := cut(string(text), part); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
	}
	return nil
}

// cut finds a part of a document.
func cut(text, part string) (before, inside, after string, err error) {
	begin, end := "<!-- "+part+":begin -->\n", "<!-- "+part+":end -->"
	before, rest, ok := strings.Cut(text, begin)
	inside, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", "", "", fmt.Errorf("no %q before a %q", strings.TrimSpace(begin), end)
	}
	return before + begin, inside, end + after, nil
}

// framed is a part as it stands between its comments.
func framed(part string) string { return "\n" + part + "\n" }

// check tells whether each part of the file is what a run has written.
func (d document) check() error {
	b, err := os.ReadFile(d.name)
	if err != nil {
		return err
	}
	for part, content := range d.parts {
		_, inside, _, err := cut(string(b), part)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		if inside != framed(content) {
			return fmt.Errorf("%s: %q is not what %s renders to: it is written by a run with -write, not by hand", d.name, part, resultsFile)
		}
	}
	return nil
}

// rewrite puts its parts into the file.
func (d document) rewrite() error {
	b, err := os.ReadFile(d.name)
	if err != nil {
		return err
	}
	text := string(b)
	for part, content := range d.parts {
		before, _, after, err := cut(text, part)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		text = before + framed(content) + after
	}
	return os.WriteFile(d.name, []byte(text), 0o644)
}
