package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"
)

// sampleMain takes one short slot of every peer on Node.js and of every server,
// after each has shown that it accepts the good token and refuses the others. What
// is printed is no figure: it shows that what measures them works.
func sampleMain(args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("sample takes nothing, found %q", args)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	line, err := sample(ctx, 100*time.Millisecond)
	if err == nil {
		fmt.Println(line)
	}
	return err
}

func sample(ctx context.Context, d time.Duration) (line string, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	f, err := newPool()
	if err != nil {
		return "", err
	}
	defer f.close()
	peers, err := f.nodePeers(ctx)
	if err != nil {
		return "", err
	}
	if f.node.LeftOut != "" {
		return "", errors.New(f.node.String())
	}
	for _, c := range peers {
		for _, fault := range faults(f.pool, f.stranger, c) {
			return "", fmt.Errorf("%s: %s", c.key, fault)
		}
		c.token = f.token
		if _, err := calibrate(c, d); err != nil {
			return "", fmt.Errorf("%s: %w", c.key, err)
		}
	}
	s, err := measureServers(ctx, 1, 4, 1, d, "")
	if err != nil {
		return "", err
	}
	var done []string
	for _, r := range s.Rows {
		done = append(done, fmt.Sprintf("%s %.0f/s", strings.TrimPrefix(r.Key, "server-"), r.PerSecond))
	}
	return fmt.Sprintf("%d peers on Node.js %s and %d servers give their verdicts: %s", len(peers), f.node.Version, len(s.Rows), strings.Join(done, ", ")), nil
}
