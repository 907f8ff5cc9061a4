package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// site is the API on a loopback port.
type site struct {
	show
	pool  *cognitotest.Pool
	heard chan string
	ended chan string // the path of each request, when its handler has returned
	now   *atomic.Pointer[time.Time]
}

// stop stops the clock of the library, so that whenever a stream of the token begins,
// it has so long to live.
func (s site) stop(token *cognitotest.Token, life time.Duration) {
	now := token.Claims().Expiry.Add(-life)
	s.now.Store(&now)
}

func newSite(t *testing.T) site {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	cfg := pool.Config()
	cfg.Leeway = time.Millisecond
	stopped := new(atomic.Pointer[time.Time])
	cfg.Now = func() time.Time {
		if now := stopped.Load(); now != nil {
			return *now
		}
		return time.Now()
	}
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := site{pool: pool, heard: make(chan string, 100), ended: make(chan string, 100), now: stopped}
	api := newAPI(auth, func(who, what string) { s.heard <- who + ": " + what }, 10*time.Millisecond)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { s.ended <- r.URL.Path }()
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	s.base = srv.URL
	return s
}

// within ends a test that waits for something that does not come.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	jane, bad := s.pool.AccessToken().String(), s.pool.AccessToken().Tampered().String()
	const ticket = "?ticket=TICKET" // a fresh one
	for _, c := range []struct {
		name, method, path         string
		authorization, subprotocol string
		status                     int
		code                       string
	}{
		{"ticket without token", "POST", "/tickets", "", "", 401, "token_missing"},
		{"ticket for a bad token", "POST", "/tickets", "Bearer " + bad, "", 401, "signature_invalid"},
		{"ticket by ticket", "POST", "/tickets" + ticket, "", "", 401, "token_missing"},

		{"events without anything", "GET", "/events", "", "", 401, "token_missing"},
		{"events, token in the query", "GET", "/events?access_token=" + jane, "", "", 401, "token_missing"},
		{"events, token as ticket", "GET", "/events?ticket=" + jane, "", "", 401, "token_missing"},
		{"events, empty ticket", "GET", "/events?ticket=", "", "", 401, "token_missing"},
		{"events, ticket", "GET", "/events" + ticket, "", "", 200, ""},
		{"events, header", "GET", "/events", "Bearer " + jane, "", 200, ""},
		{"events, header and ticket", "GET", "/events" + ticket, "Bearer " + jane, "", 400, "credentials_repeated"},
		{"other route, ticket", "GET", "/tickets" + ticket, "", "", 401, "token_missing"},
		{"other method, ticket", "POST", "/events" + ticket, "", "", 401, "token_missing"},

		{"chat without anything", "GET", "/chat", "", "", 401, "token_missing"},
		{"chat, protocol alone", "GET", "/chat", "", "chat.v1", 401, "token_missing"},
		{"chat, subprotocol, no handshake", "GET", "/chat", "", "chat.v1, bearer." + jane, 426, ""},
		{"chat, subprotocol without space", "GET", "/chat", "", "chat.v1,bearer." + jane, 426, ""},
		{"chat, bad token", "GET", "/chat", "", "chat.v1, bearer." + bad, 401, "signature_invalid"},
		{"chat, empty token", "GET", "/chat", "", "chat.v1, bearer.", 400, "credentials_malformed"},
		{"chat, two tokens", "GET", "/chat", "", "bearer." + jane + ", bearer." + jane, 400, "credentials_repeated"},
		{"chat, header and subprotocol", "GET", "/chat", "Bearer " + jane, "bearer." + jane, 400, "credentials_repeated"},
		{"chat, ticket and subprotocol", "GET", "/chat" + ticket, "", "bearer." + jane, 400, "credentials_repeated"},
	} {
		path := c.path
		if strings.HasSuffix(path, ticket) {
			path = strings.Replace(path, "TICKET", freshTicket(t, s, jane), 1)
		}
		header := http.Header{}
		for name, value := range map[string]string{"Authorization": c.authorization, "Sec-WebSocket-Protocol": c.subprotocol} {
			if value != "" {
				header.Set(name, value)
			}
		}
		if status, code := s.call(t, c.method, path, header); status != c.status || code != c.code {
			t.Errorf("%s: got %d %q, want %d %q", c.name, status, code, c.status, c.code)
		}
	}
}

// call returns the status, and the code of a refusal.
func (s site) call(t *testing.T, method, path string, header http.Header) (status int, code string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), method, s.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct{ Code string }
	if res.Header.Get("Content-Type") == "application/problem+json" {
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
			t.Error(err)
		}
	}
	return res.StatusCode, body.Code
}

func freshTicket(t *testing.T, s site, token string) string {
	t.Helper()
	ticket, err := s.ticket(within(t), token)
	if err != nil || ticket == "" {
		t.Fatalf("ticket %q, %v", ticket, err)
	}
	return ticket
}

func TestSubprotocolIsTakenOut(t *testing.T) {
	for _, c := range []struct {
		name           string
		offered        []string
		others         string
		authorizations []string
	}{
		{"none", nil, "", nil},
		{"no token", []string{"chat.v1, chat.v2"}, "chat.v1, chat.v2", nil},
		{"token last", []string{"chat.v1, bearer.a.b.c"}, "chat.v1", []string{"Bearer a.b.c"}},
		{"token first", []string{"bearer.a.b.c,chat.v1"}, "chat.v1", []string{"Bearer a.b.c"}},
		{"token alone", []string{"bearer.a.b.c"}, "", []string{"Bearer a.b.c"}},
		{"two headers", []string{"chat.v1", "bearer.a.b.c"}, "chat.v1", []string{"Bearer a.b.c"}},
		{"two tokens", []string{"bearer.a.b.c", "bearer.d"}, "", []string{"Bearer a.b.c", "Bearer d"}},
	} {
		r := httptest.NewRequest("GET", "/chat", nil)
		r.Header["Sec-Websocket-Protocol"] = c.offered
		fromSubprotocol(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			others := strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), " and ")
			if authorizations := r.Header.Values("Authorization"); others != c.others || !slices.Equal(authorizations, c.authorizations) {
				t.Errorf("%s: passes on %q and %q, want %q and %q", c.name, others, authorizations, c.others, c.authorizations)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
		if !slices.Equal(r.Header.Values("Sec-WebSocket-Protocol"), c.offered) || r.Header.Get("Authorization") != "" {
			t.Errorf("%s: the caller's request was changed", c.name)
		}
	}
}

func TestTicketIsSpentOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ticket := freshTicket(t, s, s.pool.AccessToken().String())
	for i, want := range []int{200, 401} {
		res, err := s.get(within(t), "/events?ticket="+ticket)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("use %d is answered %d, want %d", i+1, res.StatusCode, want)
		}
	}
}

func TestTicketEnds(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
		want  string
	}{
		{"in time", ticketLife - time.Nanosecond, "Bearer abc"},
		{"too late", ticketLife + time.Nanosecond, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := &tickets{authorizations: map[string]string{}}
			r := httptest.NewRequest("POST", "/tickets", nil)
			r.Header.Set("Authorization", "Bearer abc")
			w := httptest.NewRecorder()
			store.issue(w, r)
			var body struct{ Ticket string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body.Ticket == "" {
				t.Fatalf("%v in %s", err, w.Body)
			}
			time.Sleep(c.after)
			var got, query string
			store.redeem(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				got, query = r.Header.Get("Authorization"), r.URL.RawQuery
			}), "/events").ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/events?a=b&ticket="+body.Ticket, nil))
			if got != c.want || query != "a=b" {
				t.Errorf("%s: Authorization %q and query %q are passed on, want %q and %q", c.name, got, query, c.want, "a=b")
			}
		})
	}
}

func TestEventsEndWithTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.pool.AccessToken().ExpiresIn(2 * time.Second)
	res, err := s.get(within(t), "/events?ticket="+freshTicket(t, s, token.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var lines []string
	for scanner := bufio.NewScanner(res.Body); scanner.Scan(); {
		if scanner.Text() != "" {
			lines = append(lines, scanner.Text())
		}
	}
	if early := time.Until(token.Claims().Expiry); early > 0 {
		t.Errorf("ended %v before the token", early)
	}
	if n := len(lines); n < 4 || lines[0] != "data: event 1 for jane" || lines[1] != "data: event 2 for jane" ||
		lines[n-2] != "event: expired" || lines[n-1] != "data: token_expired" {
		t.Errorf("received %q", lines)
	}
}

func dial(t *testing.T, s site, token string) *websocket.Conn {
	t.Helper()
	conn, res, err := websocket.Dial(within(t), s.base+"/chat", &websocket.DialOptions{Subprotocols: []string{"chat.v1", "bearer." + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	if got := res.Header.Values("Sec-WebSocket-Protocol"); len(got) != 1 || got[0] != "chat.v1" {
		t.Errorf("the server chose %q, want chat.v1", got)
	}
	return conn
}

func TestChatEndsWithTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.pool.AccessToken().ExpiresIn(2 * time.Second)
	ctx, conn := within(t), dial(t, s, token.String())
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := conn.Read(ctx); err != nil || string(answer) != "jane: hello" {
		t.Errorf("answered %q, %v", answer, err)
	}
	_, _, err := conn.Read(ctx)
	if got := websocket.CloseStatus(err); got != 4001 {
		t.Errorf("ended with %v, want close code 4001", err)
	}
	if early := time.Until(token.Claims().Expiry); early > 0 {
		t.Errorf("ended %v before the token", early)
	}
}

// A page of another site can open a WebSocket here; Accept refuses it even if
// it has got hold of a token.
func TestChatOfAnotherSite(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, res, err := websocket.Dial(within(t), s.base+"/chat", &websocket.DialOptions{
		Subprotocols: []string{"chat.v1", "bearer." + s.pool.AccessToken().String()},
		HTTPHeader:   http.Header{"Origin": {"https://other.example"}},
	})
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("answered %v, %v, want 403", res, err)
	}
}

// The README shows what the program prints.
func TestREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(within(t), &out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("```text\n"), out.Bytes()...)) {
		t.Errorf("the README does not show this:\n%s", &out)
	}
}
