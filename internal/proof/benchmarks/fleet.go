package main

import (
	"fmt"
	"math"
	"time"
)

// How often one instance fetches the key set of one source. TestFleet holds
// these against the library itself, on a clock that runs a day in no time.
const (
	refreshAge = time.Hour // on average: 1 h, up to 10 % more or less
	floorPause = 10 * time.Second
	// After failures the pauses double to a minute, spread by a quarter to
	// either side but never above it: half of them last 60 s, the others 45 s
	// to 60 s.
	failurePause = 56250 * time.Millisecond
)

// fleetRow is how many fetches a fleet makes of one source.
type fleetRow struct {
	instances           int
	hourly              float64 // as a rule
	rotation            int     // once, because of new keys
	flooded, outageHour float64 // in an hour, at most and on average
}

func fleetOf(instances int) fleetRow {
	n := float64(instances)
	return fleetRow{instances, n * float64(time.Hour/refreshAge), instances,
		n * float64(time.Hour) / float64(floorPause), n * float64(time.Hour) / float64(failurePause)}
}

func fleetTable() string {
	t := newTable("instances", "fetches an hour", "one every", "at a rotation", "an hour of unknown keys, at most", "attempts in an hour of failures")
	for _, n := range []int{1, 10, 100, 1000, 10_000} {
		r := fleetOf(n)
		every := time.Duration(float64(time.Hour) / r.hourly)
		t.row(thousands(r.instances), thousands(int(r.hourly)), fmt.Sprint(every), thousands(r.rotation),
			thousands(int(r.flooded)), thousands(int(math.Round(r.outageHour))))
	}
	return t.String()
}
