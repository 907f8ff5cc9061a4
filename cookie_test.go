package cognitoauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// others are n cookies of other names.
func others(n int) string { return strings.TrimSuffix(strings.Repeat("a=b; ", n), "; ") }

// cookies are Cookie headers, one of HTTP/1.1 or several of HTTP/2. $T is a good
// token, and $0, $1 and $2 are its parts.
var cookies = []struct {
	name  string
	lines []string
	code  string // "" for 200
}{
	{"the cookie", []string{"session=$T"}, ""},
	{"among others", []string{"theme=dark; session=$T; lang=en"}, ""},
	{"in a header of its own", []string{"theme=dark", "session=$T", "lang=en"}, ""},
	{"white space around it", []string{" \t session=$T \t "}, ""},
	{"white space behind its name", []string{"session =$T"}, ""},
	{"no space between cookies", []string{"a=b;session=$T;c=d"}, ""},
	{"empty cookies beside it", []string{";; session=$T;;"}, ""},
	{"in double quotes (RFC 6265, section 4.1.1)", []string{`session="$T"`}, ""},
	{"a cookie beside it that cannot be read", []string{"theme=\xff\"\\; session=$T"}, ""},

	{"no cookie", nil, "token_missing"},
	{"an empty header", []string{""}, "token_missing"},
	{"an empty value", []string{"session="}, "token_missing"},
	{"a name alone", []string{"session"}, "token_missing"},
	{"another case", []string{"Session=$T"}, "token_missing"},
	{"a name that ends alike", []string{"mysession=$T"}, "token_missing"},
	{"a name that begins alike", []string{"sessions=$T; session2=$T; session-0=$T"}, "token_missing"},
	{"a value that reads like the cookie", []string{"a=session=$T"}, "token_missing"},

	{"a quote at the end", []string{`session=$T"`}, "credentials_malformed"},
	{"a quote at the start", []string{`session="$T`}, "credentials_malformed"},
	{"a quote alone", []string{`session="`}, "credentials_malformed"},
	{"a quote inside", []string{`session="$T"x"`}, "credentials_malformed"},
	{"a semicolon in quotes", []string{`session="$T;x"`}, "credentials_malformed"},
	{"a backslash", []string{`session=$T\`}, "credentials_malformed"},
	{"a byte that is no ASCII", []string{"session=$T\xff"}, "credentials_malformed"},
	{"a letter that is no ASCII", []string{"session=é$T"}, "credentials_malformed"},
	{"a control", []string{"session=$T\x01"}, "credentials_malformed"},
	{"DEL", []string{"session=$T\x7f"}, "credentials_malformed"},
	{"a control and no token", []string{"session=\x01"}, "credentials_malformed"},

	{"twice", []string{"session=$T; session=$T"}, "credentials_repeated"},
	{"twice, in two headers", []string{"session=$T", "a=b; session=$T"}, "credentials_repeated"},
	{"twice, first one that cannot be read", []string{`session=$T"; session=$T`}, "credentials_repeated"},
	{"twice, last one that cannot be read", []string{"session=$T; session=\xff"}, "credentials_repeated"},
	{"twice, one of them empty", []string{"session=$T; session="}, "credentials_repeated"},
	{"twice, one of them a name alone", []string{"session; session=$T"}, "credentials_repeated"},

	{"the 3,000th", []string{others(2999) + "; session=$T"}, ""},
	{"the 3,000th, in two headers", []string{others(2999), "session=$T"}, ""},
	{"the 3,001st, which net/http drops", []string{others(3000) + "; session=$T"}, "credentials_malformed"},
	{"the 3,001st, in two headers", []string{"session=$T", others(3000)}, "credentials_malformed"},
	{"two among 4,000", []string{"session=$T", others(4000), "session=$T"}, "credentials_repeated"},
	{"none of 4,000", []string{others(4000)}, "token_missing"},

	{"in chunks", []string{"session.0=$0; session.1=$1; session.2=$2"}, ""},
	{"in chunks, in any order", []string{"session.2=$2", "session.0=$0; a=b; session.1=$1"}, ""},
	{"in one chunk", []string{"session.0=$T"}, ""},
	{"in chunks in quotes", []string{`session.0="$0"; session.1="$1"; session.2="$2"`}, ""},
	{"in chunks, of which the last is empty", []string{"session.0=$T; session.1="}, ""},
	{"in chunks, all of them empty", []string{"session.0=; session.1="}, "token_missing"},
	{"in chunks of another name", []string{"sessions.0=$T; session.0.0=$T; session_0=$T"}, "token_missing"},
	{"in chunks without numbers", []string{"session.=$T; session.x=$T; session.0x=$T; session.-1=$T; session.+1=$T"}, "token_missing"},
	{"in chunks with a zero too many", []string{"session.00=$T"}, "token_missing"},
	{"in chunks without the first", []string{"session.1=$1; session.2=$2"}, "credentials_malformed"},
	{"in chunks with a gap", []string{"session.0=$0; session.2=$2"}, "credentials_malformed"},
	{"in chunks, one that cannot be read", []string{"session.0=$0; session.1=$1\\; session.2=$2"}, "credentials_malformed"},
	{"in chunks, one number twice", []string{"session.0=$0; session.1=$1; session.2=$2; session.1=$1"}, "credentials_repeated"},
	{"in chunks, one number twice and a gap", []string{"session.0=$0; session.2=$2; session.2=$2"}, "credentials_repeated"},
	{"in chunks and whole", []string{"session=$T; session.0=$0; session.1=$1; session.2=$2"}, "credentials_repeated"},
	{"the first chunk by the whole name", []string{"session=$0; session.1=$1; session.2=$2"}, "credentials_repeated"},
	{"in chunks, the first number twice", []string{"session.0=$0; session.0=$0; session.1=$1; session.2=$2"}, "credentials_repeated"},
	{"in chunks beside an empty one", []string{"session.0=$T; session="}, "credentials_repeated"},
	{"in chunks, among 4,000", []string{others(4000), "session.0=$T"}, "credentials_malformed"},
	{"with a number that is too large", []string{"session.0=$T; session.64="}, "credentials_malformed"},
	{"with a number that no machine holds", []string{"session.0=$T; session.18446744073709551616="}, "credentials_malformed"},
	{"with that number twice", []string{"session.99=$T; session.99="}, "credentials_malformed"},
}

// Of the cookies with the name, net/http drops those that it cannot read. They
// are there all the same: neither "no token" nor one instead of two.
func TestFromCookie_header(t *testing.T) {
	g := lab.NewGate(t, lab.TokenSource(cognitoauth.FromCookie("session")))
	token := g.Pool.AccessToken().String()
	parts := strings.NewReplacer("$T", token, "$0", token[:100], "$1", token[100:200], "$2", token[200:])
	for _, tt := range cookies {
		for _, path := range []string{"/me", "/greet"} {
			r := lab.Call("GET " + path)
			for _, line := range tt.lines {
				r.Header.Add("Cookie", parts.Replace(line))
			}
			want := map[string]int{"": 200, "token_missing": 401, "credentials_malformed": 400, "credentials_repeated": 400}[tt.code]
			code := tt.code
			if path == "/greet" && want == 401 {
				want, code = 200, ""
			}
			g.Forget()
			w := lab.Ask(g.Auth.Wrap(lab.NewSite(g)), r)
			if got := lab.CodeOf(t, w); w.Code != want || got != code || g.Ran() != (want == 200) {
				t.Errorf("%s (%s): %d %s, want %d %s", tt.name, path, w.Code, got, want, code)
			}
			if who := w.Body.String(); want == 200 && (who == "nobody") != (tt.code == "token_missing") {
				t.Errorf("%s (%s): the handler saw %s", tt.name, path, who)
			}
		}
	}
}

// Chunks are joined by number, not by name: 10 comes after 9.
func TestFromCookie_manyChunks(t *testing.T) {
	source := cognitoauth.FromCookie("s")
	for _, n := range []int{1, 2, 11, 64} {
		r, want := httptest.NewRequest("GET", "/", nil), ""
		for i := range n {
			r.Header["Cookie"] = append([]string{fmt.Sprintf("s.%d=<%d>", i, i)}, r.Header["Cookie"]...)
			want += fmt.Sprintf("<%d>", i)
		}
		if got, err := source(r); got != want || err != nil {
			t.Errorf("%d chunks: %q, %v", n, got, err)
		}
	}
}

// A program that lifts net/http's limit is not held to it.
func TestFromCookie_liftedLimit(t *testing.T) {
	t.Setenv("GODEBUG", "httpcookiemaxnum=0")
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Cookie", others(5000)+"; s=token")
	if got, err := cognitoauth.FromCookie("s")(r); got != "token" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// For each header of up to six of these bytes: the token is the one that net/http
// reads, or there is an error, and no cookie that is there counts as none.
func TestFromCookie_agreesWithNetHTTP(t *testing.T) {
	source := cognitoauth.FromCookie("s")
	r := httptest.NewRequest("GET", "/", nil)
	const alphabet = "s=; \"x\\\xff"
	var try func(header string)
	count := map[string]int{}
	try = func(header string) {
		r.Header["Cookie"] = []string{header}
		there := 0 // by RFC 6265, section 5.4: name=value, separated by semicolons
		for _, pair := range strings.Split(header, ";") {
			if name, _, _ := strings.Cut(pair, "="); strings.Trim(name, " ") == "s" {
				there++
			}
		}
		read := r.CookiesNamed("s")
		token, err := source(r)
		want, kind := "", "none"
		switch {
		case there > 1:
			kind = "credentials_repeated"
		case there == 1 && len(read) == 0:
			kind = "credentials_malformed"
		case there == 1:
			want, kind = read[0].Value, "read"
		}
		count[kind]++
		var e *cognitoauth.Error
		if errors.As(err, &e); token != want || (e != nil) != strings.HasPrefix(kind, "cred") || e != nil && e.Code != kind {
			t.Errorf("Cookie: %q: %q, %v, want %q, %s", header, token, err, want, kind)
		}
		if len(header) < 6 && !t.Failed() {
			for i := range len(alphabet) {
				try(header + alphabet[i:i+1])
			}
		}
	}
	try("")
	if len(count) != 4 {
		t.Errorf("not every kind of header was tried: %v", count)
	}
}

// To find a cookie allocates nothing, however many there are.
func TestFromCookie_allocations(t *testing.T) {
	if lab.RaceDetector() {
		t.Skip("the race detector allocates")
	}
	source := cognitoauth.FromCookie("s")
	for _, n := range []int{1, 100, 2000} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", others(n)+"; s=token")
		if got := testing.AllocsPerRun(10, func() {
			if token, err := source(r); token != "token" || err != nil {
				t.Errorf("%q, %v", token, err)
			}
		}); got != 0 {
			t.Errorf("%d cookies: %v allocations", n, got)
		}
	}
}

// Detail says what is wrong with a cookie, and quotes neither its value nor, of
// Amplify's names, the user's.
func TestFromCookie_detail(t *testing.T) {
	const amplify = "CognitoIdentityServiceProvider.1example23456789."
	for _, tt := range []struct {
		name   string
		header string
		says   []string
	}{
		{"s", `s=SECRET"`, []string{`cookie "s"`, "Config.TokenSource", "quote", "RFC 6265"}},
		{"s", others(3000) + "; s=SECRET", []string{`cookie "s"`, "3,000"}},
		{"s", "s.1=SECRET", []string{`cookie "s"`, "chunks", "missing"}},
		{"s", "s.64=SECRET", []string{`cookie "s"`, "chunks", "63"}},
		{"s", "s=SECRET; s.0=SECRET", []string{`cookie "s"`, "2 came", "chunks"}},
		{amplify + "SECRET.accessToken", amplify + "SECRET.accessToken=\"", []string{amplify + "*.accessTo", "quote"}},
		{amplify + "SECRET.SECRET.SECRET.accessToken", amplify + "SECRET.SECRET.SECRET.accessToken=\"", []string{amplify + "*.accessTo"}},
		{amplify + "LastAuthUser", amplify + "LastAuthUser=SECRET\"", []string{amplify + "LastAuthUser"[:10]}},
		{strings.Repeat("n", 80), strings.Repeat("n", 80) + "=\"", []string{strings.Repeat("n", 64) + `"...`}},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", tt.header)
		_, err := cognitoauth.FromCookie(tt.name)(r)
		detail := lab.AsRefusal(t, err).Detail()
		for _, part := range tt.says {
			if !strings.Contains(detail, part) {
				t.Errorf("%s: %q does not say %q", tt.header[max(0, len(tt.header)-20):], detail, part)
			}
		}
		if strings.Contains(detail, "SECRET") {
			t.Errorf("%q quotes the request", detail)
		}
	}
}

// Every answer of a route that reads a cookie tells caches so, whether or not
// the request has one.
func TestFromCookie_vary(t *testing.T) {
	cookie := cognitoauth.FromCookie("session")
	either := func(r *http.Request) (string, error) {
		if token, err := cognitoauth.FromAuthorization()(r); token != "" || err != nil {
			return token, err
		}
		return cookie(r)
	}
	for _, tt := range []struct {
		name   string
		source cognitoauth.TokenSource
		want   string
	}{
		{"nil", nil, ""},
		{"FromAuthorization, which is the same", cognitoauth.FromAuthorization(), ""},
		{"FromCookie", cookie, "Cookie"},
		{"FromHeader, which a login cookie fills", cognitoauth.FromHeader("x-amzn-oidc-accesstoken"), "Cookie"},
		{"header, else cookie", either, "Cookie"},
	} {
		g := lab.NewGate(t, lab.TokenSource(tt.source))
		mux := lab.NewSite(g)
		mux.Handle("/varies", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Add("Vary", "Accept") }))
		token := g.Pool.AccessToken().String()
		for _, line := range []string{"GET /me", "HEAD /me", "GET /greet", "GET /orders", "GET /nowhere", "GET /varies", "GET /healthz"} {
			for offer, headers := range map[string][]string{
				"none": nil, "bad": {"Cookie", "session=bad", "Authorization", "Bearer bad"}, "repeated": {"Cookie", "session=a; session=b"},
				"good cookie": {"Cookie", "session=" + token}, "good header": {"Authorization", "Bearer " + token, "X-Amzn-Oidc-Accesstoken", token},
			} {
				w := lab.Ask(g.Auth.Wrap(mux), lab.Call(line, headers...))
				want := tt.want
				if line == "GET /healthz" {
					want = ""
				}
				got := strings.Join(w.Header().Values("Vary"), ", ")
				if line == "GET /varies" && w.Code == 200 {
					want = strings.TrimPrefix(want+", Accept", ", ")
				}
				if got != want {
					t.Errorf("%s, %s with %s: %d with Vary %q, want %q", tt.name, line, offer, w.Code, got, want)
				}
			}
		}
	}
}
