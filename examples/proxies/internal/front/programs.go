package front

import (
	"errors"
	"os/exec"
)

// Program is a reverse proxy of Debian 12.
type Program struct {
	Name    string
	Command string
	Package string

	version  string    // the argument that prints its version
	around   string    // the rest of the configuration; SITE is what package conf has
	listen   string    // what the configuration listens on, if not an address
	inherits bool      // it takes over a listening socket, as descriptor 3
	env      []string  // that tells it so
	ready    string    // what it prints when it serves, if it inherits none
	ended    int       // the exit status after SIGTERM, if not 0
	http2    [2]string // what in the configuration to replace, and by what, so that it takes HTTP/2
	args     func(dir, file string, s Site) []string
}

func (p *Program) endsWith(err error) bool {
	var status *exec.ExitError
	return errors.As(err, &status) && p.ended != 0 && status.ExitCode() == p.ended
}

// The programs.
var (
	Nginx = &Program{
		Name: "nginx", Command: "nginx", Package: "nginx-light", version: "-v",
		inherits: true, env: []string{"NGINX=3;"},
		http2: [2]string{"listen {{.Listen}};", "listen {{.Listen}} http2;"},
		around: `{{if .Root}}user root;
{{end}}daemon off;
error_log stderr crit;
pid {{.Dir}}/pid;
events {}
http {
	access_log off;
	client_body_temp_path {{.Dir}}/body;
	proxy_temp_path {{.Dir}}/proxy;
	fastcgi_temp_path {{.Dir}}/fastcgi;
	uwsgi_temp_path {{.Dir}}/uwsgi;
	scgi_temp_path {{.Dir}}/scgi;
	client_max_body_size 32m;
	proxy_cache_path {{.Dir}}/cache keys_zone=api:1m;
SITE
}
`,
		args: func(dir, file string, _ Site) []string { return []string{"-p", dir, "-e", "stderr", "-c", file} },
	}
	HAProxy = &Program{
		Name: "HAProxy", Command: "haproxy", Package: "haproxy", version: "-v",
		inherits: true, listen: "fd@3", around: "SITE", ended: 143,
		args: func(_, file string, _ Site) []string { return []string{"-db", "-f", file} },
	}
	Caddy = &Program{
		Name: "Caddy", Command: "caddy", Package: "caddy", version: "version",
		ready: "serving initial configuration", around: "SITE",
		http2: [2]string{"auto_https off\n", "auto_https off\n\tservers {\n\t\tprotocols h1 h2 h2c\n\t}\n"},
		args: func(_, file string, _ Site) []string {
			return []string{"run", "--config", file, "--adapter", "caddyfile"}
		},
	}
	Apache = &Program{
		Name: "Apache", Command: "apache2", Package: "apache2-bin", version: "-v",
		ready: "resuming normal operations",
		around: `ServerRoot {{.Dir}}
ServerName localhost
DefaultRuntimeDir {{.Dir}}
PidFile {{.Dir}}/pid
Listen {{.Listen}}
ErrorLog /dev/stderr
{{if .Root}}User www-data
Group www-data
{{end}}LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
{{if .HTTP2}}LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
{{end}}SITE`,
		args: func(dir, file string, _ Site) []string { return []string{"-d", dir, "-f", file, "-DFOREGROUND"} },
	}
	Lighttpd = &Program{
		Name: "lighttpd", Command: "lighttpd", Package: "lighttpd", version: "-v",
		ready: "server started", ended: 1, // with 0 or 1
		around: `server.document-root = "{{.Dir}}"
server.bind = "{{.ListenHost}}"
server.port = {{.ListenPort}}
SITE`,
		args: func(_, file string, _ Site) []string { return []string{"-D", "-f", file} },
	}
	Varnish = &Program{
		Name: "Varnish", Command: "varnishd", Package: "varnish", version: "-V",
		ready: "said Child starts", around: "SITE",
		args: func(dir, file string, s Site) []string {
			args := []string{"-F", "-j", "none", "-n", dir, "-a", s.Listen, "-f", file, "-s", "malloc,16m"}
			if s.HTTP2 {
				args = append(args, "-p", "feature=+http2")
			}
			if s.Large {
				args = append(args, "-p", "http_req_hdr_len=65536", "-p", "http_req_size=131072", "-p", "workspace_client=262144", "-p", "workspace_backend=262144")
			}
			return args
		},
	}
	Squid = &Program{
		Name: "Squid", Command: "squid", Package: "squid", version: "-v",
		ready: "storeLateRelease", // it says that it accepts connections before it does
		around: `pid_filename none
cache_log /dev/null
access_log none
coredump_dir {{.Dir}}
shutdown_lifetime 0 seconds
pinger_enable off
{{if .Root}}cache_effective_user proxy
{{end}}visible_hostname localhost
SITE`,
		// Its shared memory is named after the service, and another Squid may run.
		args: func(_, file string, s Site) []string {
			port, _ := s.ListenPort()
			return []string{"-N", "-d", "1", "-n", "cognitoauth" + port, "-f", file}
		},
	}
	H2O = &Program{
		Name: "h2o", Command: "h2o", Package: "h2o", version: "-v",
		ready: "is ready to serve requests",
		around: `{{if .Root}}user: root
{{end}}SITE`,
		args: func(_, file string, _ Site) []string { return []string{"-c", file} },
	}
)

// All lists them.
var All = []*Program{Nginx, HAProxy, Apache, Caddy, Lighttpd, Varnish, Squid, H2O}
