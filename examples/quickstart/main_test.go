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
		`POST /orders | token with the scope orders/write | 201 | none`,
		`POST /orders | token without that scope | 403 | Bearer realm="api", error="insufficient_scope", error_description="the token lacks a scope", scope="orders/write"`,
		`GET /reports | token of a user in the group admins | 200 | none`,
		`GET /reports | token of a user outside that group | 403 | none`,
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
	_, api, err := newAPI(pool.Config())
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
	status, challenge := calls(pool), calls(pool)
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
		{"good tokens refused", strict, calls(pool), []string{"any valid token", "with the scope", "without that scope", "in the group", "outside that group"}},
		{"everybody let in", open, calls(pool), []string{"(no token)", "with the scope", "without that scope", "outside that group", "expired", "ID token", "another app client"}},
	} {
		l, err := listen("127.0.0.1:0", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var out bytes.Buffer
		err = serveOn(ctx, l, c.api, func(base string) error {
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
		if strings.Contains(lines.Text(), "until Ctrl-C") {
			return s
		}
	}
	t.Fatalf("ended early: %v\n%s", lines.Err(), s.text)
	return s
}

// curlLine is exactly what is printed: a method other than GET, the URL, and a
// header, nothing that a shell would change but $TOKEN.
var curlLine = regexp.MustCompile(`^curl -i (?:-X ([A-Z]+) )?(http://127\.0\.0\.1:\d+/[a-z]*)(?: -H "Authorization: Bearer ([\w.$-]+)")?$`)

// paste makes the calls of the printed lines and returns their statuses.
func (s started) paste(t *testing.T, token string) (statuses []int) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for line := range strings.Lines(s.text) {
		if !strings.HasPrefix(line, "curl") {
			continue
		}
		m := curlLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("not ready to paste: %s", line)
		}
		r, err := http.NewRequestWithContext(t.Context(), m[1], m[2], nil)
		if err != nil {
			t.Fatal(err)
		}
		if m[3] != "" {
			r.Header.Set("Authorization", "Bearer "+strings.ReplaceAll(m[3], "$TOKEN", token))
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		statuses = append(statuses, res.StatusCode)
	}
	return statuses
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
	want := []int{200, 401, 200, 201, 403, 200, 403, 401, 401, 401}
	if got := s.announced(); !slices.Equal(got, want) {
		t.Errorf("announces %v, want %v", got, want)
	}
	if got := s.paste(t, ""); !slices.Equal(got, want) {
		t.Errorf("answers %v, want %v", got, want)
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
	m := regexp.MustCompile(`(?m)^# why the last one is refused, check by check\necho "(\S+)" \| (go run .*)$`).FindStringSubmatch(s.text)
	if m == nil {
		t.Fatalf("nothing asks the doctor:\n%s", s.text)
	}
	args := strings.Fields(m[2])
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir, cmd.Stdin = "../..", strings.NewReader(m[1]+"\n")
	out, _ := cmd.CombinedOutput() // an error, since the token is refused
	if text := string(out); strings.Count(text, "failed ") != 1 || !strings.Contains(text, "failed   client") || !strings.Contains(text, "exit code 4") {
		t.Errorf("%s\nprints\n%s", m[2], out)
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestEnvironmentNamesAnotherPool(t *testing.T) {
	clearEnv(t)
	pool := cognitotest.NewPool(t, cognitotest.Options{ID: "us-east-1_Another9", ClientIDs: []string{"first1", "second2"}})
	t.Setenv("COGNITO_USER_POOL_ID", pool.ID())
	t.Setenv("COGNITO_CLIENT_IDS", "first1, second2")
	t.Setenv("COGNITO_JWKS_URL", pool.JWKSURL())
	s := start(t, "127.0.0.1:0")
	for _, want := range []string{"us-east-1_Another9", "first1 or second2", "an access token"} {
		if !strings.Contains(s.text, want) {
			t.Errorf("does not name %q:\n%s", want, s.text)
		}
	}
	if strings.Contains(s.text, "eyJ") {
		t.Error("prints a token of a pool that it cannot sign for")
	}
	user := pool.AccessToken().Client("second2")
	stranger := cognitotest.NewPool(t, cognitotest.Options{ID: pool.ID(), ClientIDs: []string{"first1"}})
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
		if got := s.paste(t, c.token); !slices.Equal(got, c.want) {
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

	for _, c := range []struct {
		name, addr string
		env        map[string]string
		want       string
	}{
		{"client IDs missing", "", map[string]string{"COGNITO_USER_POOL_ID": "eu-west-1_AbCdEf123"}, "COGNITO_CLIENT_IDS is not set"},
		{"pool missing", "", map[string]string{"COGNITO_CLIENT_IDS": "a"}, "COGNITO_USER_POOL_ID is not set"},
		{"pool mistyped", "", map[string]string{"COGNITO_USER_POOL_ID": "AbCdEf123", "COGNITO_CLIENT_IDS": "a"}, `"AbCdEf123"`},
		{"keys not to be had", "", map[string]string{"COGNITO_USER_POOL_ID": down.ID(), "COGNITO_CLIENT_IDS": "a", "COGNITO_JWKS_URL": down.JWKSURL()}, down.ID()},
		{"address taken", taken.Addr().String(), nil, taken.Addr().String()},
	} {
		t.Run(c.name, func(t *testing.T) {
			clearEnv(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			var out bytes.Buffer
			if err := serve(t.Context(), c.addr, &out, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if out.Len() > 0 {
				t.Errorf("printed %q", out.String())
			}
		})
	}
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

func TestPrintingFails(t *testing.T) {
	clearEnv(t)
	w := brokenWriter{errors.New("broken")}
	if err := serve(t.Context(), "127.0.0.1:0", w, io.Discard); !errors.Is(err, w.err) {
		t.Errorf("error %v, want %v", err, w.err)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
