//go:build unix

package redisstore_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/internal/redisserver"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/redisstore"
)

// whole runs the tests that take long, at their full size.
var whole = flag.Bool("whole", false, "run the whole matrix of faults")

const pool = "eu-west-1_EXAMPLE01"

// These tests wait for servers most of the time, so more of them run at once than
// there are processors.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8")
	os.Exit(m.Run())
}

// server starts a redis-server that ends with the test.
func server(t *testing.T, args ...string) *redisserver.Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatal("redis-server is missing: apt-get install redis-server")
	}
	s, err := redisserver.New(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func start(t *testing.T, s *redisserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok. It is a test that fails, not one that takes its time,
// in which a minute passes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func options(addr string) redisstore.Options {
	return redisstore.Options{Client: rueidis.ClientOption{InitAddress: []string{addr}}, Timeout: 500 * time.Millisecond}
}

func open(t *testing.T, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// instance is one instance of an API.
type instance struct {
	*revocation.List
	stop func()
}

func follow(t *testing.T, o redisstore.Options, change ...func(*revocation.Config)) instance {
	t.Helper()
	cfg := revocation.Config{Namespace: "test", Secret: []byte("0123456789abcdef"), Store: open(t, o), MaxStaleness: time.Second}
	for _, c := range change {
		c(&cfg)
	}
	l, err := revocation.New(cfg)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return instance{l, stop}
}

func (i instance) trusted() bool { return i.Status().Trusted }

// refuses reports whether a token with the jti is refused as revoked.
func (i instance) refuses(jti string) bool {
	got, _ := i.Revoked(context.Background(), &cognitoauth.Claims{PoolID: pool, ID: jti, Subject: "sub-" + jti, ClientID: "c", IssuedAt: time.Now()})
	return got
}

func (i instance) revoke(jti string) error {
	return i.Revoke(context.Background(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: jti})
}

// fleet is a number of instances that have loaded.
func fleet(t *testing.T, n int, o redisstore.Options, change ...func(*revocation.Config)) []instance {
	t.Helper()
	var all []instance
	for range n {
		i := follow(t, o, change...)
		eventually(t, "loading", i.trusted)
		all = append(all, i)
	}
	return all
}

func everywhere(t *testing.T, all []instance, jti string) {
	t.Helper()
	for n, i := range all {
		eventually(t, fmt.Sprintf("instance %d refuses %s", n, jti), func() bool { return i.refuses(jti) })
	}
}

// command runs one command of Redis and returns the answer as text.
func command(t *testing.T, addr string, words ...string) string {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true, ForceSingleClient: true})
	must(t, err)
	defer c.Close()
	answer := c.Do(context.Background(), c.B().Arbitrary(words...).Build())
	m, err := answer.ToMessage()
	must(t, err)
	if text, err := m.ToString(); err == nil {
		return text
	}
	if n, err := m.AsInt64(); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return m.String()
}

// info is one line of INFO.
func info(t *testing.T, addr, section, name string) string {
	t.Helper()
	for line := range strings.Lines(command(t, addr, "INFO", section)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

func TestStore_isAStore(t *testing.T) {
	s := server(t)
	store := open(t, options(s.Addr()))
	ctx := t.Context()
	page, err := store.Read(ctx, "", 0)
	must(t, err)
	if len(page.Records) != 0 || page.More || page.Cursor == "" {
		t.Errorf("an empty store: %+v", page)
	}
	empty := page.Cursor
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprintf("%d\x00\xff\r\n", i))
	}
	for _, r := range want[:2500] { // more than a page of entries
		must(t, store.Append(ctx, []string{r}))
	}
	must(t, store.Append(ctx, want[2500:])) // and entries of many records
	for _, from := range []string{"", empty} {
		var got []string
		cursor, pages := from, 0
		for more := true; more; pages++ {
			page, err := store.Read(ctx, cursor, 0)
			must(t, err)
			got, cursor, more = append(got, page.Records...), page.Cursor, page.More
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || pages < 2 {
			t.Errorf("%d records in %d pages, want %d in order", len(got), pages, len(want))
		}
	}
}

func TestStore_readWaits(t *testing.T) {
	s := server(t)
	reader, writer := open(t, options(s.Addr())), open(t, options(s.Addr()))
	must(t, writer.Append(t.Context(), []string{"first"}))
	page, err := reader.Read(t.Context(), "", 0)
	must(t, err)
	type result struct {
		page revocation.Page
		err  error
	}
	got := make(chan result)
	go func() {
		p, err := reader.Read(context.Background(), page.Cursor, 20*time.Second)
		got <- result{p, err}
	}()
	eventually(t, "a blocked client", func() bool { return info(t, s.Addr(), "clients", "blocked_clients") == "1" })
	must(t, writer.Append(t.Context(), []string{"second"}))
	r := <-got
	must(t, r.err)
	if len(r.page.Records) != 1 || r.page.Records[0] != "second" {
		t.Errorf("it waited for %q", r.page.Records)
	}
	// Nothing comes: a page without records, and the same place.
	p, err := reader.Read(t.Context(), r.page.Cursor, 10*time.Millisecond)
	must(t, err)
	if len(p.Records) != 0 || p.Cursor != r.page.Cursor {
		t.Errorf("%+v", p)
	}
}

// Whatever removes records from beneath a cursor is a gap.
func TestStore_gap(t *testing.T) {
	s := server(t)
	store := open(t, options(s.Addr()))
	ctx := t.Context()
	const key = "cognitoauth:revocation"
	write := func() string {
		for i := range 5 {
			must(t, store.Append(ctx, []string{fmt.Sprint("record ", i)}))
		}
		page, err := store.Read(ctx, "", 0)
		must(t, err)
		return page.Cursor
	}
	id := func(cursor string) string { id, _, _ := strings.Cut(cursor, " "); return id }
	for name, damage := range map[string]func(cursor string){
		"trimmed beyond the cursor": func(string) {
			must(t, store.Append(ctx, []string{"later"}))
			command(t, s.Addr(), "XTRIM", key, "MAXLEN", "1")
		},
		"trimmed to nothing": func(string) { command(t, s.Addr(), "XTRIM", key, "MAXLEN", "0") },
		"deleted":            func(string) { command(t, s.Addr(), "DEL", key) },
		"flushed":            func(string) { command(t, s.Addr(), "FLUSHALL") },
		"written anew with the same ID": func(cursor string) {
			command(t, s.Addr(), "DEL", key)
			command(t, s.Addr(), "XADD", key, id(cursor), "r", "another record")
		},
		"written anew with earlier IDs": func(string) {
			command(t, s.Addr(), "DEL", key)
			command(t, s.Addr(), "XADD", key, "5-1", "r", "another record")
		},
	} {
		command(t, s.Addr(), "DEL", key)
		cursor := write()
		if _, err := store.Read(ctx, cursor, 0); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		damage(cursor)
		for _, wait := range []time.Duration{0, 10 * time.Millisecond} {
			if _, err := store.Read(ctx, cursor, wait); !errors.Is(err, revocation.ErrGap) {
				t.Errorf("%s: a read that waits %s: %v, want a gap", name, wait, err)
			}
		}
	}
	// Trimmed up to the cursor, nothing is missing.
	command(t, s.Addr(), "DEL", key)
	cursor := write()
	command(t, s.Addr(), "XTRIM", key, "MINID", id(cursor))
	if _, err := store.Read(ctx, cursor, 0); err != nil {
		t.Errorf("trimmed up to the cursor: %v", err)
	}
}

// The server's clock has to agree that the records are old.
func TestStore_trim(t *testing.T) {
	s := server(t)
	store := open(t, options(s.Addr()))
	ctx := t.Context()
	const key = "cognitoauth:revocation"
	hourOld := time.Now().Add(-time.Hour).UnixMilli()
	for i := range 3 {
		command(t, s.Addr(), "XADD", key, fmt.Sprint(hourOld+int64(i), "-0"), "r", fmt.Sprint(i))
	}
	page, err := store.Read(ctx, "", 0)
	must(t, err)
	must(t, store.Trim(ctx, page.Cursor, 2*time.Hour))
	if n := command(t, s.Addr(), "XLEN", key); n != "3" {
		t.Errorf("%s records after a trim that the server's clock does not agree to, want 3", n)
	}
	must(t, store.Trim(ctx, page.Cursor, 30*time.Minute))
	if n := command(t, s.Addr(), "XLEN", key); n != "1" {
		t.Errorf("%s records, want the one of the cursor", n)
	}
	if err := store.Trim(ctx, "nonsense", 0); err == nil || !strings.Contains(err.Error(), `"nonsense" is no cursor`) {
		t.Errorf("nonsense as a cursor: %v", err)
	}
}

func TestNew_mistakes(t *testing.T) {
	for name, change := range map[string]func(*redisstore.Options){
		"no address":         func(o *redisstore.Options) { o.Client.InitAddress = nil },
		"replicas are read":  func(o *redisstore.Options) { o.Client.ReplicaOnly = true },
		"some are read":      func(o *redisstore.Options) { o.Client.SendToReplicas = func(rueidis.Completed) bool { return true } },
		"a negative timeout": func(o *redisstore.Options) { o.Timeout = -1 },
		"negative replicas":  func(o *redisstore.Options) { o.Replicas = -1 },
	} {
		o := options("127.0.0.1:1")
		change(&o)
		if _, err := redisstore.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
