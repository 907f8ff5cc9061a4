#!/usr/bin/env bash
# gremlins v0.6.0 (github.com/go-gremlins/gremlins), a mutation tester for Go.
#
# Behaviour: with --test-cpu, every mutant counts as killed, whatever the tests
# check. gremlins hands the flag to go test as one argument, "-cpu 1", which go test
# does not know; go test then ends with an error, and gremlins takes any error of
# go test for a killed mutant.
#
# Seen on 2026-11-29 with Go 1.26.8: a package whose only test asserts nothing has
#   Killed: 0, Lived: 2    without the flag
#   Killed: 2, Lived: 0    with --test-cpu 1, "Test efficacy: 100.00%"
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOBIN=$dir/bin GOFLAGS=-modcacherw
go install github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
mkdir "$dir/max"
cd "$dir/max"
cat >go.mod <<'END'
module example.com/max

go 1.26
END
cat >max.go <<'END'
package max

func Max(a, b int) int {
	if a > b {
		return a
	}
	return b
}
END
cat >max_test.go <<'END'
package max

import "testing"

func TestMax(t *testing.T) { Max(1, 2) }
END
figures() { NO_COLOR=1 "$GOBIN/gremlins" unleash --timeout-coefficient 100 "$@" . 2>&1 | grep -oE 'Killed: [0-9]+, Lived: [0-9]+'; }
without=$(figures) with=$(figures --test-cpu 1)
printf 'without --test-cpu: %s\nwith --test-cpu 1:  %s\n' "$without" "$with"
[[ $without == 'Killed: 0, Lived: 2' && $with == 'Killed: 2, Lived: 0' ]] || { echo 'this has changed'; exit 1; }
