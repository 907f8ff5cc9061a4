// Command web protects a WebSocket and a stream of events, calls both as a
// browser would, and shows what they answer.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves, calls itself, and writes what it is answered.
func run(ctx context.Context, out io.Writer) error {
	pool, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	cfg := pool.Config()
	cfg.Leeway = time.Millisecond // 30 s by default, and a stream lives as much longer
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	api := newAPI(auth, func(who, what string) {}, time.Minute)
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	defer srv.Close()
	go srv.Serve(l)

	s := show{out, "http://" + l.Addr().String()}
	if err := s.refusals(ctx, pool.AccessToken().String()); err != nil {
		return err
	}
	return s.streams(ctx, pool.AccessToken().ExpiresIn(2*time.Second).String())
}

// show is a browser that writes down what it is answered.
type show struct {
	out  io.Writer
	base string
}

func (s show) say(what, answer string) { fmt.Fprintf(s.out, "%-35s %s\n", what, answer) }

// refusals shows what does not open a stream.
func (s show) refusals(ctx context.Context, token string) error {
	for _, c := range []struct{ what, path string }{
		{"events without anything", "/events"},
		{"events, token in the query", "/events?access_token=" + token},
		{"events, a ticket nobody issued", "/events?ticket=GUESSED"},
		{"chat without anything", "/chat"},
	} {
		res, err := s.get(ctx, c.path)
		if err != nil {
			return err
		}
		s.say(c.what, res.Status)
		res.Body.Close()
	}
	return nil
}

// streams opens both at once with one token, and waits until they end.
func (s show) streams(ctx context.Context, token string) error {
	ticket, err := s.ticket(ctx, token)
	if err != nil {
		return err
	}
	path := "/events?ticket=" + ticket
	res, err := s.get(ctx, path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	s.say("events with a ticket", res.Status)
	again, err := s.get(ctx, path)
	if err != nil {
		return err
	}
	again.Body.Close()
	s.say("events with the same ticket", again.Status)

	conn, _, err := websocket.Dial(ctx, s.base+"/chat", &websocket.DialOptions{Subprotocols: []string{"chat.v1", tokenProtocol + token}})
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	s.say("chat, token as a subprotocol", "opened with "+conn.Subprotocol())
	if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
		return err
	}
	_, message, err := conn.Read(ctx)
	if err != nil {
		return err
	}
	s.say("chat", string(message))

	_, _, closed := conn.Read(ctx)
	s.say("chat, 2 s later", fmt.Sprintf("closed with %d", websocket.CloseStatus(closed)))
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if event, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			s.say("events", event)
		}
	}
	return nil
}

func (s show) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

// ticket is what a script fetches just before it opens a stream.
func (s show) ticket(ctx context.Context, token string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/tickets", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("no ticket: %s", res.Status)
	}
	var body struct{ Ticket string }
	err = json.NewDecoder(res.Body).Decode(&body)
	return body.Ticket, err
}
