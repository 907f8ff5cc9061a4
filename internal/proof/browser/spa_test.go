//go:build browser

package browser_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSPA(t *testing.T) {
	const spa = "../../../examples/spa"
	lines := start(t, spa, build(t, spa), func(line string) bool { return strings.HasPrefix(line, "http://localhost:") }, "-port", "0")
	// Chromium lets no page into loopback that does not come from there, so a page that
	// playwright makes up would be stopped too early.
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!DOCTYPE html><title>near</title><link rel="icon" href="data:,">`)
	}))
	t.Cleanup(near.Close)
	_, port, err := net.SplitHostPort(near.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	other := lines[len(lines)-3]
	run(t, "spa.mjs", 17, []string{"BASE=" + lines[len(lines)-1], "OTHER=" + other[strings.Index(other, "http://"):], "NEAR=http://localhost:" + port + "/"},
		"spa.png", "spa-light-360.png", "spa-dark-360.png")
}
