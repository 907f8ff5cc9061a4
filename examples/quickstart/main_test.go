package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// clearEnv makes a test independent of what the developer's shell has set.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "COGNITO_") {
			t.Setenv(name, "")
		}
	}
}

func TestSelfcheckPrintsEveryAnswer(t *testing.T) {
	t.Setenv("COGNITO_USER_POOL_ID", "not looked at")
	var out bytes.Buffer
	if err := runSelfcheck(t.Context(), "", &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	const invalid = `Bearer realm="api", error="invalid_token", error_description=`
	want := []string{
		`REQUEST | WITH | STATUS | CHALLENGE`,
		`GET /healthz | no token, open to anyone | 200 | none`,
		`GET /me | no token | 401 | Bearer realm="api"`,
		`GET /me | any valid token | 200 | none`,
		`POST /orders | token without the scope orders/write | 403 | Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`,
		`GET /reports | token of a user outside the group admins | 403 | none`,
		`POST /orders | token with the scope orders/write | 201 | none`,
		`GET /reports | token of a user in the group admins | 200 | none`,
		`GET /me | expired token | 401 | ` + invalid + `"the token has expired"`,
		`GET /me | ID token | 401 | ` + invalid + `"this kind of token is not accepted"`,
		`GET /me | token of another app client | 401 | ` + invalid + `"the token was issued to another client"`,
		``,
		`10 of 10 answers as expected`,
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	columns := regexp.MustCompile(` {2,}`)
	for i, line := range got {
		got[i] = columns.ReplaceAllString(line, " | ")
	}
	if !slices.Equal(got, want) {
		t.Errorf("printed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// An answer that differs is reported, whatever it differs in.
func TestSelfcheckFails(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	auth, api, err := newAPI(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	rejectAll := pool.Config()
	rejectAll.Pools[0].ClientIDs = []string{"nobody"}
	_, strict, err := newAPI(rejectAll)
	if err != nil {
		t.Fatal(err)
	}
	open := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })
	status, challenge := slices.Clone(calls), slices.Clone(calls)
	status[2].status = 204
	challenge[7].challenge += " "

	for _, c := range []struct {
		name string
		api  http.Handler
		all  []call
		want []string // what the error has to name, one for each call that differs
	}{
		{"status", api, status, []string{"GET /me (any valid token)"}},
		{"challenge", api, challenge, []string{"GET /me (expired token)"}},
		{"good tokens refused", strict, calls, []string{"any valid token", "without the scope", "outside the group", "with the scope", "in the group"}},
		{"everybody let in", open, calls, []string{"(no token)", "without the scope", "outside the group", "with the scope", "expired", "ID token", "another app client"}},
	} {
		l, err := listen("127.0.0.1:0", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var out bytes.Buffer
		site, err := withFront(auth, c.api, pool, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = serveOn(ctx, l, site, func(base string) error {
			defer stop()
			return selfcheck(ctx, &out, base, c.all)
		})
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) || !slices.EqualFunc(lines, c.want, strings.Contains) {
			t.Errorf("%s: error\n%v\nwant one line with each of %q", c.name, err, c.want)
		}
		if last := strconv.Itoa(10-len(c.want)) + " of 10 answers as expected\n"; !strings.HasSuffix(out.String(), last) {
			t.Errorf("%s: printed\n%swant %q at the end", c.name, out.String(), last)
		}
	}
}

// started is a quickstart that runs until stop is called.
type started struct {
	text string // what it has printed
	stop func() error
}

func start(t *testing.T, addr string) started {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := serve(ctx, addr, w, io.Discard)
		w.CloseWithError(cmp.Or(err, io.EOF))
		done <- err
	}()
	s := started{stop: func() error { cancel(); return <-done }}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.text += lines.Text() + "\n"
		if strings.HasSuffix(lines.Text(), "/playground/") { // its address is the last line
			return s
		}
	}
	t.Fatalf("ended early: %v\n%s", lines.Err(), s.text)
	return s
}

// What is printed, exactly: a method other than GET, the URL, and a header;
// nothing that a shell would change but $TOKEN.
var (
	curlLine  = regexp.MustCompile(`^curl -i (?:-X ([A-Z]+) )?(http://127\.0\.0\.1:\d+/[a-z]*)( -H "Authorization: Bearer \$TOKEN")?$`)
	tokenLine = regexp.MustCompile(`^TOKEN=\$\(curl -s (http://127\.0\.0\.1:\d+/token/[a-z-]+)\)$`)
)

// paste does what the printed commands say, with typed where a token is to be
// typed, and returns the statuses of the calls and TOKEN as it is at the end.
func (s started) paste(t *testing.T, typed string) (statuses []int, token string) {
	t.Helper()
	for line := range strings.Lines(s.text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "read -rs TOKEN" {
			token = typed
			continue
		}
		if m := tokenLine.FindStringSubmatch(line); m != nil {
			status, body := fetch(t, "GET", m[1], "")
			if status != 200 {
				t.Fatalf("%s: %d %s", line, status, body)
			}
			token = strings.TrimRight(body, "\n") // as $(...) does
			continue
		}
		if !strings.Contains(line, "curl ") {
			continue
		}
		m := curlLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not ready to paste: %s", line)
		}
		authorization := ""
		if m[3] != "" {
			authorization = "Bearer " + token
		}
		status, _ := fetch(t, m[1], m[2], authorization)
		statuses = append(statuses, status)
	}
	return statuses, token
}

func fetch(t *testing.T, method, url, authorization string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(all)
}

// announced are the statuses that the printed comments promise.
func (s started) announced() (statuses []int) {
	for _, m := range regexp.MustCompile(`(?m)^# (\d{3}): `).FindAllStringSubmatch(s.text, -1) {
		n, _ := strconv.Atoi(m[1])
		statuses = append(statuses, n)
	}
	return statuses
}

func TestPrintedLinesWork(t *testing.T) {
	clearEnv(t)
	s := start(t, "127.0.0.1:0")
	want := []int{200, 401, 200, 403, 403, 201, 200, 401, 401, 401}
	if got := s.announced(); !slices.Equal(got, want) {
		t.Errorf("announces %v, want %v", got, want)
	}
	if got, _ := s.paste(t, ""); !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
	}
	if strings.Contains(s.text, "eyJ") {
		t.Error("prints a token: it is a thousand characters long")
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	base := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(s.text)
	if c, err := net.Dial("tcp", base); err == nil {
		c.Close()
		t.Errorf("%s still listens", base)
	}
}

// The line that asks the doctor, pasted at the root of the repository.
func TestPrintedDoctorWorks(t *testing.T) {
	clearEnv(t)
	s := start(t, "127.0.0.1:0")
	m := regexp.MustCompile(`(?m)^# why that was refused, .*\necho "\$TOKEN" \| (go run .*) \\\n(.*)$`).FindStringSubmatch(s.text)
	if m == nil {
		t.Fatalf("nothing asks the doctor:\n%s", s.text)
	}
	args := strings.Fields(m[1] + m[2])
	_, token := s.paste(t, "")
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = "../..", strings.NewReader(token+"\n")
	out, _ := cmd.CombinedOutput() // an error, since the token is refused
	if text := string(out); strings.Count(text, "failed ") != 1 || !strings.Contains(text, "failed   client") || !strings.Contains(text, "exit code 4") {
		t.Errorf("%s\nprints\n%s", m[0], out)
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// freshPool is a pool with keys of its own. A configuration from the environment
// trusts those of NewPool no more than one of a service that runs.
func freshPool(t *testing.T, o cognitotest.Options) *cognitotest.Pool {
	t.Helper()
	pool, err := cognitotest.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestEnvironmentNamesAnotherPool(t *testing.T) {
	clearEnv(t)
	pool := freshPool(t, cognitotest.Options{ID: "us-east-1_Another9", ClientIDs: []string{"first1", "second2"}})
	t.Setenv("COGNITO_USER_POOL_ID", pool.ID())
	t.Setenv("COGNITO_CLIENT_IDS", "first1, second2")
	t.Setenv("COGNITO_JWKS_URL", pool.JWKSURL())
	s := start(t, "127.0.0.1:0")
	for _, want := range []string{"us-east-1_Another9", "first1 or second2", "an access token", "aws cognito-idp initiate-auth"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("does not name %q:\n%s", want, s.text)
		}
	}
	if strings.Contains(s.text, "eyJ") {
		t.Error("prints a token of a pool that it cannot sign for")
	}
	if strings.Contains(s.text, "/token/") {
		t.Error("offers tokens of a pool that it cannot sign for")
	}
	base := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(s.text)
	if status, _ := fetch(t, "GET", base+"/token/jane", ""); status != 401 {
		t.Errorf("/token/jane answers %d, want 401 as any unknown path", status)
	}
	user := pool.AccessToken().Client("second2")
	stranger := freshPool(t, cognitotest.Options{ID: pool.ID(), ClientIDs: []string{"first1"}})
	for _, c := range []struct {
		name, token string
		want        []int
	}{
		{"as announced", user.String(), s.announced()},
		{"user's token", user.String(), []int{200, 401, 200, 403, 403}},
		{"scope and group", user.Scopes("orders/write").Groups("admins").String(), []int{200, 401, 200, 201, 200}},
		{"ID token", pool.IDToken().String(), []int{200, 401, 401, 401, 401}},
		{"keys of somebody else", stranger.AccessToken().String(), []int{200, 401, 401, 401, 401}},
	} {
		if got, _ := s.paste(t, c.token); !slices.Equal(got, c.want) {
			t.Errorf("%s: answers %v, want %v", c.name, got, c.want)
		}
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestDoesNotStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	down := cognitotest.NewPool(t, cognitotest.Options{})
	down.SetFault(cognitotest.Fault{Status: http.StatusNotFound})

	type start struct {
		name, addr string
		env        map[string]string
		want       string
	}
	all := []start{
		{"client IDs missing", "", map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_AbCdEf123"}, "COGNITO_CLIENT_IDS is not set"},
		{"pool missing", "", map[string]string{"COGNITO_CLIENT_IDS": "a"}, "COGNITO_USER_POOL_ID is not set"},
		{"pool mistyped", "", map[string]string{"COGNITO_USER_POOL_ID": "AbCdEf123", "COGNITO_CLIENT_IDS": "a"}, `"AbCdEf123"`},
		{"keys not to be had", "", map[string]string{"COGNITO_USER_POOL_ID": down.ID(), "COGNITO_CLIENT_IDS": "a", "COGNITO_JWKS_URL": down.JWKSURL()}, down.ID()},
		{"address taken", taken.Addr().String(), nil, taken.Addr().String() + " is in use by another program"},
		{"typo", "", map[string]string{"COGNITO_CLIENT_ID": "a"}, "COGNITO_CLIENT_ID is set, but is not read: did you mean COGNITO_CLIENT_IDS?"},
	}
	// A machine without a network has no such address.
	if ip := outsideAddress(t); ip != nil {
		all = append(all, start{"address without tokens", net.JoinHostPort(ip.String(), "0"), nil, "the embedded pool gives no tokens elsewhere"})
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			clearEnv(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			// What is printed says that it has started, which ends it here.
			err := serve(t.Context(), c.addr, brokenWriter{errors.New("started")}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// outsideAddress is an address of this machine that others can reach, or nil.
func outsideAddress(t *testing.T) net.IP {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP
		}
	}
	return nil
}

func TestPreferredPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	l, err := listen("", taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if host, _, _ := net.SplitHostPort(l.Addr().String()); host != "127.0.0.1" || l.Addr().String() == taken.Addr().String() {
		t.Errorf("listens on %s", l.Addr())
	}
}

// Whoever asks for no port gets another one, and is told so.
func TestDefaultPortTaken(t *testing.T) {
	clearEnv(t)
	taken, err := net.Listen("tcp", defaultAddr)
	if err == nil { // otherwise somebody else has it, which does as well
		defer taken.Close()
	}
	s := start(t, "")
	defer s.stop()
	if strings.Contains(s.text, "http://"+defaultAddr) || !strings.Contains(s.text, "("+defaultAddr+" is in use") {
		t.Errorf("does not say that its port is another:\n%s", s.text)
	}
}

func TestBaseURL(t *testing.T) {
	for _, tt := range []struct {
		ip     string
		want   string
		tokens bool
	}{
		{"127.0.0.1", "http://127.0.0.1:8080", true},
		{"127.0.0.2", "http://127.0.0.2:8080", true},
		{"::1", "http://localhost:8080", true},
		{"0.0.0.0", "http://127.0.0.1:8080", true},
		{"::", "http://127.0.0.1:8080", true},
		{"192.0.2.1", "http://192.0.2.1:8080", false},
		{"2001:db8::1", "http://[2001:db8::1]:8080", false},
	} {
		a := &net.TCPAddr{IP: net.ParseIP(tt.ip), Port: 8080}
		if got := baseURL(a); got != tt.want || givesTokens(a) != tt.tokens {
			t.Errorf("%s: %s, gives tokens %t", tt.ip, got, givesTokens(a))
		}
	}
}

func TestPrintingFails(t *testing.T) {
	clearEnv(t)
	w := brokenWriter{errors.New("broken")}
	if err := serve(t.Context(), "127.0.0.1:0", w, io.Discard); !errors.Is(err, w.err) {
		t.Errorf("error %v, want %v", err, w.err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
