package cognitoauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// A newcomer reads the README and doc.go from the first line to the last.
func TestPagesStayShort(t *testing.T) {
	for page, most := range map[string]int{"README.md": 220, "doc.go": 120} {
		if n := strings.Count(lab.Text(t, page), "\n"); n > most {
			t.Errorf("%s has %d lines, at most %d are wanted", page, n, most)
		}
	}
}

// The sections stand in the order in which a newcomer asks.
func TestREADMEOrder(t *testing.T) {
	want := []string{"cognitoauth", "what-you-get", "install", "the-program", "routes-and-policies", "testing-your-handlers", "several-pools",
		"logging-metrics-audit", "when-a-token-is-refused", "reference", "speed", "coming-from-aspnet-core", "what-it-does-not-do"}
	page := lab.Text(t, "README.md")
	if got := headings(page); !slices.Equal(got, want) {
		t.Errorf("the sections are\n%q, wanted\n%q", got, want)
	}
	start, _, _ := strings.Cut(page, "\n## ")
	if !strings.Contains(start, "The audience 'empty' is invalid") {
		t.Error("the message that people search for does not stand in the beginning")
	}
	_, list, _ := strings.Cut(page, "\n## What you get\n")
	list, _, _ = strings.Cut(list, "\n## ")
	if n := strings.Count(list, "\n- "); n != 10 {
		t.Errorf("the list of what you get has %d entries, want 10", n)
	}
}

// The program is compiled as it is printed, and a reader who scrolls once has
// seen it whole.
func TestREADMEProgram(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(lab.Text(t, "README.md"), "\n"), "\n")
	begin := slices.Index(lines, "```go")
	if begin < 0 {
		t.Fatal("no program")
	}
	end := begin + 1 + slices.Index(lines[begin+1:], "```")
	if end+1 > 75 {
		t.Errorf("the program ends in line %d, wanted by line 75", end+1)
	}
	program := strings.Join(lines[begin+1:end], "\n") + "\n"
	if program != lab.Text(t, "examples/readme/main.go") {
		t.Error("the program is not examples/readme/main.go, byte for byte")
	}
}

// Every other piece of Go stands in an example or a test, indented as it may be.
func TestREADMESnippetsAreCompiled(t *testing.T) {
	unindent := func(s string) string {
		return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(s, "")
	}
	var compiled string
	for _, name := range []string{"example_test.go", "examples/readme/main.go", "examples/readme/main_test.go"} {
		compiled += unindent(lab.Text(t, name))
	}
	snippets := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(lab.Text(t, "README.md"), -1)
	if len(snippets) < 4 {
		t.Fatalf("%d snippets found", len(snippets))
	}
	for _, m := range snippets {
		if !strings.Contains(compiled, unindent(m[1])) {
			t.Errorf("nothing compiles this:\n%s", m[1])
		}
	}
}

// The doctor's answer is real: the library says the same about such a token.
func TestREADMEDoctor(t *testing.T) {
	_, output, ok := strings.Cut(lab.Text(t, "README.md"), "```text\n")
	if !ok {
		t.Fatal("README shows no output")
	}
	output, _, _ = strings.Cut(output, "```")
	cfg := demo.Config()
	if args := fmt.Sprintf("-pool %s -client %s ", cfg.Pools[0].ID, cfg.Pools[0].ClientIDs[0]); !strings.Contains(output, args) {
		t.Fatalf("the command is not of the pool %s", args)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, check := range auth.Explain(t.Context(), demo.AccessToken().Client("2mobile").String()) {
		if check.Err == nil {
			continue
		}
		for name, want := range map[string]string{"failed": check.Name, "found": check.Found, "expected": check.Expected, "why": check.Err.Detail()} {
			m := regexp.MustCompile(`(?m)^ *` + name + ` +(.*)$`).FindStringSubmatch(output)
			if m == nil {
				t.Errorf("README does not say %q", name)
			} else if begin, _, cut := strings.Cut(m[1], "…"); !strings.HasPrefix(want, begin) || !cut && begin != want {
				t.Errorf("README has %s %s\nthe library says %s", name, m[1], want)
			}
		}
		return
	}
	t.Error("the token passes")
}

func TestLinksExist(t *testing.T) {
	pages := []string{"README.md", reference, "docs/aspnet-core.md", "CHANGELOG.md", "SECURITY.md", "examples/README.md", "contrib/README.md"}
	for _, pattern := range []string{"examples/*/README.md", "contrib/*/README.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil || len(more) < 10 {
			t.Fatal(more, err)
		}
		pages = append(pages, more...)
	}
	found := 0
	for _, name := range pages {
		prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(lab.Text(t, name), "")
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)|(?m)^\[[^]]+\]: (\S+)$`).FindAllStringSubmatch(prose, -1) {
			found++
			target, heading, _ := strings.Cut(m[1]+m[2], "#")
			if strings.HasPrefix(target, "https://") {
				continue
			}
			page := name
			if target != "" {
				page = filepath.Join(filepath.Dir(name), filepath.FromSlash(target))
			}
			if _, err := os.Stat(page); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			} else if heading != "" && !slices.Contains(headings(lab.Text(t, page)), heading) {
				t.Errorf("%s links to %s, which has no heading %q", name, page, heading)
			}
		}
	}
	if found < 25 {
		t.Errorf("%d links found", found)
	}
}

// The index of modules to import has a row for each, and each has a README.
func TestContribIndex(t *testing.T) {
	index := lab.Text(t, "contrib/README.md")
	modules, err := filepath.Glob("contrib/*/go.mod")
	if err != nil || len(modules) < 16 {
		t.Fatal(modules, err)
	}
	for _, module := range modules {
		folder := filepath.Base(filepath.Dir(module))
		if !strings.Contains(index, "]("+folder+")") {
			t.Errorf("contrib/README.md does not name %s", folder)
		}
		if readme := lab.Text(t, "contrib/"+folder+"/README.md"); !strings.Contains(readme, "go get github.com/cognitoauth/cognitoauth/contrib/"+folder) {
			t.Errorf("the README of %s does not say how to get it", folder)
		}
	}
}

// The servers of the programs that people copy give no client for ever to send a
// header or a body, or to keep a connection.
func TestProgramsHaveTimeouts(t *testing.T) {
	for _, name := range []string{"examples/readme/main.go", "examples/quickstart/main.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		missing := []string{"a composite literal of http.Server"}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if of, ok := lit.Type.(*ast.SelectorExpr); !ok || of.Sel.Name != "Server" {
				return true
			}
			missing = []string{"ReadHeaderTimeout", "ReadTimeout", "IdleTimeout"}
			for _, elt := range lit.Elts {
				field := elt.(*ast.KeyValueExpr).Key.(*ast.Ident).Name
				missing = slices.DeleteFunc(missing, func(name string) bool { return name == field })
			}
			return true
		})
		if len(missing) > 0 {
			t.Errorf("%s lacks %q", name, missing)
		}
	}
}

// headings are those of a page, in the form that links have.
func headings(page string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		words := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		all = append(all, strings.ReplaceAll(words, " ", "-"))
	}
	return all
}

// Every setting says what it is when left out, and every number how large it
// may be.
func TestFieldsSayTheirDefaults(t *testing.T) {
	found := 0
	inspectLibrary(t, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" && spec.Name.Name != "Pool" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if !field.Names[0].IsExported() {
				continue
			}
			found++
			doc := strings.Join(strings.Fields(field.Doc.Text()), " ")
			if !regexp.MustCompile(`\b(Required|(Zero|Empty|Nil|None|False): )`).MatchString(doc) {
				t.Errorf("%s.%s does not say what it is by default", spec.Name.Name, field.Names[0])
			}
			number := regexp.MustCompile(`^(int|time\.Duration)$`).MatchString(types.ExprString(field.Type))
			if number && !regexp.MustCompile(`(?i)at most [0-9]|[0-9] \S+ to [0-9]`).MatchString(doc) {
				t.Errorf("%s.%s does not say how large it may be", spec.Name.Name, field.Names[0])
			}
		}
		return false
	})
	if found < 24 {
		t.Errorf("%d settings found", found)
	}
}

// The index has a command for every example, and names what exists.
func TestExamplesIndex(t *testing.T) {
	index := lab.Text(t, "examples/README.md")
	dirs, err := os.ReadDir("examples")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		listed++
		row := regexp.MustCompile("(?m)^\\| \\[" + dir.Name() + "\\]\\(" + dir.Name() + "\\) \\| .* \\| `go [^`]*examples/" + dir.Name() + "[^`]*` \\|$")
		if !row.MatchString(index) {
			t.Errorf("no line with a command for %s", dir.Name())
		}
	}
	if rows := strings.Count(index, "\n| [") + strings.Count(index, "\n|---"); rows != listed+1 || listed < 6 {
		t.Errorf("%d examples, %d rows", listed, rows)
	}
	for _, m := range regexp.MustCompile("`(Example[A-Za-z_]*)`").FindAllStringSubmatch(index, -1) {
		if !strings.Contains(lab.Text(t, "example_test.go"), "\nfunc "+m[1]+"() {") {
			t.Errorf("%s does not exist", m[1])
		}
	}
	if !strings.Contains(index, "`go test -run '^TestDiagnosis$' -v ./internal/proof/diagnosis`") || !strings.Contains(lab.Text(t, "internal/proof/diagnosis/diagnosis_test.go"), "\nfunc TestDiagnosis(") {
		t.Error("no command prints the table of mistakes")
	}
	if n := namesExist(t, "examples/README.md", index); n < 15 {
		t.Errorf("%d names found", n)
	}
}

// What a user calls has an example: one of its own here, and in package
// cognitotest, where a token is made of many small calls, a call in an example.
func TestEveryFunctionHasAnExample(t *testing.T) {
	examples, kit := lab.Text(t, "example_test.go"), lab.Text(t, "cognitotest/example_test.go")
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^func (?:\(. \*?([A-Z][a-z]+)\) )?([A-Z][A-Za-z]+)\(`).FindAllStringSubmatch(lab.Text(t, "testdata/api.txt"), -1) {
		found++
		if name := strings.TrimPrefix(m[1]+"_"+m[2], "_"); !strings.Contains(examples, "\nfunc Example"+name+"() {\n") {
			t.Errorf("there is no Example%s", name)
		}
	}
	// Without an output an example is compiled, and not run.
	for _, name := range []string{"example_test.go", "cognitotest/example_test.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range doc.Examples(file) {
			if e.Output == "" && !e.EmptyOutput {
				t.Errorf("%s: nothing runs Example%s", name, e.Name)
			}
		}
	}
	pkgs, err := filepath.Glob("cognitotest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pkgs {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^func (\(. \*(?:Pool|Token)\) )?([A-Z][A-Za-z]+)\(`).FindAllStringSubmatch(lab.Text(t, name), -1) {
			found++
			call := "." + m[2] + "("
			if m[1] == "" {
				call = "cognitotest" + call
			}
			if !strings.Contains(kit, call) {
				t.Errorf("no example of cognitotest calls %s", m[2])
			}
		}
	}
	if found < 70 {
		t.Errorf("%d functions found", found)
	}
}

// reference is the page with the tables of checks and of answers.
const reference = "docs/reference.md"

// table returns the cells of the first table under one of its headings, without
// the head.
func table(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, text, ok := strings.Cut(lab.Text(t, reference), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %q", reference, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "|") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 {
		t.Fatalf("no table under %q", heading)
	}
	return rows[2:]
}

// quoted are the pieces of code in a cell.
func quoted(cell string) (all []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// inspectLibrary visits the syntax of each source file of the library.
func inspectLibrary(t *testing.T, visit func(ast.Node) bool) {
	t.Helper()
	for _, name := range lab.Sources(t) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, visit)
	}
}

// reasons reads from the source which codes there are, and the sentinel of each.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	all, constants := map[string]string{}, codeConstants(t)
	inspectLibrary(t, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if typ, ok := lit.Type.(*ast.Ident); !ok || typ.Name != "reason" || len(lit.Elts) < 2 {
			return true
		}
		name := lit.Elts[1].(*ast.SelectorExpr).Sel.Name
		code, ok := constants[name]
		if !ok {
			t.Fatalf("a reason has codes.%s, which is given to another one, or no constant", name)
		}
		delete(constants, name)
		all[code] = lit.Elts[0].(*ast.Ident).Name
		return true
	})
	if len(all) == 0 {
		t.Fatal("the source has no reasons")
	}
	if want := map[string]string{"Authenticated": "authenticated", "Anonymous": "anonymous"}; !maps.Equal(constants, want) {
		t.Errorf("package codes has, beside the reasons, %v, want %v", constants, want)
	}
	return all
}

// codeConstants returns the constants of package codes by name.
func codeConstants(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	file, err := parser.ParseFile(token.NewFileSet(), "codes/codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all[spec.Names[0].Name] = value
		return true
	})
	return all
}

// damage is a way to break a token. Those of badTokens stand in the order of the
// reference, and can be combined: the one applied last prevails.
type damage struct {
	code  string
	apply func(*cognitotest.Token) *cognitotest.Token
}

var badTokens = []damage{
	{"token_too_large", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("pad", strings.Repeat("x", 32<<10)) }},
	{"token_malformed", func(b *cognitotest.Token) *cognitotest.Token { return b.Header([]byte("[]")) }},
	{"algorithm_unsupported", func(b *cognitotest.Token) *cognitotest.Token { return b.SetHeader("alg", "HS256") }},
	{"key_id_invalid", func(b *cognitotest.Token) *cognitotest.Token { return b.DeleteHeader("kid") }},
	{"header_unsupported", func(b *cognitotest.Token) *cognitotest.Token { return b.SetHeader("crit", []string{"exp"}) }},
	{"type_unsupported", func(b *cognitotest.Token) *cognitotest.Token { return b.SetHeader("typ", "logout+jwt") }},
	{"claims_malformed", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("sub", 1) }},
	{"issuer_mismatch", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("iss", "https://example.com") }},
	{"token_use_mismatch", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("token_use", "id") }},
	{"expiry_missing", func(b *cognitotest.Token) *cognitotest.Token { return b.Delete("exp") }},
	{"token_expired", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("exp", demo.Now().Add(-time.Hour)) }},
	{"token_not_yet_valid", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("nbf", demo.Now().Add(time.Hour)) }},
	{"token_issued_in_future", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("iat", demo.Now().Add(time.Hour)) }},
	{"lifetime_too_long", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("exp", demo.Now().Add(72*time.Hour)) }},
	{"client_mismatch", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("client_id", "another") }},
	{"subject_missing", func(b *cognitotest.Token) *cognitotest.Token { return b.Delete("sub") }},
	{"audience_mismatch", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("aud", "https://example.com") }},
	{"token_bound", func(b *cognitotest.Token) *cognitotest.Token {
		return b.Set("cnf", map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})
	}},
	{"key_unknown", func(b *cognitotest.Token) *cognitotest.Token { return b.SetHeader("kid", "nobody's") }},
	{"signature_invalid", func(b *cognitotest.Token) *cognitotest.Token { return b.Tampered() }},
	{"token_revoked", func(b *cognitotest.Token) *cognitotest.Token { return b.Set("jti", "revoked") }},
}

// A token with every fault is mended from the first to the last: at each step
// the refusal names the next fault of the table of checks.
func TestReferenceOrderOfChecks(t *testing.T) {
	var documented []string
	for _, row := range table(t, "## What is checked") {
		documented = append(documented, quoted(row[2])...)
	}
	cfg := demo.Config()
	cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.ID == "revoked", nil }
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for i := range badTokens {
		worst := demo.AccessToken()
		for _, f := range slices.Backward(badTokens[i:]) {
			worst = f.apply(worst)
		}
		_, err := auth.Validate(t.Context(), worst.String())
		var refusal *cognitoauth.Error
		if !errors.As(err, &refusal) {
			t.Fatalf("with %s and what follows: %v", badTokens[i].code, err)
		}
		seen = append(seen, refusal.Code)
	}
	if !slices.Equal(seen, documented) {
		t.Errorf("the documented order is\n%q, the faults were named in the order\n%q", documented, seen)
	}
	if _, err := auth.Validate(t.Context(), demo.AccessToken().String()); err != nil {
		t.Errorf("without any fault: %v", err)
	}
}

// refusedRequest is a request that is answered with one code.
type refusedRequest struct {
	code   string
	token  *cognitotest.Token                   // nil: none
	policy cognitoauth.Policy                   // of the route; zero: any valid token
	config func(*cognitoauth.Config)            // nil: nothing to change
	change func(*http.Request)                  // nil: nothing to change
	wrap   func(next http.Handler) http.Handler // zero: the Wrap of config
}

func refusedRequests() []refusedRequest {
	user, machine := demo.AccessToken(), demo.MachineToken()
	all := []refusedRequest{
		{code: "token_missing", policy: cognitoauth.Scope("orders/write")},
		{code: "credentials_malformed", change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer a b") }},
		{code: "credentials_repeated", token: user, change: func(r *http.Request) { r.Header.Add("Authorization", "Bearer x") }},
		{code: "scope_missing", token: user, policy: cognitoauth.Scope("orders/write")},
		{code: "login_too_old", token: user.Set("auth_time", demo.Now().Add(-time.Hour)), policy: cognitoauth.AuthenticatedWithin(time.Minute)},
		{code: "acr_mismatch", token: user, policy: cognitoauth.ACR("urn:cognito:loa:2")},
		{code: "step_up_required", token: user, policy: cognitoauth.StepUp("urn:example:mfa", cognitoauth.Claim("amr", "mfa"))},
		{code: "group_missing", token: user, policy: cognitoauth.Group("admins")},
		{code: "client_denied", token: user, policy: cognitoauth.ClientID("another")},
		{code: "claim_denied", token: user, policy: cognitoauth.Claim("custom:tenant", "acme")},
		{code: "user_required", token: machine, policy: cognitoauth.UserToken()},
		{code: "machine_required", token: user, policy: cognitoauth.MachineToken()},
		{code: "assertion_denied", token: user, policy: cognitoauth.Assert("no", func(*http.Request, *cognitoauth.Claims) bool { return false })},
		{code: "scope_unattainable", token: demo.IDToken(), policy: cognitoauth.Scope("orders/write"), config: func(c *cognitoauth.Config) { c.Pools[0].TokenUse = cognitoauth.IDToken }},
		{code: "login_unattainable", token: machine, policy: cognitoauth.AuthenticatedWithin(time.Minute)},
		{code: "acr_unattainable", token: machine, policy: cognitoauth.ACR("urn:cognito:loa:2")},
		{code: "policy_denies", token: user, policy: cognitoauth.And()},
		{code: "cross_origin", config: func(c *cognitoauth.Config) { c.TokenSource = cognitoauth.FromCookie("t") }, change: func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "t", Value: user.String()})
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}},
		{code: "keys_unavailable", token: user, config: func(c *cognitoauth.Config) { c.HTTPClient = &http.Client{Transport: outage{}} }},
		{code: "client_check_unavailable", token: user.Client("2new"), config: func(c *cognitoauth.Config) {
			c.Pools[0].AllowClient = func(context.Context, string, bool) (bool, error) { return true, errors.New("down") }
		}},
		{code: "request_ended", token: user, config: func(c *cognitoauth.Config) { c.HTTPClient = &http.Client{Transport: silence{}} }, change: func(r *http.Request) {
			ctx, hangUp := context.WithCancel(r.Context())
			hangUp()
			*r = *r.WithContext(ctx)
		}},
		{code: "revocation_unavailable", token: user, config: func(c *cognitoauth.Config) {
			c.Revoked = func(context.Context, *cognitoauth.Claims) (bool, error) { return false, errors.New("down") }
		}},
		{code: "not_wired", token: user, wrap: new(cognitoauth.Middleware).Wrap},
	}
	// The same refusals of an API that is described (RFC 9728).
	const api = "https://api.example.com/orders"
	bound, described := user.Set("aud", api), identified(api)
	all = append(all,
		refusedRequest{code: "token_missing", config: described},
		refusedRequest{code: "token_expired", token: bound.Set("exp", demo.Now().Add(-time.Hour)), policy: cognitoauth.Scope("orders/write"), config: described},
		refusedRequest{code: "scope_missing", token: bound, policy: cognitoauth.Scope("orders/write"), config: described},
		refusedRequest{code: "acr_mismatch", token: bound, policy: cognitoauth.ACR("urn:cognito:loa:2"), config: described},
		refusedRequest{code: "group_missing", token: bound, policy: cognitoauth.Group("admins"), config: described},
		refusedRequest{code: "credentials_malformed", change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer a b") }, config: described},
	)
	for _, f := range badTokens {
		all = append(all, refusedRequest{code: f.code, token: f.apply(user), config: func(c *cognitoauth.Config) {
			c.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.ID == "revoked", nil }
		}})
	}
	return all
}

// outage is a network that is down.
type outage struct{}

func (outage) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("down") }

type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// send makes the request and returns the answer, with the code in its body.
func (c refusedRequest) send(t *testing.T) (res *http.Response, code string) {
	t.Helper()
	cfg := demo.Config()
	if c.config != nil {
		c.config(&cfg)
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if c.wrap == nil {
		c.wrap = auth.Wrap
	}
	h := http.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: the handler ran", c.code) }))
	if c.policy.String() != (cognitoauth.Policy{}).String() {
		h = cognitoauth.Require(c.policy, h)
	}
	r := httptest.NewRequest("POST", "/orders", nil)
	if c.token != nil {
		r.Header.Set("Authorization", "Bearer "+c.token.String())
	}
	if c.change != nil {
		c.change(r)
	}
	w := httptest.NewRecorder()
	c.wrap(h).ServeHTTP(w, r)
	var body struct {
		Code   string
		Status int
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Status != w.Code {
		t.Errorf("%s: status %d, body %s (%v)", c.code, w.Code, w.Body, err)
	}
	return w.Result(), body.Code
}

// answerRow is a row of the table of answers.
type answerRow struct {
	sentinel   string
	status     int
	challenge  []string // code in the cell; nil: there is none
	retryAfter bool
}

func answerRows(t *testing.T) map[string]answerRow {
	t.Helper()
	byCode := map[string]answerRow{}
	for _, cells := range table(t, "## What is answered") {
		status, err := strconv.Atoi(cells[2])
		if err != nil {
			t.Fatal(err)
		}
		row := answerRow{quoted(cells[0])[0], status, nil, strings.Contains(cells[1], "`Retry-After`")}
		if cells[3] != "no challenge" {
			row.challenge = append([]string{`realm="api"`}, quoted(cells[3])...)
		}
		codes := quoted(cells[4])
		if cells[4] == "as above" {
			for _, check := range table(t, "## What is checked") {
				codes = append(codes, quoted(check[2])...)
			}
		}
		for _, code := range codes {
			if _, twice := byCode[code]; twice {
				t.Errorf("%s stands in two rows", code)
			}
			byCode[code] = row
		}
	}
	return byCode
}

// What the reference says about each code is what the code brings about, and no
// code is left out.
func TestReferenceTableOfAnswers(t *testing.T) {
	rows, provoked := answerRows(t), map[string]bool{}
	params := map[string][]string{} // by sentinel: what its challenges had
	for _, c := range refusedRequests() {
		provoked[c.code] = true
		row := rows[c.code]
		res, code := c.send(t)
		if code != c.code || res.StatusCode != row.status {
			t.Errorf("answered %d %s, documented is %d %s", res.StatusCode, code, row.status, c.code)
		}
		if got := res.Header.Get("Retry-After") != ""; got != row.retryAfter {
			t.Errorf("%s: Retry-After is there: %t, documented is %t", c.code, got, row.retryAfter)
		}
		challenge := res.Header.Get("WWW-Authenticate")
		if (challenge == "") != (row.challenge == nil) {
			t.Errorf("%s: challenge %q, documented is %q", c.code, challenge, row.challenge)
		}
		for _, m := range regexp.MustCompile(`(\w+)=("[^"]*")`).FindAllStringSubmatch(challenge, -1) {
			params[row.sentinel] = append(params[row.sentinel], m[1])
			switch {
			case m[1] == "error_description" || slices.Contains(row.challenge, m[0]):
			case m[1] == "error" || m[1] == "realm" || !slices.Contains(row.challenge, m[1]):
				t.Errorf("%s: challenge has %s, documented is %q", c.code, m[0], row.challenge)
			}
		}
	}
	for code, row := range rows {
		for _, want := range row.challenge {
			name, _, _ := strings.Cut(want, "=")
			if !slices.Contains(params[row.sentinel], name) {
				t.Errorf("it is documented that %s carries %s; no answer did", row.sentinel, name)
			}
		}
		if !provoked[code] {
			t.Errorf("documented code %s was not seen", code)
		}
	}
	all := reasons(t)
	for code, sentinel := range all {
		if rows[code].sentinel != sentinel {
			t.Errorf("%s belongs to %s, documented is %q", code, sentinel, rows[code].sentinel)
		}
	}
	if len(all) != len(rows) {
		t.Errorf("documented are the codes\n%q\nerrors.go\n%q", slices.Sorted(maps.Keys(rows)), slices.Sorted(maps.Keys(all)))
	}
}

// The README and the reference speak of names that exist.
func TestREADMENamesExist(t *testing.T) {
	doc := lab.Text(t, "README.md")
	prose, _, _ := strings.Cut(doc, "## Speed") // and then ASP.NET Core: they have the names of others
	found := namesExist(t, "README.md", prose) + namesExist(t, reference, lab.Text(t, reference))
	source := ""
	for _, name := range lab.Sources(t) {
		source += lab.Text(t, name)
	}
	for _, name := range regexp.MustCompile(`COGNITO_[A-Z_]+`).FindAllString(doc, -1) {
		found++
		if !strings.Contains(source, `os.Getenv("`+name+`")`) {
			t.Errorf("README names %s, which nothing reads", name)
		}
	}
	if found < 45 {
		t.Errorf("%d names found", found)
	}
}

// namesExist looks for the exported names and the codes of errors in a page, and
// counts them.
func namesExist(t *testing.T, page, text string) (found int) {
	t.Helper()
	api, codes := lab.Text(t, "testdata/api.txt")+kitFunctions(t), reasons(t)
	others := []string{"USER_AUTH", "TARGET_ACR_VALUES", "MAX_AGE", "Retry-After", "JWT", "InitiateAuth", "Referer", "EventSource", "POST"}
	prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
	for _, name := range quoted(prose) {
		switch {
		case slices.Contains(others, name):
		case regexp.MustCompile(`^((Config|Pool|Claims|cognitoauth|auth)\.)?[A-Z][A-Za-z]+(:|$)`).MatchString(name):
			found++
			last := regexp.MustCompile(`^([a-zA-Z]+\.)?([A-Z][A-Za-z]+)`).FindStringSubmatch(name)[2]
			if !regexp.MustCompile(`\b` + last + `\b`).MatchString(api) {
				t.Errorf("%s names %s, which does not exist", page, name)
			}
		case regexp.MustCompile(`^[a-z]+_[a-z_]+$`).MatchString(name):
			if _, ok := codes[name]; !ok && !slices.Contains([]string{"client_id", "token_use", "acr_values", "max_age", "auth_time", "resource_metadata"}, name) {
				t.Errorf("%s names the code %s, which does not exist", page, name)
			}
		}
	}
	return found
}

// kitFunctions are the heads of the exported functions and methods of cognitotest.
func kitFunctions(t *testing.T) (heads string) {
	t.Helper()
	pages, err := filepath.Glob("cognitotest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		if !strings.HasSuffix(name, "_test.go") {
			heads += strings.Join(regexp.MustCompile(`(?m)^func (\(. \*(Pool|Token)\) )?[A-Z][A-Za-z]+\(`).FindAllString(lab.Text(t, name), -1), "\n")
		}
	}
	if heads == "" {
		t.Fatal("cognitotest has no functions")
	}
	return heads
}

// screen is the table of doc.go that says which token carries what.
func screen(t *testing.T) (rows [][]string) {
	t.Helper()
	_, text, ok := strings.Cut(lab.Text(t, "doc.go"), "// # Cognito in one screen\n")
	if !ok {
		t.Fatal("doc.go has no such section")
	}
	text, _, _ = strings.Cut(text, "// # ")
	for line := range strings.Lines(text) {
		if line, ok := strings.CutPrefix(strings.TrimSpace(line), "//\t"); ok {
			rows = append(rows, regexp.MustCompile(` {2,}`).Split(line, -1))
		}
	}
	if len(rows) < 10 {
		t.Fatalf("%d rows", len(rows))
	}
	return rows[1:]
}

// Cognito in one screen: what stands there is in the tokens of the kit, what is
// in those stands there, and what it becomes in Claims exists.
func TestDocScreen(t *testing.T) {
	tokens := []*cognitotest.Token{demo.AccessToken(), demo.IDToken(), demo.MachineToken()}
	api, listed := lab.Text(t, "testdata/api.txt"), map[string]bool{}
	payloads := make([]map[string]any, len(tokens))
	for i, token := range tokens {
		if err := token.Claims().Decode(&payloads[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range screen(t) {
		if len(row) != 5 {
			t.Fatalf("%d columns: %q", len(row), row)
		}
		for claim := range strings.SplitSeq(row[0], ", ") {
			listed[claim] = true
			for i, cell := range row[1:4] {
				got, there := payloads[i][claim]
				switch {
				case strings.HasPrefix(cell, "("): // on some tokens
				case there != (cell != "-"):
					t.Errorf("%s: %q, but in the token it is %v", claim, cell, got)
				case strings.HasPrefix(cell, `"`) && strconv.Quote(got.(string)) != cell:
					t.Errorf("%s: %q, but in the token it is %v", claim, cell, got)
				}
			}
		}
		for name := range strings.SplitSeq(row[4], ", ") {
			if !regexp.MustCompile(`(?m)^(func \(c \*Claims\) ` + name + `\(|type Claims struct .*\b` + name + `\b)`).MatchString(api) {
				t.Errorf("Claims has no %s", name)
			}
		}
	}
	for _, payload := range payloads {
		for claim := range payload {
			if !listed[claim] {
				t.Errorf("%s is not listed", claim)
			}
		}
	}
}
