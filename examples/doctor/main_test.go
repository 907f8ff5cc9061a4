package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// ward is a user pool over loopback HTTP, with another one beside it, and what
// the doctor is given there.
type ward struct {
	pool, other *cognitotest.Pool
}

func newWard(t *testing.T) *ward {
	t.Helper()
	start := func(o cognitotest.Options) *cognitotest.Pool {
		p, err := cognitotest.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	return &ward{start(cognitotest.Options{}), start(cognitotest.Options{ID: "eu-west-1_ZyXwVu987"})}
}

func (w *ward) args(more ...string) []string {
	return append([]string{"-pool", "eu-west-1_AbCdEf123", "-client", "1example23456789", "-jwks", w.pool.JWKSURL()}, more...)
}

// examined is what the doctor said.
type examined struct {
	exit     int
	out, err string
}

func examine(t *testing.T, args []string, input string, colour bool) examined {
	t.Helper()
	var out, errs bytes.Buffer
	d := doctor{in: strings.NewReader(input), out: &out, err: &errs, now: time.Now, colour: colour}
	exit := d.run(t.Context(), args)
	return examined{exit, out.String(), errs.String()}
}

// hides fails if something that was said is a part of the token.
func (e *examined) hides(t *testing.T, name, token string) {
	t.Helper()
	for part := range strings.FieldsFuncSeq(token, func(r rune) bool { return strings.ContainsRune(".\"' \r\n", r) }) {
		if len(part) >= 8 && part != "Authorization:" && strings.Contains(e.out+e.err, part) {
			t.Errorf("%s: a part of the token is printed: %s", name, part)
		}
	}
}

// faultCase is a token, or a pool, with a fault.
type faultCase struct {
	name  string
	token func(*ward) *cognitotest.Token // zero: a user's access token
	args  []string                       // after those of a good call
	fault cognitotest.Fault

	exit   int
	failed []string // the checks that fail
	mend   string   // the line of configuration, of the first of them; "": none
}

func access(w *ward) *cognitotest.Token { return w.pool.AccessToken() }
func claim(name string, v any) func(*ward) *cognitotest.Token {
	return func(w *ward) *cognitotest.Token { return w.pool.AccessToken().Set(name, v) }
}
func header(name string, v any) func(*ward) *cognitotest.Token {
	return func(w *ward) *cognitotest.Token { return w.pool.AccessToken().SetHeader(name, v) }
}

const original = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"

var faultCases = []faultCase{
	{name: "a good token", exit: 0},
	{name: "a machine's token", token: func(w *ward) *cognitotest.Token { return w.pool.MachineToken() }, exit: 0},
	{name: "an ID token where those are wanted", token: func(w *ward) *cognitotest.Token { return w.pool.IDToken() }, args: []string{"-use", "id"}, exit: 0},
	{name: "one of two clients", args: []string{"-client", "2mobile,1example23456789"}, exit: 0},
	{name: "a token bound to the API", token: claim("aud", "https://api.example.com"), args: []string{"-audience", "https://api.example.com"}, exit: 0},
	{name: "the updated issuer", token: claim("iss", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"), exit: 0},

	{name: "a replica that is configured", token: claim("iss", "https://cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123"), args: []string{"-replicas", "us-west-2"}, exit: 0},
	{name: "client and audience of one name", token: claim("aud", "1example23456789"), args: []string{"-audience", "1example23456789"}, exit: 2, failed: []string{"configuration"}},
	{name: "any client", token: claim("client_id", "2mobile"), args: []string{"-client", "", "-any-client"}, exit: 0},
	{name: "two days, as configured", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().ExpiresIn(47 * time.Hour) }, args: []string{"-max-lifetime", "48h"}, exit: 0},
	{name: "a large token, as configured", token: claim("custom:pad", strings.Repeat("x", 40<<10)), args: []string{"-max-bytes", "65536"}, exit: 0},

	{name: "a large token", token: claim("custom:pad", strings.Repeat("x", 40<<10)), exit: 3, failed: []string{"form"}, mend: "MaxTokenBytes: 5"},
	{name: "a second replica", token: claim("iss", "https://cognito-idp.us-east-1.amazonaws.com/eu-west-1_AbCdEf123"), args: []string{"-replicas", "us-west-2"}, exit: 4, failed: []string{"issuer"},
		mend: `ReplicaRegions: []string{"us-west-2", "us-east-1"},`},

	{name: "a good token and no client", args: []string{"-client", ","}, exit: 2, failed: []string{"configuration"}},
	{name: "a good token and an identity pool", args: []string{"-pool", "eu-west-1:12345678-abcd-4321-abcd-123456789012"}, exit: 2, failed: []string{"configuration"}},

	{name: "another algorithm", token: header("alg", "HS256"), exit: 3, failed: []string{"header"}},
	{name: "no key ID", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().DeleteHeader("kid") }, exit: 3, failed: []string{"header"}},
	{name: "groups in one string", token: claim("cognito:groups", "admins"), exit: 3, failed: []string{"payload"}},

	{name: "another pool", token: claim("iss", "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_ZyXwVu987"), exit: 4, failed: []string{"issuer"},
		mend: `ID: "eu-central-1_ZyXwVu987",`},
	{name: "a replica", token: claim("iss", "https://cognito-idp.us-west-2.amazonaws.com/eu-west-1_AbCdEf123"), exit: 4, failed: []string{"issuer"}, mend: `ReplicaRegions: []string{"us-west-2"},`},
	{name: "an emulator", token: claim("iss", "http://localhost:4566/eu-west-1_AbCdEf123"), exit: 4, failed: []string{"issuer"}, mend: `Issuer: "http://localhost:4566/eu-west-1_AbCdEf123",`},
	{name: "somebody else's issuer", token: claim("iss", "https://idp.example.com"), exit: 4, failed: []string{"issuer"}},
	{name: "an ID token", token: func(w *ward) *cognitotest.Token { return w.pool.IDToken() }, exit: 4, failed: []string{"token_use"}, mend: "TokenUse: cognitoauth.IDToken,"},
	{name: "another client", token: claim("client_id", "2mobile"), exit: 4, failed: []string{"client"}, mend: `ClientIDs: []string{"1example23456789", "2mobile"},`},
	{name: "no audience", args: []string{"-audience", "https://api.example.com"}, exit: 4, failed: []string{"audience"}, mend: "Audiences: nil,"},
	{name: "another audience", token: claim("aud", "https://b.example"), args: []string{"-audience", "https://a.example"}, exit: 4, failed: []string{"audience"},
		mend: `Audiences: []string{"https://a.example", "https://b.example"},`},
	{name: "two faults", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().Client("2mobile").Tampered() }, exit: 4, failed: []string{"client", "signature"},
		mend: `ClientIDs: []string{"1example23456789", "2mobile"},`},

	{name: "an expired token", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().ExpiresIn(-time.Hour) }, exit: 5, failed: []string{"exp"}},
	{name: "a token from the future", token: func(w *ward) *cognitotest.Token {
		return w.pool.AccessToken().Set("iat", time.Now().Add(2*time.Minute))
	}, exit: 5, failed: []string{"iat"}, mend: "Leeway: 1"},
	{name: "a token for later", token: func(w *ward) *cognitotest.Token {
		return w.pool.AccessToken().Set("nbf", time.Now().Add(2*time.Minute))
	}, exit: 5, failed: []string{"nbf"}, mend: "Leeway: 1"},
	{name: "a token from a future that no leeway reaches", token: func(w *ward) *cognitotest.Token {
		return w.pool.AccessToken().Set("iat", time.Now().Add(6*time.Minute))
	}, exit: 5, failed: []string{"iat"}},
	{name: "a token for two days", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().ExpiresIn(47*time.Hour + 30*time.Minute) }, exit: 5, failed: []string{"lifetime"},
		mend: "MaxLifetime: 48 * time.Hour,"},
	{name: "a clock that is off", fault: cognitotest.Fault{Header: http.Header{"Date": {time.Now().Add(4*time.Minute + 30*time.Second).UTC().Format(http.TimeFormat)}}},
		exit: 5, failed: []string{"clock"}, mend: "Leeway: 2"},

	{name: "an altered token", token: func(w *ward) *cognitotest.Token { return w.pool.AccessToken().Tampered() }, exit: 6, failed: []string{"signature"}},
	{name: "an unknown key", token: header("kid", "nobody's"), exit: 6, failed: []string{"key"}, mend: `JWKSURL: "",`},

	{name: "a key endpoint that fails", fault: cognitotest.Fault{Status: 500}, exit: 7, failed: []string{"key", "key set", "discovery document"}, mend: `JWKSURL: "",`},
	{name: "a key endpoint that redirects", fault: cognitotest.Fault{Redirect: "http://127.0.0.1:9/"}, exit: 7, failed: []string{"key", "key set", "discovery document"}, mend: `JWKSURL: "",`},
	{name: "an issuer that the pool does not use", args: []string{"-issuer", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"},
		token: claim("iss", "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"), exit: 8, failed: []string{"issuer form"}, mend: `Issuer: "",`},
}

func TestDoctor(t *testing.T) {
	w := newWard(t)
	for _, tt := range faultCases {
		token := access(w)
		if tt.token != nil {
			token = tt.token(w)
		}
		w.pool.SetFault(tt.fault)
		got := examine(t, w.args(append(tt.args, "-json")...), token.String(), true)
		got.hides(t, tt.name, token.String())
		var r report
		if err := json.Unmarshal([]byte(got.out), &r); err != nil {
			t.Fatalf("%s: %v: %s%s", tt.name, err, got.out, got.err)
		}
		var wrong, mends []string
		for _, c := range r.Checks {
			if c.Status != failed {
				continue
			}
			wrong, mends = append(wrong, c.Name), append(mends, c.Mend)
			if c.Why == "" {
				t.Errorf("%s: %s fails without a reason", tt.name, c.Name)
			}
		}
		want := tt.failed
		if got.exit != tt.exit || r.Exit != tt.exit || r.Passed != (tt.exit == 0) || r.Cause != causes[tt.exit] || !slices.Equal(wrong, want) {
			t.Errorf("%s: exit code %d, %q fail, %q; want %d, %q\n%s", tt.name, got.exit, wrong, r.Cause, tt.exit, want, got.out)
			continue
		}
		if len(mends) > 0 && (tt.mend == "") != (mends[0] == "") || tt.mend != "" && !strings.HasPrefix(mends[0], tt.mend) {
			t.Errorf("%s: mended by %q, want %q", tt.name, mends, tt.mend)
		}
		text := examine(t, w.args(tt.args...), token.String(), false)
		text.hides(t, tt.name, token.String())
		if text.exit != tt.exit || strings.Contains(text.out, "\x1b") || tt.mend != "" && !strings.Contains(text.out, tt.mend) {
			t.Errorf("%s: as text, exit code %d: %s", tt.name, text.exit, text.out)
		}
	}
}

// The token, as people copy it.
func TestDoctor_input(t *testing.T) {
	w := newWard(t)
	token := w.pool.AccessToken().String()
	for _, tt := range []struct{ name, input, says string }{
		{"the token alone", token, ""},
		{"a line break behind it", token + "\n", ""},
		{"a line break of Windows", token + "\r\n", ""},
		{"more line breaks than a file ends in", token + "\n\n", "white space"},
		{"spaces around it", "  " + token + " \t\n", "white space"},
		{"Bearer before it", "Bearer " + token, "Bearer"},
		{"bearer before it, in small letters", "bearer " + token + "\n", "Bearer"},
		{"the whole header", "Authorization: Bearer " + token, "header"},
		{"quotes around it", `"` + token + `"` + "\n", "quotes"},
		{"quotes of the shell around it", "'" + token + "'", "quotes"},
		{"Bearer in quotes", `"Bearer ` + token + `"`, "Bearer"},
		{"quotes behind Bearer", `Bearer "` + token + `"`, "quotes"},
		{"broken into lines", token[:100] + "\n" + token[100:200] + "\r\n" + token[200:], "inside"},
		{"a byte order mark", "\ufeff" + token, "byte order mark"},
	} {
		got := examine(t, w.args("-json"), tt.input, false)
		got.hides(t, tt.name, tt.input)
		var r report
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.exit != 0 || len(r.Checks) == 0 {
			t.Fatalf("%s: exit code %d, %v: %s%s", tt.name, got.exit, err, got.out, got.err)
		}
		if in := r.Checks[0]; in.Name != "input" || (in.Status == noted) != (tt.says != "") || !strings.Contains(in.Found, tt.says) || in.Found == "" {
			t.Errorf("%s: %+v", tt.name, in)
		}
	}
	for name, input := range map[string]string{"nothing": "", "a line break": "\n", "quotes": `""`, "too much": strings.Repeat("x", maxInput+1)} {
		if got := examine(t, w.args(), input, false); got.exit != 2 || got.out != "" || got.err == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, input := range map[string]string{"one word": "undefined", "a refresh token": "e30.e30.e30.e30.e30", "bytes": "\x00\xff\x1b[31m"} {
		got := examine(t, w.args(), input, false)
		if got.exit != 3 || !utf8.ValidString(got.out) || strings.ContainsAny(got.out, "\x00\x1b") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Other users can read the arguments of a process.
func TestDoctor_tokenAsArgument(t *testing.T) {
	w := newWard(t)
	token := w.pool.AccessToken().String()
	for _, args := range [][]string{{token}, {"-token", token}, {"-token=" + token}, {"-pool", token}, {"-client", "Bearer " + token}, {"-leeway", token},
		{strings.Split(token, ".")[0]}, {"-pool", strings.Split(token, ".")[1]},
		{strings.Split(token, ".")[2]}, {"-leeway", strings.Split(token, ".")[2]}, {"-issuer=x." + strings.Split(token, ".")[2]}} {
		got := examine(t, append(w.args(), args...), token, false)
		got.hides(t, strings.Join(args[:1], " ")[:5], token)
		if got.exit != 2 || got.out != "" || !strings.Contains(got.err, "standard input") {
			t.Errorf("%+v", got)
		}
	}
}

func TestDoctor_usage(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "COGNITO_") {
			t.Setenv(name, "")
		}
	}
	w := newWard(t)
	token := w.pool.AccessToken().String()
	for _, tt := range []struct {
		args []string
		exit int
		says string
	}{
		{[]string{"-h"}, 0, "exit codes"},
		{[]string{"-unknown"}, 2, "-unknown"},
		{[]string{"-leeway", "soon"}, 2, "-leeway"},
		{w.args("more"), 2, "standard input"},
		{nil, 2, "COGNITO_USER_POOL_ID"},
	} {
		if got := examine(t, tt.args, token, false); got.exit != tt.exit || got.out != "" || !strings.Contains(got.err, tt.says) {
			t.Errorf("%q: %+v", tt.args, got)
		}
	}
	t.Setenv("COGNITO_USER_POOL_ID", "eu-west-1_AbCdEf123")
	t.Setenv("COGNITO_CLIENT_IDS", "1example23456789")
	t.Setenv("COGNITO_JWKS_URL", w.pool.JWKSURL())
	if got := examine(t, nil, token, false); got.exit != 0 {
		t.Errorf("configured by the environment: %+v", got)
	}
}

// site serves a key set and a discovery document of the test's choice.
func site(t *testing.T, keySet, document []byte) (jwks string) {
	t.Helper()
	mux := http.NewServeMux()
	serve := func(pattern string, body []byte) {
		if body != nil {
			mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
		}
	}
	serve("GET /p"+wellKnownKeys, keySet)
	serve("GET /p"+wellKnownDiscovery, document)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL + "/p" + wellKnownKeys
}

func TestDoctor_surroundings(t *testing.T) {
	w := newWard(t)
	token := w.pool.AccessToken().String()
	document := func(issuer, keys string) []byte {
		b, err := json.Marshal(discovery{issuer, keys})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	updated := strings.Replace(original, "https://", "https://issuer-", 1)
	replica := strings.Replace(original, "eu-west-1.", "us-west-2.", 1)
	for _, tt := range []struct {
		name                string
		keys, document      []byte
		exit                int
		failed, form, found string
	}{
		{"the issuer of a replica", w.pool.KeySet(), document(replica, w.pool.JWKSURL()), 8, "issuer form", "original", `ReplicaRegions: []string{\"us-west-2\"},`},
		{"the updated issuer of a replica", w.pool.KeySet(), document(strings.Replace(replica, "https://", "https://issuer-", 1), w.pool.JWKSURL()), 8, "issuer form", "updated", "us-west-2"},
		{"the original issuer", w.pool.KeySet(), document(original, w.pool.JWKSURL()), 0, "", "original", "same keys"},
		{"the updated issuer", w.pool.KeySet(), document(updated, w.pool.JWKSURL()), 0, "", "updated", "same keys"},
		{"the issuer of another pool", w.pool.KeySet(), document(w.other.Issuer(), w.pool.JWKSURL()), 8, "issuer form", "original", "eu-west-1_ZyXwVu987"},
		{"the issuer of an emulator", w.pool.KeySet(), document("http://localhost:9229/x", w.pool.JWKSURL()), 8, "issuer form", "other", "localhost:9229"},
		{"the keys of another pool", w.pool.KeySet(), document(original, w.other.JWKSURL()), 8, "agreement", "original", `JWKSURL: \"` + w.other.JWKSURL()},
		{"keys at a URL that is not looked at", w.pool.KeySet(), document(original, "http://keys.example/"), 8, "agreement", "original", "keys.example"},
		{"no document", w.pool.KeySet(), nil, 7, "discovery document", "", "openid-configuration"},
		{"a document that is none", w.pool.KeySet(), []byte("<html>"), 7, "discovery document", "", "openid-configuration"},
		{"no keys", nil, document(original, w.pool.JWKSURL()), 7, "key", "original", "jwks.json"},
	} {
		got := examine(t, w.args("-json", "-jwks", site(t, tt.keys, tt.document)), token, false)
		var r report
		if err := json.Unmarshal([]byte(got.out), &r); err != nil {
			t.Fatal(err)
		}
		first := ""
		if i := slices.IndexFunc(r.Checks, func(c check) bool { return c.Status == failed }); i >= 0 {
			first = r.Checks[i].Name
		}
		if got.exit != tt.exit || first != tt.failed || r.IssuerForm != tt.form || !strings.Contains(got.out, tt.found) {
			t.Errorf("%s: exit code %d, %q, form %q: %s", tt.name, got.exit, first, r.IssuerForm, got.out)
		}
	}
	// A replica has the original form alone.
	for issuer, exit := range map[string]int{replica: 0, strings.Replace(replica, "https://", "https://issuer-", 1): 8} {
		if got := examine(t, w.args("-replicas", "us-west-2", "-jwks", site(t, w.pool.KeySet(), document(issuer, w.pool.JWKSURL()))), token, false); got.exit != exit {
			t.Errorf("%s, with the replica configured: exit code %d, want %d: %s", issuer, got.exit, exit, got.out)
		}
	}
	moved := http.NewServeMux()
	moved.Handle("GET /p"+wellKnownDiscovery, http.RedirectHandler(strings.Replace(w.pool.JWKSURL(), wellKnownKeys, wellKnownDiscovery, 1), http.StatusFound))
	moved.HandleFunc("GET /p"+wellKnownKeys, func(rw http.ResponseWriter, _ *http.Request) { rw.Write(w.pool.KeySet()) })
	s := httptest.NewServer(moved)
	defer s.Close()
	if got := examine(t, w.args("-jwks", s.URL+"/p"+wellKnownKeys), token, false); got.exit != 7 || !strings.Contains(got.out, "status 302") {
		t.Errorf("a discovery document that is elsewhere: exit code %d: %s", got.exit, got.out)
	}
	args := w.args()
	w.pool.Close()
	if got := examine(t, args, token, false); got.exit != 7 || !strings.Contains(got.out, "skipped  clock") {
		t.Errorf("nobody listens: exit code %d: %s", got.exit, got.out)
	}
}

// A clock that is off is told which way, and mended by a setting while one can.
func TestDoctor_clock(t *testing.T) {
	w := newWard(t)
	for _, tt := range []struct {
		off        time.Duration // of the server
		says, mend string
	}{
		{4 * time.Minute, "4m0s behind", "Leeway: 241 * time.Second,"},
		{-4 * time.Minute, "4m0s ahead", "Leeway: 241 * time.Second,"},
		{10 * time.Minute, "10m0s behind", ""},
		{-10 * time.Minute, "10m0s ahead", ""},
	} {
		now := time.Now()
		c := (&examination{leeway: 30 * time.Second}).clock(now, now.Add(tt.off))
		if c.Status != failed || c.exit != 5 || !strings.Contains(c.Why, tt.says) || (c.Mend != "") != (tt.mend != "") || !strings.HasPrefix(c.Mend, tt.mend) {
			t.Errorf("%s: %+v", tt.off, c)
		}
	}
	if c := (&examination{leeway: 30 * time.Second}).clock(time.Now(), time.Now().Add(20*time.Second)); c.Status != passed {
		t.Errorf("within the leeway: %+v", c)
	}
	d := doctor{in: strings.NewReader(w.pool.AccessToken().String()), out: &bytes.Buffer{}, err: &bytes.Buffer{}, now: func() time.Time { return time.Now().Add(3 * time.Minute) }}
	if exit := d.run(t.Context(), w.args()); exit != 5 || !strings.Contains(fmt.Sprint(d.out), " ahead: set its clock") {
		t.Errorf("a machine that is ahead: exit code %d: %s", exit, d.out)
	}
}

// Whoever sits at the keyboard is told what is waited for.
func TestDoctor_asks(t *testing.T) {
	w := newWard(t)
	for _, asks := range []bool{true, false} {
		var told bytes.Buffer
		d := doctor{in: strings.NewReader(w.pool.AccessToken().String()), out: &bytes.Buffer{}, err: &told, now: time.Now, asks: asks}
		if exit := d.run(t.Context(), w.args()); exit != 0 || strings.Contains(told.String(), "Paste the token") != asks {
			t.Errorf("asks %t: exit code %d, told %q", asks, exit, &told)
		}
	}
}

func TestDoctor_colour(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		env      map[string]string
		want     bool
	}{
		{true, nil, true},
		{true, map[string]string{"TERM": "xterm"}, true},
		{false, nil, false},
		{true, map[string]string{"NO_COLOR": "1"}, false},
		{true, map[string]string{"TERM": "dumb"}, false},
	} {
		if got := coloured(tt.terminal, func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%+v: colour %t", tt, got)
		}
	}

	w := newWard(t)
	good := examine(t, w.args(), w.pool.AccessToken().String(), true)
	if !strings.Contains(good.out, "\x1b[32mpassed") || strings.Contains(good.out, "\x1b[31m") || !strings.Contains(good.out, "\nEverything passes.\n") {
		t.Errorf("%q", good.out)
	}
	bad := examine(t, w.args(), w.pool.AccessToken().Tampered().String(), true)
	if !strings.Contains(bad.out, "\x1b[31mfailed \x1b[0m  signature") {
		t.Errorf("%q", bad.out)
	}
	f, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if terminal(f) {
		t.Error("a file is taken for a terminal")
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if terminal(null) {
		t.Errorf("%s is taken for a terminal", os.DevNull)
	}
}

// TestMain is the doctor itself where a test starts it as a process.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AS_DOCTOR") != "" {
		main()
	}
	os.Exit(m.Run())
}

// As the README runs it: a process with the token on standard input, whose exit
// code tells the cause. Its output is no terminal, and has no colour.
func TestDoctor_process(t *testing.T) {
	w := newWard(t)
	for name, tt := range map[string]struct {
		token *cognitotest.Token
		exit  int
		says  string
	}{
		"good":             {w.pool.AccessToken(), 0, "Everything passes."},
		"another client":   {w.pool.AccessToken().Client("2mobile"), 4, "ClientIDs: []string{"},
		"altered":          {w.pool.AccessToken().Tampered(), 6, "failed   signature"},
		"one hour too old": {w.pool.AccessToken().ExpiresIn(-time.Hour), 5, "failed   exp"},
	} {
		cmd := exec.Command(os.Args[0], w.args()...)
		cmd.Env = append(os.Environ(), "RUN_AS_DOCTOR=1")
		cmd.Stdin = strings.NewReader(tt.token.String() + "\n")
		out, err := cmd.CombinedOutput()
		got := examined{exit: cmd.ProcessState.ExitCode(), out: string(out)}
		got.hides(t, name, tt.token.String())
		if got.exit != tt.exit || !strings.Contains(got.out, tt.says) || strings.Contains(got.out, "\x1b") {
			t.Errorf("%s: %v: %+v", name, err, got)
		}
	}
}

// What is no token at all is told so, and what cannot be looked at then takes one
// line. Checks that were skipped for another reason have a line of their own.
func TestDoctor_foldsWhatIsSkipped(t *testing.T) {
	w := newWard(t)
	for input, want := range map[string]string{
		"hello": "header, payload, issuer, token_use, exp, nbf, iat, lifetime, client, subject, audience, cnf, key, signature",
		w.pool.AccessToken().Payload([]byte("{")).String(): "issuer, token_use, exp, nbf, iat, lifetime, client, subject, audience, cnf, key, signature",
		w.pool.AccessToken().Delete("exp").String():        "lifetime",
	} {
		got := examine(t, w.args(), input, false)
		var lines []string
		for line := range strings.Lines(got.out) {
			if rest, ok := strings.CutPrefix(line, "skipped  "); ok && rest != "clock\n" {
				lines = append(lines, strings.TrimSpace(rest))
			}
		}
		if len(lines) != 1 || lines[0] != want {
			t.Errorf("%.20s: skipped are %q, want %s:\n%s", input, lines, want, got.out)
		}
	}
	if got := examine(t, w.args(), "", false); got.exit != 2 || strings.Contains(got.out, "skipped") {
		t.Errorf("no token: %+v", got)
	}
}

// Whoever reads the JSON goes by these names and finds no others.
func TestDoctor_json(t *testing.T) {
	w := newWard(t)
	got := examine(t, w.args("-json"), w.pool.AccessToken().Client("2mobile").String(), true)
	var all map[string]any
	if err := json.Unmarshal([]byte(got.out), &all); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(all)); !slices.Equal(names, []string{"cause", "checks", "exit", "issuer_form", "passed"}) {
		t.Errorf("the report has %q", names)
	}
	seen, steps := map[string]bool{}, []string{}
	for _, c := range all["checks"].([]any) {
		c := c.(map[string]any)
		for name := range c {
			seen[name] = true
		}
		steps = append(steps, fmt.Sprint(c["name"]))
	}
	if names := slices.Sorted(maps.Keys(seen)); !slices.Equal(names, []string{"code", "expected", "found", "mend", "name", "status", "why"}) {
		t.Errorf("the checks have %q", names)
	}
	want := strings.Split("input,configuration,form,header,payload,issuer,token_use,exp,nbf,iat,lifetime,client,subject,audience,cnf,key,signature,"+
		"key set,discovery document,issuer form,agreement,clock", ",")
	if !slices.Equal(steps, want) {
		t.Errorf("the checks are %q, want %q", steps, want)
	}
}

func TestDoctor_broken(t *testing.T) {
	w := newWard(t)
	d := doctor{in: iotest.ErrReader(errors.New("SECRET")), out: &bytes.Buffer{}, err: &bytes.Buffer{}, now: time.Now}
	if exit := d.run(t.Context(), w.args()); exit != 2 {
		t.Errorf("input that cannot be read: exit code %d", exit)
	}
	for _, more := range []string{"-json", "-json=false"} {
		d := doctor{in: strings.NewReader(w.pool.AccessToken().String()), out: full{}, err: &bytes.Buffer{}, now: time.Now}
		if exit := d.run(t.Context(), w.args(more)); exit != 1 {
			t.Errorf("output that cannot be written: exit code %d", exit)
		}
	}
}

// full is a disk that is.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// The exit codes of the README are those of -h.
func TestREADME(t *testing.T) {
	doc, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for row := range strings.Lines(usageExit) {
		if code, text, ok := strings.Cut(strings.TrimSpace(row), "  "); ok {
			count++
			if want := "| " + code + " | " + text + " |\n"; !strings.Contains(string(doc), want) {
				t.Errorf("README.md has no row %q", want)
			}
		}
	}
	if count != len(causes) {
		t.Errorf("%d exit codes in -h, %d causes", count, len(causes))
	}
}
