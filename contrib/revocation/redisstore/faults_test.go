//go:build unix

package redisstore_test

// What goes wrong with a real server. The plain run takes a sample; -whole repeats
// each fault and revokes more.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/internal/redisserver"
)

// rounds is how often a fault is repeated.
func rounds(sample int) int {
	if *whole {
		return 10 * sample
	}
	return sample
}

var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

func TestFleet_restartWithPersistence(t *testing.T) {
	t.Parallel()
	s := server(t, durable...)
	all := fleet(t, 2, options(s.Addr()))
	for n := range rounds(1) {
		for how, end := range []func() error{s.Stop, s.Kill} {
			before := fmt.Sprintf("before-%d-%d", n, how)
			must(t, all[0].revoke(before))
			everywhere(t, all, before)
			gaps := all[1].Status().Gaps
			must(t, end())
			eventually(t, "503", func() bool { return !all[0].trusted() && !all[1].trusted() })
			if !all[1].refuses(before) {
				t.Error("while the server is away, a revoked token is not refused as such")
			}
			if err := all[0].revoke("during-" + before); err == nil {
				t.Error("a revocation was reported as stored while the server was away")
			}
			start(t, s)
			eventually(t, "trust", func() bool { return all[0].trusted() && all[1].trusted() })
			everywhere(t, all, "during-"+before)
			if got := all[1].Status().Gaps; got != gaps {
				t.Errorf("%d gaps, though nothing was lost", got-gaps)
			}
		}
	}
	late := follow(t, options(s.Addr()))
	eventually(t, "loading", late.trusted)
	if n := late.Status().Entries[revocation.Token]; n != 4*rounds(1) {
		t.Errorf("an instance that comes later has %d entries, want %d", n, 4*rounds(1))
	}
}

// Nothing that Append reported is lost by a SIGKILL with appendfsync always, even
// if no instance lives on.
func TestFleet_killLosesNothing(t *testing.T) {
	t.Parallel()
	s := server(t, durable...)
	for n := range rounds(1) {
		store := open(t, options(s.Addr()))
		writer, err := revocation.New(revocation.Config{Namespace: "test", Secret: []byte("0123456789abcdef"), Store: store})
		must(t, err)
		stored := make(chan []string)
		go func() {
			var done []string
			for i := 0; ; i++ {
				jti := fmt.Sprintf("%d-%d", n, i)
				if (instance{List: writer}).revoke(jti) != nil {
					stored <- done
					return
				}
				done = append(done, jti)
			}
		}()
		eventually(t, "some revocations", func() bool { return writer.Status().Entries[revocation.Token] > 200 })
		must(t, s.Kill())
		done := <-stored
		must(t, store.Close())
		start(t, s)
		late := follow(t, options(s.Addr()))
		eventually(t, "loading", late.trusted)
		for _, jti := range done {
			if !late.refuses(jti) {
				t.Fatalf("%s of %d is lost", jti, len(done))
			}
		}
		late.stop()
	}
}

// A server that forgets gets its entries back from the instances.
func TestFleet_restartWithoutPersistence(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := fleet(t, 2, options(s.Addr()))
	var revoked []string
	for n := range rounds(1) {
		jti := fmt.Sprint("r-", n)
		revoked = append(revoked, jti)
		must(t, all[n%2].revoke(jti))
		everywhere(t, all, jti)
		must(t, s.Kill())
		start(t, s)
		eventually(t, "trust and a gap", func() bool {
			return all[0].trusted() && all[1].trusted() && all[0].Status().Gaps > uint64(n) && all[1].Status().Gaps > uint64(n)
		})
		eventually(t, "healing", func() bool { return all[0].Status().Unwritten+all[1].Status().Unwritten == 0 })
		late := follow(t, options(s.Addr()))
		eventually(t, "loading", late.trusted)
		everywhere(t, []instance{late}, revoked[0])
		for _, jti := range revoked {
			if !late.refuses(jti) {
				t.Errorf("%s is lost", jti)
			}
		}
		late.stop()
	}
}

// FLUSHALL of another client, and the eviction of the stream.
func TestFleet_streamDeleted(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := fleet(t, 2, options(s.Addr()))
	must(t, all[0].revoke("a"))
	everywhere(t, all, "a")
	command(t, s.Addr(), "FLUSHALL")
	eventually(t, "gaps", func() bool { return all[0].Status().Gaps > 0 && all[1].Status().Gaps > 0 })
	must(t, all[1].revoke("b"))
	everywhere(t, all, "b")
	eventually(t, "healing", func() bool { return all[0].Status().Unwritten+all[1].Status().Unwritten == 0 })
	late := follow(t, options(s.Addr()))
	everywhere(t, []instance{late}, "a")
	everywhere(t, []instance{late}, "b")
}

// A failover to a replica that misses what was written last.
func TestFleet_failover(t *testing.T) {
	t.Parallel()
	primary, replica := server(t), server(t)
	host, port, err := net.SplitHostPort(primary.Addr())
	must(t, err)
	replicate := func() {
		command(t, replica.Addr(), "REPLICAOF", host, port)
		eventually(t, "replication", func() bool { return info(t, replica.Addr(), "replication", "master_link_status") == "up" })
	}
	replicate()
	front := listen(t, primary.Addr())
	all := fleet(t, 2, options(front.addr()))
	must(t, all[0].revoke("replicated"))
	everywhere(t, all, "replicated")
	eventually(t, "the replica", func() bool { return command(t, replica.Addr(), "XLEN", "cognitoauth:revocation") != "0" })

	// The replica is cut off, a revocation follows, and the replica takes over.
	command(t, replica.Addr(), "REPLICAOF", "NO", "ONE")
	must(t, all[0].revoke("not replicated"))
	everywhere(t, all, "not replicated")
	front.forward(replica.Addr())
	must(t, primary.Kill())
	eventually(t, "trust and gaps", func() bool {
		return all[0].trusted() && all[1].trusted() && all[0].Status().Gaps > 0 && all[1].Status().Gaps > 0
	})
	eventually(t, "healing", func() bool { return all[0].Status().Unwritten+all[1].Status().Unwritten == 0 })
	late := follow(t, options(front.addr()))
	everywhere(t, []instance{late}, "replicated")
	everywhere(t, []instance{late}, "not replicated")

	// Without a replica, Append that waits for one is no success.
	o := options(front.addr())
	o.Replicas = 1
	careful := follow(t, o)
	if err := careful.revoke("careful"); err == nil || !strings.Contains(err.Error(), "0 of 1 replicas") {
		t.Errorf("nobody confirmed it: %v", err)
	}
	start(t, primary)
	command(t, primary.Addr(), "REPLICAOF", "127.0.0.1", fmt.Sprint(replica.Port))
	eventually(t, "a replica confirms", func() bool { return careful.revoke("careful") == nil })
}

// A primary that is cut off from its replicas takes no writes, if the operator says
// min-replicas-to-write, and without heartbeats its followers stop trusting it.
func TestFleet_primaryCutOff(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := fleet(t, 1, options(s.Addr()))
	command(t, s.Addr(), "CONFIG", "SET", "min-replicas-to-write", "1")
	eventually(t, "503", func() bool { return !all[0].trusted() })
	command(t, s.Addr(), "CONFIG", "SET", "min-replicas-to-write", "0")
	eventually(t, "trust", all[0].trusted)
}

// One instance is cut off: it refuses by the bound, the other goes on.
func TestFleet_partition(t *testing.T) {
	t.Parallel()
	s := server(t)
	front := listen(t, s.Addr())
	cut, other := fleet(t, 1, options(front.addr()))[0], fleet(t, 1, options(s.Addr()))[0]
	for n := range rounds(1) {
		front.stall(true)
		jti := fmt.Sprint("p-", n)
		must(t, other.revoke(jti))
		eventually(t, "503", func() bool { return !cut.trusted() })
		if !other.trusted() {
			t.Error("the instance that is not cut off is not trusted")
		}
		front.stall(false)
		eventually(t, "trust", cut.trusted)
		if !cut.refuses(jti) {
			t.Error("trusted again without the revocation that it missed")
		}
	}
}

// A server that does not answer, with its connections open.
func TestFleet_slowAnswers(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := fleet(t, 2, options(s.Addr()))
	must(t, s.Suspend())
	eventually(t, "503", func() bool { return !all[0].trusted() && !all[1].trusted() })
	if err := all[0].revoke("slow"); err == nil {
		t.Error("a server that does not answer has stored it")
	}
	must(t, s.Resume())
	eventually(t, "trust", func() bool { return all[0].trusted() && all[1].trusted() })
	everywhere(t, all, "slow")
}

// A full server refuses what is new, or evicts the stream.
func TestFleet_maxmemory(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"noeviction", "volatile-ttl", "allkeys-lru"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := server(t, "--maxmemory", "20mb", "--maxmemory-policy", policy)
			all := fleet(t, 2, options(s.Addr()))
			must(t, all[0].revoke("early"))
			everywhere(t, all, "early")
			command(t, s.Addr(), "CONFIG", "SET", "maxmemory", "1mb")
			if policy == "allkeys-lru" { // it evicts the stream, whenever something is written
				eventually(t, "gaps", func() bool { return all[0].Status().Gaps+all[1].Status().Gaps > 0 })
			} else {
				err := all[0].revoke("late")
				if err == nil || !strings.Contains(err.Error(), "OOM") {
					t.Errorf("the server is full: %v", err)
				}
				eventually(t, "503", func() bool { return !all[1].trusted() }) // no heartbeats
			}
			if !all[0].refuses("early") || !all[1].refuses("early") {
				t.Error("an instance forgot")
			}
			command(t, s.Addr(), "CONFIG", "SET", "maxmemory", "100mb")
			eventually(t, "trust", func() bool { return all[0].trusted() && all[1].trusted() })
			must(t, all[0].revoke("late"))
			everywhere(t, all, "late")
			late := follow(t, options(s.Addr()))
			everywhere(t, []instance{late}, "early")
		})
	}
}

// A follower that was away while the stream was trimmed takes a new snapshot.
func TestFleet_trimmedWhileAway(t *testing.T) {
	t.Parallel()
	s := server(t)
	front := listen(t, s.Addr())
	away, here := fleet(t, 1, options(front.addr()))[0], fleet(t, 1, options(s.Addr()))[0]
	must(t, here.revoke("first"))
	everywhere(t, []instance{away}, "first")
	front.stall(true)
	must(t, here.revoke("trimmed"))
	eventually(t, "503", func() bool { return !away.trusted() })
	eventually(t, "reading back", func() bool { return here.Status().Unwritten == 0 })
	must(t, here.revoke("kept"))
	command(t, s.Addr(), "XTRIM", "cognitoauth:revocation", "MAXLEN", "1")
	front.stall(false)
	eventually(t, "a gap and trust", func() bool { return away.Status().Gaps > 0 && away.trusted() })
	everywhere(t, []instance{away}, "kept")
}

// The server's clock is none of ours: entries live by our clock alone.
func TestFleet_clockOfTheServer(t *testing.T) {
	t.Parallel()
	s := server(t)
	inAYear := time.Now().AddDate(1, 0, 0).UnixMilli()
	command(t, s.Addr(), "XADD", "cognitoauth:revocation", fmt.Sprint(inAYear, "-0"), "r", "")
	command(t, s.Addr(), "XDEL", "cognitoauth:revocation", fmt.Sprint(inAYear, "-0"))
	all := fleet(t, 2, options(s.Addr())) // IDs go on from there
	for i := range 10 {
		jti := fmt.Sprint(i)
		must(t, all[i%2].revoke(jti))
		everywhere(t, all, jti)
	}
	// And ours are days apart.
	off := follow(t, options(s.Addr()), func(c *revocation.Config) {
		c.Now = func() time.Time { return time.Now().Add(-20 * time.Hour) }
	})
	everywhere(t, []instance{off}, "9")
	must(t, off.revoke("from behind"))
	everywhere(t, all, "from behind")
}

func TestFleet_passwordAndTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pool := certificate(t, dir)
	s, err := redisserver.New(t.TempDir())
	must(t, err)
	plain := s.Port
	s, err = redisserver.New(t.TempDir(), "--port", "0", "--tls-port", fmt.Sprint(plain),
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"),
		"--tls-auth-clients", "no", "--requirepass", "a password")
	must(t, err)
	s.Port = plain
	config := &tls.Config{RootCAs: pool, ServerName: "redis.test"}
	s.Probe = func(addr string) error {
		c, err := tls.DialWithDialer(&net.Dialer{Timeout: time.Second}, "tcp", addr, config)
		if err != nil {
			return err
		}
		defer c.Close()
		return redisserver.PingConn(c)
	}
	start(t, s)
	t.Cleanup(func() { must(t, s.Kill()) })

	o := options(s.Addr())
	o.Client.TLSConfig, o.Client.Password = config, "a password"
	all := fleet(t, 2, o)
	must(t, all[0].revoke("a"))
	everywhere(t, all, "a")

	for name, wrong := range map[string]func(c *tls.Config) (*tls.Config, string){
		"a wrong password":        func(c *tls.Config) (*tls.Config, string) { return c, "another" },
		"no password":             func(c *tls.Config) (*tls.Config, string) { return c, "" },
		"an unknown certificate":  func(*tls.Config) (*tls.Config, string) { return &tls.Config{ServerName: "redis.test"}, "a password" },
		"no TLS":                  func(*tls.Config) (*tls.Config, string) { return nil, "a password" },
		"the name of another one": func(*tls.Config) (*tls.Config, string) { return &tls.Config{RootCAs: pool}, "a password" },
	} {
		o.Client.TLSConfig, o.Client.Password = wrong(config)
		i := follow(t, o)
		eventually(t, "an error in the status", func() bool { return i.Status().LastError != nil })
		if _, err := i.Revoked(t.Context(), &cognitoauth.Claims{PoolID: "p"}); err == nil {
			t.Errorf("%s: the list is trusted", name)
		}
		if text := i.Status().LastError.Error(); strings.Contains(text, "a password") {
			t.Errorf("%s: the error has the password: %s", name, text)
		}
		i.stop()
	}
}

// certificate writes a self-made certificate and returns what trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"redis.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	must(t, err)
	keyBytes, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	write := func(name, kind string, b []byte) {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
	}
	write("cert.pem", "CERTIFICATE", cert)
	write("key.pem", "PRIVATE KEY", keyBytes)
	parsed, err := x509.ParseCertificate(cert)
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return roots
}

// The store answers nonsense: another type of key, and fields that are no records.
func TestFleet_nonsense(t *testing.T) {
	t.Parallel()
	s := server(t)
	all := fleet(t, 1, options(s.Addr()))
	must(t, all[0].revoke("a"))
	command(t, s.Addr(), "XADD", "cognitoauth:revocation", "*", "what", "ever", "r", "x")
	eventually(t, "two unknown records", func() bool { return all[0].Status().Unknown == 2 })
	eventually(t, "503", func() bool { return !all[0].trusted() })
	if s := all[0].Status(); s.UnknownError == nil || s.Entries[revocation.Token] != 1 {
		t.Errorf("%+v", s)
	}
	command(t, s.Addr(), "SET", "cognitoauth:revocation", "text")
	other := follow(t, options(s.Addr()))
	eventually(t, "an error", func() bool {
		err := other.Status().LastError
		return err != nil && strings.Contains(err.Error(), "WRONGTYPE")
	})
	if other.trusted() {
		t.Error("trusted")
	}
}

// A million good tokens never touch the server: no command, no memory.
func TestFleet_goodTokensCostTheServerNothing(t *testing.T) {
	t.Parallel()
	tokens := 100_000
	if *whole {
		tokens = 1_000_000
	}
	s := server(t)
	all := fleet(t, 2, options(s.Addr()), func(c *revocation.Config) { c.MaxStaleness = time.Hour }) // heartbeats in 6 min
	must(t, all[0].revoke("a"))
	everywhere(t, all, "a")
	eventually(t, "reading back", func() bool { return all[0].Status().Unwritten == 0 })
	commands := func() int {
		n := 0
		for line := range strings.Lines(command(t, s.Addr(), "INFO", "commandstats")) {
			name, stats, _ := strings.Cut(strings.TrimSpace(line), ":")
			var calls int
			// Only these are the follower's, and it sends them once a second.
			if _, err := fmt.Sscanf(stats, "calls=%d", &calls); err == nil && !strings.Contains("cmdstat_info cmdstat_hello cmdstat_client|setinfo cmdstat_ping cmdstat_xread cmdstat_xrange", name) {
				n += calls
			}
		}
		return n
	}
	var used [2]int
	memory := func() (n int) {
		_, err := fmt.Sscan(info(t, s.Addr(), "memory", "used_memory_dataset"), &n)
		must(t, err)
		return n
	}
	before := commands()
	used[0] = memory()
	for i := range tokens {
		if all[i%2].refuses(fmt.Sprint("good-", i)) {
			t.Fatal("a good token is refused")
		}
	}
	used[1] = memory()
	if n := commands() - before; n != 0 {
		t.Errorf("%d commands for %d good tokens, want none", n, tokens)
	}
	if n := info(t, s.Addr(), "clients", "tracking_clients"); n != "0" {
		t.Errorf("%s clients track keys, want none", n)
	}
	if grown := used[1] - used[0]; grown > 64<<10 {
		t.Errorf("the server's data grew by %d bytes with %d good tokens", grown, tokens)
	}
	t.Logf("%d good tokens, the server's data grew by %d bytes", tokens, used[1]-used[0])
}

// When Run returns, no goroutine and no connection is left. It counts goroutines, so
// it does not run beside the others.
func TestFleet_runLeavesNothing(t *testing.T) {
	s := server(t)
	before := runtime.NumGoroutine()
	for _, i := range fleet(t, 3, options(s.Addr())) {
		must(t, i.revoke("a"))
		i.stop()
		if err := i.revoke("b"); err == nil {
			t.Error("a store that is closed took an entry")
		}
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	eventually(t, "connections end", func() bool { return info(t, s.Addr(), "clients", "connected_clients") == "1" })
}
