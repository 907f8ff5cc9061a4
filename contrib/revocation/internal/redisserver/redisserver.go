//go:build unix

// Package redisserver runs Debian's redis-server for tests: on a free loopback port,
// with a directory of its own, and ended by its process ID.
package redisserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Server is a redis-server that can be ended and started again at its address.
type Server struct {
	Port int
	Dir  string
	args []string

	cmd  *exec.Cmd
	done chan struct{}
	// Probe sends PING over a connection of the test's choice. Nil: plain TCP.
	Probe func(addr string) error
}

// New makes a server in dir with further arguments such as "--appendonly", "yes".
// It is not started. Without arguments it persists nothing.
func New(dir string, args ...string) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return &Server{Port: port, Dir: dir, args: args}, l.Close()
}

// Addr is the server's address.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.Port) }

// Start starts the server and waits until it answers PING.
func (s *Server) Start(ctx context.Context) error {
	args := append([]string{"--bind", "127.0.0.1", "--port", fmt.Sprint(s.Port), "--dir", s.Dir, "--save", "", "--logfile", "redis.log"}, s.args...)
	s.cmd = exec.Command("redis-server", args...)
	if err := s.cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	s.done = done
	go func() {
		_ = s.cmd.Wait()
		close(done)
	}()
	probe := s.Probe
	if probe == nil {
		probe = Ping
	}
	for {
		err := probe(s.Addr())
		if err == nil {
			return nil
		}
		select {
		case <-done:
			log, _ := os.ReadFile(s.Dir + "/redis.log")
			return fmt.Errorf("redis-server ended at once:\n%s", log)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err, s.Kill())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Ping asks a server over TCP whether it is up. NOAUTH is an answer as well.
func Ping(addr string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	return PingConn(c)
}

// PingConn sends PING and reads the answer.
func PingConn(c net.Conn) error {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") && !strings.HasPrefix(line, "-NOAUTH") {
		err = errors.New(strings.TrimSpace(line))
	}
	return err
}

// Stop ends the server as an operator would, and waits for it.
func (s *Server) Stop() error { return s.signal(syscall.SIGTERM) }

// Kill ends the server at once, and waits for it.
func (s *Server) Kill() error { return s.signal(syscall.SIGKILL) }

// Suspend stops the process without ending it: connections stay open and nothing
// answers. Resume lets it go on.
func (s *Server) Suspend() error { return s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume is the end of Suspend.
func (s *Server) Resume() error { return s.cmd.Process.Signal(syscall.SIGCONT) }

func (s *Server) signal(sig os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-s.done
	s.cmd = nil
	return nil
}
