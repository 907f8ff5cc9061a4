package cognitoauth

// This file holds Config.ImpliedScopes: how New checks it and follows its
// implications to the end, and how Claims find the scope by which a token has
// another one.

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// terms is what the configuration of a Middleware says about claims that it has
// verified. Claims refer to it, so that Policy.Check decides about them as Wrap
// does. New makes it; nobody changes it afterwards.
type terms struct {
	clock

	implied implications
}

// implications maps a scope to all scopes that imply it, also through others.
// This direction needs one look-up for the scope that a policy asks for; the
// token's scopes, of which there can be thousands, are then compared with few.
type implications map[string]map[string]bool

// maxImplications is how many pairs of scopes the implications may have. A set
// of resource servers has some hundreds; a chain of n scopes has n(n-1)/2.
const maxImplications = 10_000

// holder returns the scope of the token by which it has the named one: that
// scope itself if the token lists it, else the first one that implies it; "" if
// there is none.
func (c *Claims) holder(name string) string {
	if c == nil {
		return ""
	}
	stronger, by := c.stronger(name), ""
	for rest := c.scope(); rest != ""; {
		var s string
		if s, rest, _ = strings.Cut(rest, " "); s == name {
			return s
		}
		if by == "" && stronger[s] {
			by = s
		}
	}
	return by
}

// stronger returns the scopes that imply the named one.
func (c *Claims) stronger(name string) map[string]bool {
	if c.terms == nil {
		return nil
	}
	return c.terms.implied[name]
}

// isScope reports whether name is a scope-token of RFC 6749, section 3.3.
func isScope(name string) bool {
	for i := range len(name) {
		if !challengeByte(name[i]) || name[i] == ' ' {
			return false
		}
	}
	return name != ""
}

// imply checks Config.ImpliedScopes and follows its implications to the end.
func (b *builder) imply(direct map[string][]string) {
	names := slices.Sorted(maps.Keys(direct))
	w := walk{direct: direct, all: map[string]map[string]bool{}}
	listed := 0
	for _, name := range names {
		b.checkImplied(name, direct[name])
		listed += len(direct[name])
	}
	for _, name := range names {
		if listed <= maxImplications {
			w.visit(name)
		}
	}
	for _, cycle := range w.cycles {
		b.mistake("ImpliedScopes goes in a circle, %s: scopes that imply each other are one scope with several names; drop one of these implications", cycle)
	}
	if listed > maxImplications || w.full() {
		b.mistake("ImpliedScopes has more than %d pairs of a scope and one that it implies, also through others: leave out what no route asks for", maxImplications)
	}
	b.implied = w.reverse()
}

// checkImplied checks what one scope implies.
func (b *builder) checkImplied(name string, implied []string) {
	const form = " is not one scope (RFC 6749, section 3.3): expected one name without a space, such as orders/read"
	if !isScope(name) {
		b.mistake("ImpliedScopes has the key %q, which"+form, name)
	}
	if len(implied) == 0 {
		b.mistake("ImpliedScopes[%q] is empty: list the scopes that it implies, or drop it", name)
	}
	seen := map[string]bool{}
	for i, s := range implied {
		switch {
		case !isScope(s):
			b.mistake("ImpliedScopes[%q][%d] %q"+form, name, i, s)
		case s == name:
			b.mistake("ImpliedScopes[%q][%d] is that scope itself, which every token with it has anyway: drop it", name, i)
		case seen[s]:
			b.mistake("ImpliedScopes[%q][%d] %q is listed twice: drop one", name, i, s)
		}
		seen[s] = true
	}
}

// walk follows implications depth first. A scope that comes up again on the path
// closes a circle.
type walk struct {
	direct map[string][]string
	all    map[string]map[string]bool // from a scope to all that it implies; nil while it is on the path
	path   []string
	cycles []string
	pairs  int // how many pairs all has
}

// full reports whether there are too many pairs to go on.
func (w *walk) full() bool { return w.pairs > maxImplications }

func (w *walk) visit(name string) map[string]bool {
	all, seen := w.all[name]
	switch {
	case w.full():
		return nil
	case seen && all == nil:
		i := slices.Index(w.path, name)
		w.cycles = append(w.cycles, chain(append(slices.Clone(w.path[i:]), name)))
		return nil
	case seen:
		return all
	}
	w.path, w.all[name] = append(w.path, name), nil
	all = map[string]bool{}
	for _, s := range w.direct[name] {
		if s == name { // which checkImplied reports
			continue
		}
		below, before := w.visit(s), len(all)
		if w.full() {
			return nil
		}
		all[s] = true
		maps.Copy(all, below)
		w.pairs += len(all) - before
	}
	w.path, w.all[name] = w.path[:len(w.path)-1], all
	return all
}

// reverse returns the pairs by the scope that is implied.
func (w *walk) reverse() implications {
	in := implications{}
	for name, all := range w.all {
		for s := range all {
			if in[s] == nil {
				in[s] = map[string]bool{}
			}
			in[s][name] = true
		}
	}
	return in
}

// chain writes scopes, each of which implies the next.
func chain(names []string) string {
	quoted := make([]string, len(names))
	for i, s := range names {
		quoted[i] = strconv.Quote(s)
	}
	return strings.Join(quoted, " implies ")
}

func init() {
	kit.ImpliedScopes = func(direct map[string][]string) (any, error) {
		b := builder{state: new(state)}
		b.imply(direct)
		return b.implied, errors.Join(b.mistakes...)
	}
}
