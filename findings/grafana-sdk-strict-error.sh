#!/usr/bin/env bash
# github.com/grafana/grafana-foundation-sdk/go v0.0.22, the types of Grafana's
# dashboards: UnmarshalJSONStrict.
#
# Behaviour: for a dashboard that is right it returns an error that is not nil, and
# whose text is empty. The function collects what it finds in a slice of its own error
# type and returns this slice as an error, also if it has nothing in it. So the usual
# "if err != nil" refuses every dashboard. What tells the two apart is the text, or the
# length of the cog.BuildErrors.
#
# Seen on 2026-11-29 with Go 1.26.8:
#   right: err != nil is true, the text is ""
#   wrong: err != nil is true, the text is "Dashboard: unexpected field 'titel'"
#
# The script fails if this changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
export GOFLAGS=-modcacherw
cd "$dir"
cat >go.mod <<'END'
module example.com/strict

go 1.26
END
cat >main.go <<'END'
package main

import (
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	right := `{"title":"A","schemaVersion":39,"time":{"from":"now-1h","to":"now"},"templating":{"list":[]},"annotations":{"list":[]},"panels":[]}`
	wrong := `{"titel":"A","schemaVersion":39,"time":{"from":"now-1h","to":"now"},"templating":{"list":[]},"annotations":{"list":[]},"panels":[]}`
	var d dashboard.Dashboard
	err := d.UnmarshalJSONStrict([]byte(right))
	text := ""
	if err != nil {
		text = err.Error()
	}
	fmt.Printf("right: err != nil is %t, the text is %q\n", err != nil, text)
	err2 := d.UnmarshalJSONStrict([]byte(wrong))
	fmt.Printf("wrong: err != nil is %t, the text is %q\n", err2 != nil, err2.Error())
	if err == nil || text != "" || err2.Error() != "Dashboard: unexpected field 'titel'" {
		fmt.Println("this has changed")
		os.Exit(1)
	}
}
END
go get github.com/grafana/grafana-foundation-sdk/go@v0.0.22 2>/dev/null
go mod tidy 2>/dev/null
go run .
