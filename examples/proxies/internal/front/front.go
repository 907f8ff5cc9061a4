// Package front starts reverse proxies on loopback, with the configurations of
// package conf, and ends them.
package front

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"

	"github.com/cognitoauth/cognitoauth/examples/proxies/conf"
)

// Site is what a configuration names.
type Site struct {
	API   string // address of the program behind
	Auth  string // path of the Unix socket of the auth endpoint
	Dir   string // a folder for the files of the proxy
	Large bool   // the limits of headers are raised
	HTTP2 bool   // clients speak HTTP/2 without TLS, and begin with it

	Issuer, Client string // what a proxy that decides alone compares
	Key            string // for haproxy-jwt.cfg the file of the key, for apache-oidc.conf that of a certificate to trust
	Keys           string // URL of the pool's key set

	Listen string // set by Start
}

func half(addr string, i int) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	return []string{host, port}[i], err
}

// Host and Port are those of API, ListenHost and ListenPort those of Listen.
func (s Site) Host() (string, error)       { return half(s.API, 0) }
func (s Site) Port() (string, error)       { return half(s.API, 1) }
func (s Site) ListenHost() (string, error) { return half(s.Listen, 0) }
func (s Site) ListenPort() (string, error) { return half(s.Listen, 1) }

// Root reports whether the proxy starts as root, and so would change its user.
func (s Site) Root() bool { return os.Getuid() == 0 }

// Server is a proxy that runs.
type Server struct {
	Addr string

	program *Program
	cmd     *exec.Cmd
	log     *log
	exited  chan error
}

// startTime is how long a proxy may take to say that it serves.
const startTime = 60 * time.Second

// Start starts a program with a configuration of package conf, and returns when it
// serves.
func Start(p *Program, config string, s Site) (*Server, error) {
	path, err := exec.LookPath(p.Command)
	if err != nil {
		return nil, fmt.Errorf("%s is missing: install it (Debian: apt-get install --no-install-recommends %s)", p.Command, p.Package)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	server := &Server{Addr: l.Addr().String(), program: p, exited: make(chan error, 1), log: newLog(p.ready)}
	s.Listen = server.Addr
	if p.listen != "" {
		s.Listen = p.listen
	}
	file, err := p.write(config, s)
	if err != nil {
		return nil, err
	}
	server.cmd = exec.Command(path, p.args(s.Dir, file, s)...)
	server.cmd.Env = append(os.Environ(), "HOME="+s.Dir, "XDG_DATA_HOME="+s.Dir, "XDG_CONFIG_HOME="+s.Dir)
	server.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	server.cmd.Stdout, server.cmd.Stderr = server.log, server.log
	if p.inherits { // it takes over the socket, so no request comes too early
		socket, err := l.(*net.TCPListener).File()
		if err != nil {
			return nil, err
		}
		defer socket.Close()
		server.cmd.ExtraFiles = []*os.File{socket}
		server.cmd.Env = append(server.cmd.Env, p.env...)
	} else {
		l.Close()
	}
	if err := server.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { server.exited <- server.cmd.Wait() }()
	return server, server.await()
}

// await waits until the proxy serves.
func (s *Server) await() error {
	if s.program.inherits {
		return nil
	}
	select {
	case <-s.log.ready:
		return nil
	case err := <-s.exited:
		s.exited <- err
		return fmt.Errorf("%s ended: %v\n%s", s.program.Name, err, s.log)
	case <-time.After(startTime):
		return errors.Join(fmt.Errorf("%s does not say %q\n%s", s.program.Name, s.program.ready, s.log), s.Stop())
	}
}

// Stop ends the proxy and waits for it.
func (s *Server) Stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		s.exited <- err
		var status *exec.ExitError
		if errors.As(err, &status) && status.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM || s.program.endsWith(err) {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", s.program.Name, err, s.log)
		}
		return err
	case <-time.After(startTime):
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		return fmt.Errorf("%s did not end\n%s", s.program.Name, s.log)
	}
}

// Log is what the proxy has printed.
func (s *Server) Log() string { return s.log.String() }

// log keeps what a program prints, and closes ready when it has printed a text.
type log struct {
	mark  string
	ready chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	seen bool
}

func newLog(mark string) *log { return &log{mark: mark, ready: make(chan struct{})} }

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if !l.seen && l.mark != "" && bytes.Contains(l.text.Bytes(), []byte(l.mark)) {
		l.seen = true
		close(l.ready)
	}
	return len(b), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// write writes the configuration, with what a program on loopback needs around it.
func (p *Program) write(config string, s Site) (file string, err error) {
	text, err := conf.Files.ReadFile(config)
	if err != nil {
		return "", err
	}
	lua, err := conf.Files.ReadFile("auth.lua")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "auth.lua"), lua, 0o644); err != nil {
		return "", err
	}
	body := string(text)
	if s.HTTP2 {
		body = strings.Replace(body, p.http2[0], p.http2[1], 1)
	}
	t, err := template.New(config).Parse(strings.Replace(p.around, "SITE", body, 1))
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, s); err != nil {
		return "", err
	}
	file = filepath.Join(s.Dir, config)
	return file, os.WriteFile(file, b.Bytes(), 0o644)
}

// Version asks the program for its version.
func (p *Program) Version() (string, error) {
	out, err := exec.Command(p.Command, p.version).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", p.Command, p.version, err)
	}
	found := regexp.MustCompile(`\d+(\.\d+)+`).Find(out)
	if found == nil {
		return "", fmt.Errorf("%s %s prints no version: %s", p.Command, p.version, out)
	}
	return string(found), nil
}
