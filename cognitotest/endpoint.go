package cognitotest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// Fault is a way for the endpoint to fail, key set and discovery document
// alike. Fields combine; the zero value answers as if nothing were wrong.
type Fault struct {
	// Host limits the fault to requests for this host, "host" or "host:port" as
	// the URL has it. Zero: all.
	Host string

	// Status is the status of the answer. Zero: 200, or 302 with Redirect.
	Status int

	// Header is set on the answer: Retry-After, Cache-Control.
	Header http.Header

	// ContentType replaces application/json.
	ContentType string

	// Body replaces the document; empty but not nil is an empty body. Nil: the
	// document under status 200, otherwise the status in words.
	Body []byte

	// Redirect is the Location of the answer.
	Redirect string

	// Delay is waited for before the answer begins.
	Delay time.Duration

	// Drip is waited for before each byte of the body.
	Drip time.Duration

	// Hang answers nothing until the client gives up or the listener ends.
	Hang bool

	// Abort breaks the connection instead of answering, after Delay.
	Abort bool
}

// SetFault decides how the requests that come from now on fail. Of several
// faults the first whose Host fits counts; none at all heals the endpoint.
func (p *Pool) SetFault(faults ...Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.Clone(faults)
}

// Fetches returns how often the key set was asked for, whatever the answer.
func (p *Pool) Fetches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fetches
}

// Requests returns the URLs of all requests that have reached the pool, over
// the socket or in the process, in order of arrival.
func (p *Pool) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

const (
	keySetPath    = "/.well-known/jwks.json"
	discoveryPath = "/.well-known/openid-configuration"
)

// JWKSURL returns the URL of the key set: one on loopback, or, if the pool is
// InProcess, the one below the issuer, which only [Pool.Client] can reach.
func (p *Pool) JWKSURL() string {
	if p.origin == "" {
		return p.issuer + keySetPath
	}
	return p.origin + "/" + p.id + keySetPath
}

// Client returns a client whose requests the pool answers in the process,
// whatever their host: the key set at any /{pool id}/.well-known/jwks.json, the
// discovery document beside it at openid-configuration, and 404 elsewhere. It
// starts no goroutine and waits for nothing but timers and the context of the
// request, so it can be used in a synctest bubble.
func (p *Pool) Client() *http.Client { return Client(p) }

// Client is [Pool.Client] for a program that trusts several pools: the pool
// whose id is in the path answers, and the first one where that is none of
// them.
func Client(first *Pool, others ...*Pool) *http.Client {
	return &http.Client{Transport: transport(append([]*Pool{first}, others...))}
}

type transport []*Pool

// BringsShipped lets the library trust the keys of [NewPool] where this transport
// brings them.
func (t transport) BringsShipped(kit.Door) bool {
	return slices.ContainsFunc(t, func(p *Pool) bool { return !p.freshKeys })
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	for _, p := range t {
		if p.document(r.URL.Path) != nil {
			return p.answer(r)
		}
	}
	return t[0].answer(r)
}

// listen serves the pool on a loopback port.
func (p *Pool) listen() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup // the Serve below and its connections
	srv := &http.Server{
		Handler:           http.HandlerFunc(p.serve),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				running.Add(1)
			case http.StateClosed:
				running.Done()
			}
		},
	}
	running.Go(func() { srv.Serve(l) })
	p.origin = "http://" + l.Addr().String()
	p.stop = func() {
		cancel()
		srv.Close()
		running.Wait()
	}
	return nil
}

// serve is answer over a socket.
func (p *Pool) serve(w http.ResponseWriter, r *http.Request) {
	r.URL.Scheme, r.URL.Host = "http", r.Host
	res, err := p.answer(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	var body io.Writer = w
	if res.ContentLength < 0 {
		body = flushing{w}
		body.Write(nil) // the header does not wait for the first byte
	}
	if _, err := io.Copy(body, res.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// flushing sends each write off at once.
type flushing struct{ w http.ResponseWriter }

func (f flushing) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	return n, err
}

// answer is the endpoint: both ways to it end here.
func (p *Pool) answer(r *http.Request) (*http.Response, error) {
	f, err := p.arrive(r.URL)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if f.Hang {
		<-ctx.Done()
	}
	if err := wait(ctx, f.Delay); err != nil {
		return nil, err
	}
	if f.Abort {
		return nil, errors.New("cognitotest: connection broken on purpose")
	}
	return f.response(r, p.document(r.URL.Path)), nil
}

// response is the answer where doc, nil for none, is the document asked for.
func (f Fault) response(r *http.Request, doc func() []byte) *http.Response {
	status := cmp.Or(f.Status, http.StatusOK)
	switch {
	case f.Status != 0:
	case f.Redirect != "":
		status = http.StatusFound
	case doc == nil:
		status = http.StatusNotFound
	}

	body := f.Body
	switch {
	case status == http.StatusNoContent || status == http.StatusNotModified:
		body = nil
	case body != nil:
	case status == http.StatusOK && doc != nil:
		body = doc()
	default:
		body = []byte(http.StatusText(status))
	}

	header := make(http.Header)
	header.Set("Content-Type", cmp.Or(f.ContentType, "application/json"))
	if f.Redirect != "" {
		header.Set("Location", f.Redirect)
	}
	maps.Copy(header, f.Header.Clone())
	length := int64(len(body))
	if f.Drip > 0 {
		length = -1
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode:    status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(&slowReader{r.Context(), bytes.NewReader(body), f.Drip}),
		ContentLength: length,
		Request:       r,
	}
}

// arrive records a request and returns the fault that meets it.
func (p *Pool) arrive(u *url.URL) (Fault, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return Fault{}, errors.New("cognitotest: the pool is closed")
	}
	p.requests = append(p.requests, u.String())
	if strings.HasSuffix(u.Path, keySetPath) {
		p.fetches++
	}
	for _, f := range p.faults {
		if f.Host == "" || f.Host == u.Host {
			return f, nil
		}
	}
	return Fault{}, nil
}

// document returns what stands at path, or nil.
func (p *Pool) document(path string) func() []byte {
	bases := []string{"/" + p.id}
	if u, err := url.Parse(p.issuer); err == nil {
		bases = append(bases, u.Path)
	}
	for _, base := range bases {
		switch path {
		case base + keySetPath:
			return p.KeySet
		case base + discoveryPath:
			return p.discovery
		}
	}
	return nil
}

// discovery returns the document of a pool without a domain, which has no
// authorization or token endpoint to name.
func (p *Pool) discovery() []byte {
	return mustJSON(map[string]any{
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"issuer":                                p.issuer,
		"jwks_uri":                              p.JWKSURL(),
		"response_types_supported":              []string{"code", "token"},
		"scopes_supported":                      []string{"openid", "email", "phone", "profile"},
		"subject_types_supported":               []string{"public"},
	})
}

// slowReader is a body as a connection gives it: no longer than the request
// lives, and a byte at a time where every is positive.
type slowReader struct {
	ctx   context.Context
	body  *bytes.Reader
	every time.Duration
}

func (s *slowReader) Read(b []byte) (int, error) {
	if s.body.Len() > 0 {
		if err := wait(s.ctx, s.every); err != nil {
			return 0, err
		}
	}
	if s.every > 0 && len(b) > 1 {
		b = b[:1]
	}
	return s.body.Read(b)
}

// wait waits for d or the end of ctx. It waits on nothing else, so that time
// can pass in a synctest bubble, even for a pool made outside of it.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
