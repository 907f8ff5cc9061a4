// Command tenants is an API for a thousand tenants, each with a user pool of its own,
// that come and go while it serves. It needs no AWS account:
//
//	go run ./examples/tenants
//
// adds a tenant and reloads on SIGHUP, removes one and reloads by an admin route,
// breaks the file, takes the key endpoint away, and prints what the API answers.
//
// What to copy is in registry.go. This file makes the tenants, their tokens and the
// requests.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "tenants")
	if err != nil {
		log.Fatal("tenants: ", err)
	}
	err = demonstrate(context.Background(), dir, os.Stdout)
	os.RemoveAll(dir)
	if err != nil {
		log.Fatal("tenants: ", err)
	}
}

// world is the API with all that is around it.
type world struct {
	out    io.Writer
	signer *cognitotest.Pool
	keys   *endpoint
	file   string
	reg    *registry
	api    http.Handler
}

const operators = "eu-west-1_Operators"

// newWorld makes the API for the tenants with the numbers 0 to n-1. One pool signs for
// all of them, since it takes minutes to make the keys of a thousand.
func newWorld(dir string, n int, out io.Writer) (*world, error) {
	signer, err := cognitotest.Start(cognitotest.Options{ID: operators, InProcess: true})
	if err != nil {
		return nil, err
	}
	w := &world{out: out, signer: signer, keys: &endpoint{of: signer}, file: filepath.Join(dir, "tenants.json")}
	if err := w.write(numbered(0, n)); err != nil {
		return nil, err
	}
	base := signer.Config()
	base.HTTPClient = &http.Client{Transport: w.keys}
	if w.reg, err = newRegistry(base, w.file); err != nil {
		return nil, err
	}
	w.api = w.reg.api()
	return w, nil
}

// endpoint stands for the network: all key sets come from it, and all are alike.
type endpoint struct {
	of   *cognitotest.Pool
	down atomic.Bool
	asks atomic.Int64
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.asks.Add(1)
	if e.down.Load() {
		return nil, errors.New("no route to host")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(e.of.KeySet())), Request: r}, nil
}

func poolID(n int) string { return fmt.Sprintf("eu-west-1_Tenant%04d", n) }

// numbered are the tenants with the numbers from first to before end.
func numbered(first, end int) (all []tenant) {
	for n := first; n < end; n++ {
		all = append(all, tenant{poolID(n), []string{fmt.Sprintf("client%04d", n)}})
	}
	return all
}

// write writes the file. It renames a complete one: a reload must not read half.
func (w *world) write(all []tenant) error {
	text, err := json.MarshalIndent(map[string]any{"tenants": all}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(w.file+".new", w.file)
}

// token is one of a user of a tenant.
func (w *world) token(n int) *cognitotest.Token {
	return w.signer.AccessToken().User("ada").Client(fmt.Sprintf("client%04d", n)).
		Set("iss", "https://cognito-idp.eu-west-1.amazonaws.com/"+poolID(n))
}

// send sends a request, and prints what is answered.
func (w *world) send(line string, token *cognitotest.Token, with string) {
	method, path, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, path, nil)
	if token != nil {
		r.Header.Set("Authorization", "Bearer "+token.String())
	}
	got := httptest.NewRecorder()
	w.api.ServeHTTP(got, r)
	answer := strings.TrimSpace(got.Body.String())
	var refusal struct{ Code string }
	if json.Unmarshal(got.Body.Bytes(), &refusal) == nil {
		answer = refusal.Code
	}
	w.say("request", "%s by %s", line, with)
	for i, text := range strings.Split(answer, "\n") {
		status := ""
		if i == 0 {
			status = fmt.Sprint(got.Code)
		}
		w.say("", "%4s %s", status, text)
	}
}

func (w *world) say(what, format string, args ...any) {
	fmt.Fprintf(w.out, "%-8s %s\n", what, fmt.Sprintf(format, args...))
}

// demonstrate runs the whole story.
func demonstrate(ctx context.Context, dir string, out io.Writer) error {
	const many = 1000
	w, err := newWorld(dir, many, out)
	if err != nil {
		return err
	}
	defer w.signer.Close()
	w.say("start", "%d tenants in %s", many, filepath.Base(w.file))
	w.send("GET /readyz", nil, "nobody: it asks for the operators' keys alone")
	w.send("GET /whoami", w.token(7), "tenant 7")
	w.send("GET /whoami", w.token(many), "tenant 1000, who is not in the file")

	if err := w.write(numbered(0, many+1)); err != nil {
		return err
	}
	w.say("added", "tenant 1000 to the file, and sent SIGHUP")
	if err := w.hangUp(ctx); err != nil {
		return err
	}
	w.send("GET /whoami", w.token(many), "tenant 1000")

	w.keys.down.Store(true)
	w.say("outage", "no key endpoint can be reached")
	if err := w.write(append(numbered(0, 7), numbered(8, many+1)...)); err != nil {
		return err
	}
	w.say("removed", "tenant 7 from the file")
	operator := w.signer.AccessToken().Scopes("tenants/reload")
	w.send("POST /admin/reload", w.token(many).Scopes("tenants/reload"), "tenant 1000, with the operators' scope")
	w.send("POST /admin/reload", operator, "an operator")
	w.send("GET /whoami", w.token(7), "tenant 7")
	w.send("GET /whoami", w.token(many), "tenant 1000, whose keys are still there")

	broken := numbered(0, many)
	broken[3].Clients, broken[5].Pool = nil, broken[4].Pool
	if err := w.write(broken); err != nil {
		return err
	}
	w.say("broken", "two entries of the file, and took tenant 1000 out of it")
	w.send("POST /admin/reload", operator, "an operator")
	w.send("GET /whoami", w.token(many), "tenant 1000: nothing has changed")
	w.say("keys", "were fetched %d times, for %d pools", w.keys.asks.Load(), len(w.reg.auth.Status()))
	return nil
}

// hangUp sends this process a SIGHUP, as kill -HUP would, and waits for the reload.
func (w *world) hangUp(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan error, 1)
	go w.reg.follow(ctx, hup, func(tenants int, err error) {
		w.say("reload", "%d tenants", tenants)
		done <- err
	})
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGHUP)
	}
	if err != nil { // Windows has no SIGHUP to send
		hup <- syscall.SIGHUP
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
