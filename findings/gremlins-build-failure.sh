#!/usr/bin/env bash
# gremlins v0.6.0 (github.com/go-gremlins/gremlins), a mutation tester for Go.
#
# Behaviour: a mutant that does not compile counts as killed. gremlins turns + into
# -, which strings do not have. go test then ends with exit code 1, as it does for a
# failed test, so "not viable" is never reported.
#
# Seen on 2026-11-29 with Go 1.26.8: a package that joins two strings, and whose only
# test asserts nothing, has
#   Killed: 1, Lived: 0   "Test efficacy: 100.00%"
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOBIN=$dir/bin GOFLAGS=-modcacherw
go install github.com/go-gremlins/gremlins/cmd/gremlins@v0.6.0
mkdir "$dir/concat"
cd "$dir/concat"
cat >go.mod <<'END'
module example.com/concat

go 1.26
END
cat >concat.go <<'END'
package concat

func Join(a, b string) string { return a + b }
END
cat >concat_test.go <<'END'
package concat

import "testing"

func TestJoin(t *testing.T) { Join("a", "b") }
END
figures=$(NO_COLOR=1 "$GOBIN/gremlins" unleash --timeout-coefficient 100 . 2>&1 | grep -oE 'Killed: [0-9]+, Lived: [0-9]+')
printf 'a mutant that does not compile: %s\n' "$figures"
[[ $figures == 'Killed: 1, Lived: 0' ]] || { echo 'this has changed'; exit 1; }
