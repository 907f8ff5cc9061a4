package corpus

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// status is the HTTP status that goes with each code of a refusal.
var status = map[string]int{
	"token_too_large":        401,
	"token_malformed":        401,
	"algorithm_unsupported":  401,
	"key_id_invalid":         401,
	"header_unsupported":     401,
	"type_unsupported":       401,
	"claims_malformed":       401,
	"issuer_mismatch":        401,
	"token_use_mismatch":     401,
	"expiry_missing":         401,
	"token_expired":          401,
	"token_not_yet_valid":    401,
	"token_issued_in_future": 401,
	"lifetime_too_long":      401,
	"client_mismatch":        401,
	"audience_mismatch":      401,
	"subject_missing":        401,
	"token_bound":            401,
	"key_unknown":            401,
	"signature_invalid":      401,
	"token_revoked":          401,
	"login_too_old":          401,
	"acr_mismatch":           401,
	"scope_missing":          403,
	"scope_unattainable":     403,
	"group_missing":          403,
	"client_denied":          403,
	"claim_denied":           403,
	"user_required":          403,
	"machine_required":       403,
	"acr_unattainable":       403,
	"login_unattainable":     403,
	"policy_denies":          403,
}

// theme is what a file is about.
type theme struct {
	description string
	tables      [][]row
}

// themes are the files, by name. They are made when they are asked for, since
// every start of a test binary would have to wait for them.
func themes() map[string]theme {
	return map[string]theme{
		"structure.json":  {"Parts of a token, its length, what is glued to it.", [][]row{structure()}},
		"base64.json":     {"Encoding of the three parts: padding, alphabets, bits left over, line breaks, other bytes.", [][]row{encoding()}},
		"json.json":       {"JSON of header and payload: grammar, UTF-8, nesting, numbers.", [][]row{headerText(), payloadText()}},
		"duplicates.json": {"Members that occur twice, and names that differ only by case or Unicode folding.", [][]row{duplicates(), folding()}},
		"algorithm.json":  {"The alg member: every spelling of none, HMAC with public keys, other algorithms.", [][]row{algorithms(), hmacs(), confusion()}},
		"header.json":     {"The other members of the header: kid, crit, typ, cty, embedded and remote keys.", [][]row{keyIDs(), members(), types()}},
		"signature.json":  {"Signatures that are changed, moved, padded wrongly or made with another key.", [][]row{signatures()}},
		"keysets.json":    {"Key sets: which keys can be used, and tokens under the others.", [][]row{keyAttributes(), keyNumbers(), keyDuplicates(), keyDocuments(), keyTokens()}},
		"issuers.json":    {"The iss claim: the forms of a pool's issuer and what looks like one.", [][]row{issuers(), refusedLookalikes()}},
		"types.json":      {"Every claim with every wrong type.", [][]row{wrongTypes(), rightTypes()}},
		"times.json":      {"exp, nbf, iat and auth_time: boundaries, fractions, sizes.", [][]row{expiry(), notBefore(), issuedAt(), numbers()}},
		"clients.json":    {"token_use, client_id, aud, sub and cnf: who a token is for and about, and who may send it.", [][]row{tokenUses(), clients(), audiences(), subjects(), bindings()}},
		"slashes.json":    {"Slashes that are escaped in JSON, as Cognito wrote every one of them until 2025.", [][]row{escapedSlashes(), lookalikeSlashes()}},
		"order.json":      {"Tokens with two faults: the first one names the refusal.", [][]row{order()}},
		"policies.json":   {"Rules of a route: scopes, groups, step-up, compositions.", [][]row{scopes(), groupRules(), stepUp(), otherRules(), compositions(), ruleMistakes()}},
		"configs.json":    {"Configurations: mistakes that the constructor reports, and limits it allows.", [][]row{configs()}},
	}
}

// A row is a case before its token is made.
type row struct {
	Case
	recipe *recipe
	set    *keySet
	config *Config
}

var accept = Case{Verdict: Accept}

func reject(code string) Case { return Case{Verdict: Reject, Code: code} }

// tok is a case about a token.
func tok(name, id, ref string, r recipe, o Case) row {
	return row{Case: Case{Name: name, Case: id, Ref: ref, Config: "access", Verdict: o.Verdict, Code: o.Code}, recipe: &r}
}

// keys is a case about a key set: which of its keys can be used. None is a
// configuration that cannot work.
func keys(name, id, ref string, s keySet, usable ...string) row {
	r := row{Case: Case{Name: name, Case: id, Ref: ref, Config: "access", Verdict: Accept, Keys: usable}, set: &s}
	if len(usable) == 0 {
		r.Verdict = ConfigError
	}
	return r
}

// conf is a case about a configuration and nothing else.
func conf(name, id, ref string, c Config) row {
	return row{Case: Case{Name: name, Case: id, Ref: ref, Verdict: ConfigError}, config: &c}
}

// rule is a case about a policy that no route may be marked with.
func rule(name, id, ref string, p Policy) row {
	return row{Case: Case{Name: name, Case: id, Ref: ref, Config: "access", Policy: &p, Verdict: PolicyPanic}}
}

func (r row) in(config string) row {
	r.Config = config
	return r
}

// under gives the case a configuration of its own, over a key set of its own.
func (r row) under(c Config) row {
	r.config = &c
	return r
}

func (r row) over(s keySet) row {
	r.set = &s
	return r
}

// at moves the clock.
func (r row) at(d time.Duration) row {
	r.Now = time.Unix(clock, 0).Add(d).UTC().Format(time.RFC3339Nano)
	return r
}

func (r row) policy(p Policy) row {
	r.Policy = &p
	return r
}

func (r row) want(w Want) row {
	r.Want = &w
	return r
}

// IDs are the rows of the conformance table that Build covers, at least once
// each: structure, header, keys, claims, authorization.
func IDs() []string {
	var ids []string
	for _, of := range []struct {
		letter string
		last   int
	}{{"S", 36}, {"H", 36}, {"K", 18}, {"C", 54}, {"Z", 18}} {
		for i := range of.last {
			ids = append(ids, fmt.Sprint(of.letter, i+1))
		}
	}
	return ids
}

// Build makes the files, by name, with the test keys of dir. A forger keeps to no
// standard, and neither may what stands in for one: where FIPS 140-3 is enforced,
// HMAC with an empty key and PSS with a fixed salt are made all the same.
func Build(dir fs.FS) (files map[string][]byte, err error) {
	fips140.WithoutEnforcement(func() { files, err = build(dir) })
	return files, err
}

func build(dir fs.FS) (map[string][]byte, error) {
	k, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	files, themes := map[string][]byte{}, themes()
	for _, name := range slices.Sorted(maps.Keys(themes)) {
		f := File{Description: themes[name].description, KeySets: map[string]KeySet{}, Configs: map[string]Config{}}
		for _, r := range slices.Concat(themes[name].tables...) {
			if err := f.add(k, r); err != nil {
				return nil, fmt.Errorf("%s: case %q: %w", name, r.Name, err)
			}
		}
		if files[name], err = f.text(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return files, nil
}

func (f *File) add(k *keyring, r row) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	c := r.Case
	if c.Now == "" {
		c = r.at(0).Case
	}
	if c.Verdict == Reject {
		if c.Status = status[c.Code]; c.Status == 0 {
			return fmt.Errorf("no status for code %q", c.Code)
		}
	}
	if err := f.configure(k, r, &c); err != nil {
		return err
	}
	if r.recipe != nil {
		c.setToken(r.recipe.make(k))
	}
	f.Cases = append(f.Cases, c)
	return nil
}

// configure adds to the file what the case stands on: a configuration by name,
// or one of its own under the name of the case.
func (f *File) configure(k *keyring, r row, c *Case) error {
	config, ok := standing[c.Config]
	switch {
	case r.config != nil:
		config = *r.config
	case !ok:
		return fmt.Errorf("no configuration %q", c.Config)
	}
	if r.config != nil || r.set != nil {
		c.Config = c.Name
	}
	config.Pools = slices.Clone(config.Pools)
	for i := range config.Pools {
		p := &config.Pools[i]
		if r.set != nil && i == 0 {
			p.KeySet = c.Name
			f.KeySets[p.KeySet] = r.set.make(k)
			continue
		}
		if p.KeySet == "" {
			p.KeySet = "pool"
		}
		s, ok := standingSets[p.KeySet]
		if !ok {
			return fmt.Errorf("no key set %q", p.KeySet)
		}
		f.KeySets[p.KeySet] = s.make(k)
	}
	f.Configs[c.Config] = config
	return nil
}

// large is where a text is stored as chunks, if it repeats itself.
const large = 4096

func (c *Case) setToken(token string) {
	if utf8.ValidString(token) && len(token) <= large {
		c.Token = &token
		return
	}
	c.TokenBuild = chunks(token)
}

// chunks shortens runs of a period of four letters, which is what base64 makes
// of a repeated octet, and of a period of one.
func chunks(text string) []Chunk {
	var out []Chunk
	plain := func(s string) {
		if s == "" {
			return
		}
		if utf8.ValidString(s) {
			out = append(out, Chunk{S: s, N: 1})
		} else {
			out = append(out, Chunk{X: hex.EncodeToString([]byte(s)), N: 1})
		}
	}
	start := 0
	for i := 0; i+4 <= len(text); {
		n := 1
		for strings.HasPrefix(text[i+4*n:], text[i:i+4]) {
			n++
		}
		if n < 16 || !utf8.ValidString(text[i:i+4]) {
			i++
			continue
		}
		plain(text[start:i])
		out = append(out, Chunk{S: text[i : i+4], N: n})
		i += 4 * n
		start = i
	}
	plain(text[start:])
	return out
}

// text puts each key set, configuration and case on a line of its own, so that
// a new case is a new line.
func (f File) text() ([]byte, error) {
	var b bytes.Buffer
	var faults []error
	write := func(v any) {
		line, err := encode(v)
		b.Write(line)
		faults = append(faults, err)
	}
	b.WriteString("{\"description\":")
	write(f.Description)
	b.WriteString(",\n\"keysets\":{")
	lines(&b, f.KeySets, write)
	b.WriteString("},\n\"configs\":{")
	lines(&b, f.Configs, write)
	b.WriteString("},\n\"cases\":[")
	for i, c := range f.Cases {
		b.WriteString(separator(i))
		write(c)
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), errors.Join(faults...)
}

func lines[T any](b *bytes.Buffer, m map[string]T, write func(any)) {
	for i, name := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(separator(i))
		write(name)
		b.WriteByte(':')
		write(m[name])
	}
	b.WriteByte('\n')
}

func separator(i int) string {
	if i == 0 {
		return "\n"
	}
	return ",\n"
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
