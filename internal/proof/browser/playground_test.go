//go:build browser

package browser_test

import (
	"strings"
	"testing"
)

func TestPlayground(t *testing.T) {
	const quickstart = "../../../examples/quickstart"
	lines := start(t, quickstart, build(t, quickstart), func(line string) bool { return strings.HasSuffix(line, "/playground/") }, "-addr", "127.0.0.1:0")
	run(t, "playground.mjs", 10, []string{"BASE=" + lines[len(lines)-1]}, "playground.png", "playground-light-360.png", "playground-dark-360.png")
}
