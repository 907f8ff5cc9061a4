package main

// This file starts Prometheus on a free loopback port, with the alert rules and with
// data in a temporary folder, and ends it again.

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed alerts.yml
var alerts []byte

// prometheus is a running Prometheus.
type prometheus struct {
	url   string
	ended chan error // gets one error if it ends by itself
	stop  func()
}

const configuration = `global:
  scrape_interval: %[1]s
  evaluation_interval: %[1]s
rule_files: [alerts.yml]
scrape_configs:
  - job_name: api
    static_configs: [{targets: [%[2]q]}]
`

// startPrometheus starts Prometheus, which asks for the metrics at target. It is
// ready when it has asked for the first time.
func startPrometheus(ctx context.Context, target string, interval time.Duration) (*prometheus, error) {
	if _, err := exec.LookPath("prometheus"); err != nil {
		return nil, fmt.Errorf("%w; on Debian: apt-get install prometheus", err)
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "observability")
	if err != nil {
		return nil, err
	}
	text := fmt.Appendf(nil, configuration, interval, strings.TrimPrefix(target, "http://"))
	for name, data := range map[string][]byte{"prometheus.yml": text, "alerts.yml": alerts} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			_ = os.RemoveAll(dir)
			return nil, err
		}
	}
	p, err := launch(ctx, dir, addr)
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return p, err
}

func launch(ctx context.Context, dir, addr string) (*prometheus, error) {
	var log bytes.Buffer
	cmd := exec.CommandContext(ctx, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &prometheus{url: "http://" + addr, ended: make(chan error, 1)}
	gone := make(chan struct{})
	go func() {
		err := cmd.Wait()
		p.ended <- fmt.Errorf("prometheus has ended: %w\n%s", err, log.Bytes())
		close(gone)
	}()
	p.stop = func() {
		_ = cmd.Process.Kill() // by its pid
		<-gone
		_ = os.RemoveAll(dir)
	}
	return p, nil
}

// freeAddress returns a loopback address with a port that was free a moment ago.
// Prometheus does not tell which one it has taken if it is given port 0.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
