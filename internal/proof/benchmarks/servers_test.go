package main

import (
	"encoding/json"
	"math"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// That the servers start shows that each gives its verdicts.
func TestServersVerifyAndAreMeasured(t *testing.T) {
	f, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	t.Cleanup(func() {
		if !closed {
			f.close()
		}
	})
	all, err := f.startServers(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, s := range all {
		keys = append(keys, s.key)
		one, err := s.slot(t.Context(), 2, 10*time.Millisecond)
		if err != nil || len(one.latencies) == 0 || one.cpu <= 0 {
			t.Errorf("%s: %d requests, %v of the CPU, %v", s.key, len(one.latencies), one.cpu, err)
		}
	}
	if want := []string{"server-mux", "server-hit", "server-full", "server-golang-jwt", "server-auth0", "server-express"}; !slices.Equal(keys, want) {
		t.Errorf("servers %q\nexpected %q", keys, want)
	}
	t.Run("a server that serves everybody has faults", func(t *testing.T) {
		open := *all[0]
		open.anySignature = false
		if err := open.tried(f); err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a server that serves nobody has faults", func(t *testing.T) {
		strict := *all[1]
		strict.worker = asked(t.Context(), "http://"+strict.addr+"/nowhere")
		if err := strict.tried(f); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a token that is refused is not measured", func(t *testing.T) {
		forged := *all[1]
		forged.token = tokenOf(f.pool).Tampered().String()
		if _, err := forged.slot(t.Context(), 1, time.Millisecond); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("error %v", err)
		}
	})
	f.close()
	closed = true
	for _, c := range f.children {
		if !c.cmd.ProcessState.Success() {
			t.Errorf("%s: ended by %v, expected by the end of its stdin", c.name, c.cmd.ProcessState)
		}
	}
}

func TestStatusThatIsNoVerdict(t *testing.T) {
	f, err := newPool()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	addr, _ := target(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	c := contender{worker: asked(t.Context(), "http://"+addr)}
	if got := faults(f.pool, f.stranger, c); len(got) != 8 {
		t.Errorf("%d faults: %q", len(got), got)
	}
}

func TestServerRowIsOfMediansOverTheRounds(t *testing.T) {
	of := func(n int, latency, cpu time.Duration) slotOf {
		return slotOf{load{took: time.Second, latencies: slices.Repeat([]time.Duration{latency}, n)}, cpu}
	}
	mux := []slotOf{of(1000, 1, 1), of(2000, 1, 1), of(4000, 1, 1)}
	s := server{contender: contender{key: "k", version: "v1"}}
	got := s.row([]slotOf{
		of(900, 1000*time.Microsecond, 90*time.Millisecond),
		of(1000, 3000*time.Microsecond, 500*time.Millisecond),
		of(3000, 2000*time.Microsecond, 600*time.Millisecond),
	}, mux)
	want := serverRow{Key: "k", Version: "v1", PerSecond: 1000, OverMux: 0.75, P50: 2000, P99: 2000, CPU: 200, Busy: 0.5}
	if got != want {
		t.Errorf("%+v\nexpected %+v", got, want)
	}
}

func TestServersBlock(t *testing.T) {
	s := &servers{run: run{Command: "c", Rounds: 20}, SlotMS: 1000, Conns: 16, CPUs: 1, Node: &nodeInfo{Version: "20.1.0", OpenSSL: "3.0.1"}, LeftOut: "found no git in PATH",
		Rows: []serverRow{{Key: "server-hit", Name: "ours", Version: "v1.2.3", As: "`Wrap`", PerSecond: 12345.6, OverMux: 0.93, P50: 100.4, P99: 200.6, CPU: 25.04, Busy: 0.987}}}
	for _, want := range []string{
		"| ours v1.2.3: `Wrap` | 12,346 | 0.93 | 100 | 201 | 25.0 | 0.99 |\n",
		"20 rounds of 1000 ms, 16 connections, servers in Go on 1 CPU.", "Node.js 20.1.0", "OpenSSL 3.0.1", "The old build was left out: found no git in PATH.",
	} {
		if !strings.Contains(s.block(), want) {
			t.Errorf("no %q in\n%s", want, s.block())
		}
	}
	if got := s.figures()[0]; !got.met() {
		t.Errorf("%+v is missed", got)
	}
	for _, over := range []float64{0.9299, math.NaN()} {
		s.Rows[0].OverMux = over
		if got := s.figures()[0]; got.met() {
			t.Errorf("%v is met", over)
		}
	}
	if got := new(servers).figures()[0]; got.met() {
		t.Error("met by results without rows")
	}
}

func TestServeSaysWhatIsWrong(t *testing.T) {
	at, err := json.Marshal(place{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ key, in, says string }{
		{"server-nobody", string(at) + "\n", `there is no server "server-nobody"`},
		{"server-mux", "", "expected a place"},
		{"server-mux", "nonsense\n", "invalid character"},
		{"server-hit", string(at) + "\n", "Pools[0]"},
	} {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "serve", row.key)
		cmd.Stdin = strings.NewReader(row.in)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), row.says) {
			t.Errorf("%s: %v, %s", row.key, err, out)
		}
	}
}
