//go:build nginx

package upload_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// Without the lingering close, a quarter to three quarters of these come back as
// 502, the more the larger they are. The second location has the cure that
// docs/reference.md tells for nginx itself.
func TestRefusal_throughNginx(t *testing.T) {
	o := new(lab.Origin)
	h, _ := api(t, o, nil)
	serve(t, o, h)
	site := nginx(t, fmt.Sprintf(`
		location / { proxy_pass http://%[1]s; }
		location /kept/ { proxy_pass http://%[1]s; proxy_http_version 1.1; proxy_set_header Connection ""; }`, o.Addr()))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	total, came := 0, 0
	for _, path := range []string{"/", "/kept/"} {
		for _, size := range []int{100_000, 1_000_000, 20 << 20} {
			body, statuses := bytes.Repeat([]byte("a"), size), map[int]int{}
			for range 50 {
				resp, err := client.Post(site+path, "application/octet-stream", bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				statuses[resp.StatusCode]++
			}
			t.Logf("%s, %d bytes: %v", path, size, statuses)
			if path == "/" {
				total, came = total+50, came+statuses[401]
			}
			if statuses[401] != 50 {
				t.Errorf("%s, %d bytes: %v, want 50 times 401", path, size, statuses)
			}
		}
	}
	t.Logf("%d of %d refused uploads came back as 401 through nginx with its defaults", came, total)
}

// nginx starts one with these locations, and ends it with the test.
func nginx(t *testing.T, locations string) (url string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatal("nginx is missing: install it (Debian: apt-get install nginx-light), or run the tests without -tags nginx")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// nginx takes over the socket, so no request comes too early for it.
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()

	dir := t.TempDir()
	var config strings.Builder
	if os.Getuid() == 0 { // else its workers may not read the folder
		config.WriteString("user root;\n")
	}
	fmt.Fprintf(&config, "daemon off;\nerror_log stderr crit;\npid %s;\nevents {}\nhttp {\n\taccess_log off;\n", filepath.Join(dir, "pid"))
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&config, "\t%s_temp_path %s;\n", name, filepath.Join(dir, name))
	}
	fmt.Fprintf(&config, "\tclient_max_body_size 32m;\n\tserver {\n\t\tlisten %s;%s\n\t}\n}\n", l.Addr(), locations)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(config.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command(program, "-p", dir, "-e", "stderr", "-c", file)
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{socket}
	var told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &told, &told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("nginx: %v\n%s", err, told.String())
		}
	})
	return "http://" + l.Addr().String()
}
