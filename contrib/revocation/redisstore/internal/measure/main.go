//go:build unix

// Command measure tells what the list costs and how quick it is, with a redis-server
// of its own. Nothing is asserted but what is wrong whatever the machine:
//
//	go run ./redisstore/internal/measure [-entries 100000] [-many 1000000] [-soak 1m]
package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/internal/redisserver"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/redisstore"
)

const pool = "eu-west-1_EXAMPLE01"

func main() {
	entries := flag.Int("entries", 100_000, "entries for the propagation and for the cost of a request")
	many := flag.Int("many", 1_000_000, "entries for memory and snapshot")
	soakTime := flag.Duration("soak", time.Minute, "time of the soak")
	flag.Parse()
	for _, step := range []func() error{
		func() error { return request(*entries) },
		func() error { return propagation(*entries) },
		func() error { return size(*many) },
		func() error { return loss("always") },
		func() error { return loss("everysec") },
		func() error { return soak(*soakTime) },
	} {
		if err := step(); err != nil {
			fmt.Fprintln(os.Stderr, "measure:", err)
			os.Exit(1)
		}
	}
}

// server is a redis-server in a directory of its own.
func server(args ...string) (s *redisserver.Server, stop func(), err error) {
	dir, err := os.MkdirTemp("", "measure")
	if err != nil {
		return nil, nil, err
	}
	s, err = redisserver.New(dir, args...)
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = s.Kill()
		_ = os.RemoveAll(dir)
	}
	return s, stop, start(s)
}

func start(s *redisserver.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return s.Start(ctx)
}

// instance is a list that runs.
type instance struct {
	*revocation.List
	stop func()
}

func follow(store revocation.Store, change ...func(*revocation.Config)) (instance, error) {
	cfg := revocation.Config{Namespace: "measure", Secret: []byte("0123456789abcdef"), Store: store}
	for _, c := range change {
		c(&cfg)
	}
	l, err := revocation.New(cfg)
	if err != nil {
		return instance{}, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = l.Run(ctx)
	}()
	return instance{l, func() { cancel(); <-done }}, nil
}

func followRedis(s *redisserver.Server, change ...func(*revocation.Config)) (instance, error) {
	store, err := redisstore.New(redisstore.Options{Client: rueidis.ClientOption{InitAddress: []string{s.Addr()}}})
	if err != nil {
		return instance{}, err
	}
	return follow(store, change...)
}

var errLate = errors.New("not within a minute")

func wait(ok func() bool) error {
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return errLate
		}
	}
	return nil
}

func (i instance) loaded() bool { return i.Status().Trusted }

// fill revokes n things of all kinds but pools.
func fill(l *revocation.List, n int) error {
	for at := 0; at < n; {
		var batch []revocation.Entry
		for ; len(batch) < 10_000 && at < n; at++ {
			batch = append(batch, revocation.Entry{Kind: revocation.Token + revocation.Kind(at%4), PoolID: pool, ID: fmt.Sprintf("%036d", at)})
		}
		if err := l.Revoke(context.Background(), batch...); err != nil {
			return err
		}
	}
	return l.Revoke(context.Background(), revocation.Entry{Kind: revocation.Pool, PoolID: "eu-west-1_OTHER"})
}

func claims(jti string) *cognitoauth.Claims {
	return &cognitoauth.Claims{
		PoolID: pool, ID: jti, OriginID: "b2b8f1d5-6b1e-4b8c-9c35-7e9a0b8a4b11", Subject: "90d1f7c8-1f5a-4b9c-8f4c-0b7c0a7d9e21",
		ClientID: "1example23456789012345678", IssuedAt: time.Now(),
	}
}

// request is the cost of a request that is not refused, beside one verification of a
// signature.
func request(entries int) error {
	i, err := follow(new(revocation.MemoryStore))
	if err != nil {
		return err
	}
	defer i.stop()
	if err := wait(i.loaded); err != nil {
		return err
	}
	c := claims("7f8a2c4e-5c0b-4f0e-9c5a-0a4de3d5f1aa")
	cost := func() time.Duration {
		return each(1_000_000, func() { _, _ = i.Revoked(context.Background(), c) })
	}
	empty := cost()
	if err := fill(i.List, entries); err != nil {
		return err
	}
	full := cost()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("a token"))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return err
	}
	floor := each(20_000, func() { _ = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) })
	fmt.Printf("request: %s with %d entries of all kinds, %.4f of an RSA verification (target 0.02); %s without entries\n",
		full, entries, float64(full)/float64(floor), empty)
	return nil
}

// each is the median cost of f, of five runs, in time of the processor, so that what
// else runs on the machine does not count.
func each(n int, f func()) time.Duration {
	var costs []time.Duration
	for range 5 {
		began := processor()
		for range n {
			f()
		}
		costs = append(costs, (processor()-began)/time.Duration(n))
	}
	slices.Sort(costs)
	return costs[2]
}

func processor() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// propagation is the time from when Revoke has returned until another instance
// refuses the token.
func propagation(entries int) error {
	s, stop, err := server("--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return err
	}
	defer stop()
	here, err := followRedis(s)
	if err != nil {
		return err
	}
	defer here.stop()
	there, err := followRedis(s)
	if err != nil {
		return err
	}
	defer there.stop()
	if err := errors.Join(wait(here.loaded), wait(there.loaded), fill(here.List, entries)); err != nil {
		return err
	}
	var delays []time.Duration
	for n := range 1000 {
		jti := fmt.Sprint("new-", n)
		if err := here.Revoke(context.Background(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: jti}); err != nil {
			return err
		}
		began := time.Now()
		for c := claims(jti); ; {
			if refused, _ := there.Revoked(context.Background(), c); refused {
				break
			}
			if time.Since(began) > time.Minute {
				return errLate
			}
			runtime.Gosched()
		}
		delays = append(delays, time.Since(began))
	}
	slices.Sort(delays)
	fmt.Printf("propagation: %s in the median, %s at worst, of %d (targets 200 ms and 1 s), with %d entries\n",
		delays[len(delays)/2], delays[len(delays)-1], len(delays), entries)
	return nil
}

// size is the memory of an instance, and the time of a snapshot.
func size(entries int) error {
	s, stop, err := server()
	if err != nil {
		return err
	}
	defer stop()
	writer, err := followRedis(s)
	if err != nil {
		return err
	}
	if err := errors.Join(wait(writer.loaded), fill(writer.List, entries)); err != nil {
		return err
	}
	writer.stop()
	writer = instance{}
	before := heap()
	began := time.Now()
	reader, err := followRedis(s)
	if err != nil {
		return err
	}
	if err := wait(reader.loaded); err != nil {
		return err
	}
	took := time.Since(began)
	grown := heap() - before
	n := 0
	for _, count := range reader.Status().Entries {
		n += count
	}
	fmt.Printf("size: %d entries take %.1f MB (target 64), loaded in %s (target 5 s)\n", n, float64(grown)/1e6, took.Round(time.Millisecond))
	reader.stop()
	if n != entries+1 {
		return fmt.Errorf("%d entries, want %d", n, entries+1)
	}
	return nil
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// loss is how many revocations a SIGKILL loses if no instance lives on. The server's
// process dies, but not the machine, so the page cache is still written.
func loss(fsync string) error {
	s, stop, err := server("--appendonly", "yes", "--appendfsync", fsync)
	if err != nil {
		return err
	}
	defer stop()
	writer, err := followRedis(s)
	if err != nil {
		return err
	}
	if err := wait(writer.loaded); err != nil {
		return err
	}
	var stored []string
	killed := make(chan error, 1)
	time.AfterFunc(3*time.Second, func() { killed <- s.Kill() })
	for n := 0; ; n++ {
		jti := fmt.Sprint(n)
		if writer.Revoke(context.Background(), revocation.Entry{Kind: revocation.Token, PoolID: pool, ID: jti}) != nil {
			break
		}
		stored = append(stored, jti)
	}
	writer.stop()
	if err := errors.Join(<-killed, start(s)); err != nil {
		return err
	}
	reader, err := followRedis(s)
	if err != nil {
		return err
	}
	defer reader.stop()
	if err := wait(reader.loaded); err != nil {
		return err
	}
	lost := 0
	for _, jti := range stored {
		if refused, _ := reader.Revoked(context.Background(), claims(jti)); !refused {
			lost++
		}
	}
	fmt.Printf("loss: %d of %d lost by SIGKILL with appendfsync %s\n", lost, len(stored), fsync)
	if lost > 0 && fsync == "always" {
		return errors.New("something was lost with appendfsync always")
	}
	return nil
}
