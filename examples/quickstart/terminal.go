package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"time"
)

// width is how many columns a line may have.
const width = 100

// style are the escape sequences of what is printed; the zero value has none.
type style struct{ bold, dim, good, bad, end string }

// styleOf gives colour to a terminal, unless its user wants none
// (https://no-color.org).
func styleOf(terminal bool, getenv func(string) string) style {
	if !terminal || getenv("NO_COLOR") != "" || getenv("TERM") == "dumb" {
		return style{}
	}
	return style{bold: "\x1b[1m", dim: "\x1b[2m", good: "\x1b[32m", bad: "\x1b[33m", end: "\x1b[0m"}
}

// terminal reports whether somebody reads w: it is a character device, and not
// the one where things are thrown away.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// logTo is a logger for w. On a terminal its lines are wrapped, and begin with
// the time of day alone; anywhere else a record is one whole line, for grep.
func logTo(w io.Writer) *slog.Logger {
	if !terminal(w) {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(wrapped{w}, &slog.HandlerOptions{ReplaceAttr: timeOfDay}))
}

func timeOfDay(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
	}
	return a
}

// wrapped breaks each line at spaces before it becomes wider than width.
type wrapped struct{ w io.Writer }

func (w wrapped) Write(p []byte) (int, error) {
	const indent = "    "
	var b bytes.Buffer
	column := 0
	for i, word := range bytes.Split(bytes.TrimSuffix(p, []byte("\n")), []byte(" ")) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.Write(word)
		column += len(word)
	}
	b.WriteByte('\n')
	if _, err := w.w.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}
