package main

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// pipes is a listener whose connections buffer nothing: what one side does not
// read, the other has not written.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	p <- there
	return here, nil
}

// newBubble is the API inside a synctest bubble, where a minute takes no time,
// and a client of it that speaks HTTP/2 if asked to.
func newBubble(t *testing.T, every time.Duration, http2 bool) (site, *http.Client) {
	t.Helper()
	pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	auth, err := cognitoauth.New(pool.Config())
	if err != nil {
		t.Fatal(err)
	}
	s := site{pool: pool, heard: make(chan string, 100), ended: make(chan string, 100)}
	s.base = "http://api.example"
	api := newAPI(auth, func(who, what string) { s.heard <- who + ": " + what }, every)
	var speaks http.Protocols
	speaks.SetHTTP1(!http2)
	speaks.SetUnencryptedHTTP2(http2)
	srv := &http.Server{Protocols: &speaks, ReadTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { s.ended <- r.URL.Path }()
		api.ServeHTTP(w, r)
	})}
	listener := make(pipes)
	go srv.Serve(listener)
	transport := &http.Transport{Protocols: &speaks, HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}, DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		srv.Close()
	})
	return s, &http.Client{Transport: transport}
}

// openEvents opens the stream of events with a token that lives for so long.
func openEvents(t *testing.T, s site, client *http.Client, life time.Duration) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.pool.AccessToken().ExpiresIn(life).String())
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	if res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	return res
}

// Between two events nothing is written for longer than a write may take, and
// the stream lives on: to HTTP/2 a deadline that stands is a stream to reset,
// written to or not.
func TestEventsThatAreRare(t *testing.T) {
	for _, major := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			s, client := newBubble(t, time.Minute, major == 2)
			began := time.Now()
			res := openEvents(t, s, client, 135*time.Second)
			if res.ProtoMajor != major {
				t.Errorf("answered by %s, want HTTP/%d", res.Proto, major)
			}
			var lines []string
			scanner := bufio.NewScanner(res.Body)
			for scanner.Scan() {
				if scanner.Text() != "" {
					lines = append(lines, scanner.Text())
				}
			}
			want := []string{"data: event 1 for jane", "data: event 2 for jane", "data: event 3 for jane", "event: expired", "data: token_expired"}
			if !slices.Equal(lines, want) || scanner.Err() != nil {
				t.Errorf("HTTP/%d: received %q, %v; want %q", major, lines, scanner.Err(), want)
			}
			if took, want := time.Since(began), 165*time.Second; took != want { // with the default leeway
				t.Errorf("HTTP/%d: ended after %s, want %s", major, took, want)
			}
		})
	}
}

// Whoever opens a stream and does not read it holds the handler for as long as
// one write may take, not until the token expires.
func TestEventsThatNobodyReads(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s, client := newBubble(t, time.Second, http2)
			openEvents(t, s, client, 10*time.Hour)
			began := time.Now()
			select {
			case <-s.ended:
			case <-time.After(time.Hour):
				t.Fatalf("the handler still runs after an hour; HTTP/2: %t", http2)
			}
			if took := time.Since(began); took < 10*time.Second {
				t.Errorf("ended after %s, and a write may take 10 s; HTTP/2: %t", took, http2)
			}
		})
	}
}

// A client need not read the close frame, nor anything that is sent before it.
// What it says then is not heard.
func TestChatHearsNothingAfterTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := newBubble(t, time.Minute, false)
		token := s.pool.AccessToken().ExpiresIn(2 * time.Second)
		conn, _, err := websocket.Dial(t.Context(), s.base+"/chat", &websocket.DialOptions{
			HTTPClient: client, Subprotocols: []string{"chat.v1", "bearer." + token.String()}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		say := func(what string) {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(what)); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		say("in time")
		if _, _, err := conn.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := <-s.heard; got != "jane: in time" {
			t.Errorf("heard %q", got)
		}
		ends, cancel := cognitoauth.WithExpiry(t.Context(), token.Claims())
		defer cancel()
		<-ends.Done()
		synctest.Wait() // until the server writes its close frame
		say("too late")
		select {
		case <-s.ended:
		case <-time.After(time.Minute):
			t.Error("the handler still runs after a minute")
		}
		if len(s.heard) > 0 {
			t.Errorf("heard %q", <-s.heard)
		}
	})
}

// Whoever says something in the chat and does not read the answer holds the handler for
// as long as one write may take, not until the token expires.
func TestChatThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := newBubble(t, time.Minute, false)
		conn, _, err := websocket.Dial(t.Context(), s.base+"/chat", &websocket.DialOptions{
			HTTPClient: client, Subprotocols: []string{"chat.v1", "bearer." + s.pool.AccessToken().ExpiresIn(time.Hour).String()}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		select {
		case <-s.ended:
		case <-time.After(time.Minute):
			t.Error("the handler still runs after a minute")
		}
	})
}

// dialTicks opens the WebSocket whose handler returns, and waits until it has.
func dialTicks(t *testing.T, s site, client *http.Client, life time.Duration) *websocket.Conn {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + s.pool.AccessToken().ExpiresIn(life).String()}}
	conn, _, err := websocket.Dial(t.Context(), s.base+"/ticks", &websocket.DialOptions{HTTPClient: client, HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.CloseNow() })
	select {
	case <-s.ended:
	case <-time.After(time.Second):
		t.Fatal("the handler has not returned")
	}
	return conn
}

// A stream goes on when its handler has returned, until its token ends.
func TestTicksOutliveTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := newBubble(t, time.Minute, false)
		began := time.Now()
		conn := dialTicks(t, s, client, 135*time.Second)
		var heard []string
		for {
			_, message, err := conn.Read(t.Context())
			if err != nil {
				if got := websocket.CloseStatus(err); got != tokenExpired {
					t.Errorf("closed with %d, %v; want %d", got, err, tokenExpired)
				}
				break
			}
			heard = append(heard, string(message))
		}
		if want := []string{"tick 1 for jane", "tick 2 for jane", "tick 3 for jane"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		if took, want := time.Since(began), 165*time.Second; took != want { // with the default leeway
			t.Errorf("ended after %s, want %s", took, want)
		}
	})
}

// The goroutine ends with its client, long before the next tick and the token.
func TestTicksEndWithTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, client := newBubble(t, time.Hour, false)
		conn := dialTicks(t, s, client, 2*time.Hour)
		if _, _, err := conn.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		running := func() bool {
			synctest.Wait()
			all := make([]byte, 1<<20)
			return strings.Contains(string(all[:runtime.Stack(all, true)]), "web.ticks.")
		}
		if !running() {
			t.Fatal("it does not run while the client is there")
		}
		conn.CloseNow()
		if running() {
			t.Error("it runs on without a client")
		}
	})
}
