//go:build browser

package browser_test

import (
	"strings"
	"testing"
)

func TestSPA(t *testing.T) {
	const spa = "../../../examples/spa"
	lines := start(t, spa, build(t, spa), func(line string) bool { return strings.HasPrefix(line, "http://localhost:") }, "-port", "0")
	other := lines[len(lines)-3]
	run(t, "spa.mjs", 18, []string{"BASE=" + lines[len(lines)-1], "OTHER=" + other[strings.Index(other, "http://"):]},
		"spa.png", "spa-light-360.png", "spa-dark-360.png")
}
