//go:build browser

package browser_test

import (
	"flag"
	"strings"
	"testing"
)

// picture makes TestDashboard wait for the end of the play, some two minutes, instead:
//
//	SHOTS=$PWD/examples/observability go test -count=1 -tags browser -run TestDashboard ./internal/proof/browser -picture
var picture = flag.Bool("picture", false, "only take dashboard.png, the picture in the README of examples/observability")

func TestDashboard(t *testing.T) {
	const observability = "../../../examples/observability"
	lines := start(t, observability, build(t, observability), func(line string) bool { return strings.HasPrefix(line, "dashboard ") })
	env := []string{"BASE=" + strings.TrimSpace(strings.TrimPrefix(lines[len(lines)-1], "dashboard ")), "DASHBOARD=" + observability + "/dashboard.json"}
	if *picture {
		run(t, "picture.mjs", 1, env, "dashboard.png")
		return
	}
	run(t, "dashboard.mjs", 11, env, "dashboard-light-320.png", "dashboard-dark-320.png")
}
