package record_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/record"
)

// day is a date for each i, before 1970 and after 2038 too.
func day(i int) time.Time {
	return time.Date(1900+50*i, time.March, 1, 12, 0, i, 0, time.UTC)
}

// build makes a record of a document of so many bytes, in which the i-th text is the
// i-th decimal digit at the index i+1. The texts from copied on are copies of
// another text.
func build(b *record.Builder, size, copied int) (doc string, r record.Record) {
	doc = "{0123456789ab" + strings.Repeat(" ", size-14) + "}"
	b.Start([]byte(doc))
	for i := range record.Texts {
		if i < copied {
			b.SetText(i, i+1, i+2)
		} else {
			b.CopyText(i, fmt.Sprint("copy ", i))
		}
	}
	for i := range record.Dates {
		b.SetDate(i, day(i))
	}
	return doc, b.Record()
}

// Records just below 64 KiB and above have numbers of different sizes. The head
// of a short record has 82 bytes.
func TestRecord(t *testing.T) {
	var b record.Builder // the same memory for all
	for _, size := range []int{20, 500, 1<<16 - 1 - 82, 1<<16 - 82, 1<<16 - 1, 1 << 16, 1 << 20} {
		for _, copied := range []int{record.Texts, record.Texts - 1, 0} {
			t.Run(fmt.Sprintf("size=%d,copied=%d", size, record.Texts-copied), func(t *testing.T) {
				doc, r := build(&b, size, copied)
				if r.Document() != doc {
					t.Errorf("the document has %d bytes, want %d", len(r.Document()), len(doc))
				}
				for i := range record.Texts {
					want := fmt.Sprintf("%x", i)
					if i >= copied {
						want = fmt.Sprint("copy ", i)
					}
					if r.Text(i) != want || !r.Has(i) || string(b.Text(i)) != want || !b.Has(i) {
						t.Errorf("text %d: %q, %v, in the builder %q, %v; want %q", i, r.Text(i), r.Has(i), b.Text(i), b.Has(i), want)
					}
				}
				for i := range record.Dates {
					if r.Date(i) != day(i) || b.Date(i) != day(i) {
						t.Errorf("date %d: %v, in the builder %v; want %v", i, r.Date(i), b.Date(i), day(i))
					}
				}
			})
		}
	}
}

// What was not set is not there, whatever an earlier record had; what is empty is.
func TestRecord_absent(t *testing.T) {
	var b record.Builder
	build(&b, 100, 5)
	b.Start([]byte(`{"a":""}`))
	b.SetText(3, 6, 6)
	b.CopyText(4, "")
	r := b.Record()
	for i := range record.Texts {
		if set := i == 3 || i == 4; r.Text(i) != "" || r.Has(i) != set || len(b.Text(i)) > 0 || b.Has(i) != set {
			t.Errorf("text %d: %q, %v, in the builder %q, %v", i, r.Text(i), r.Has(i), b.Text(i), b.Has(i))
		}
	}
	for i := range record.Dates {
		if r.Date(i) != (time.Time{}) || b.Date(i) != (time.Time{}) {
			t.Errorf("date %d: %v, in the builder %v", i, r.Date(i), b.Date(i))
		}
	}
	if r.Document() != `{"a":""}` {
		t.Errorf("document: %q", r.Document())
	}

	var none record.Record
	if none.Document() != "" || none.Text(0) != "" || none.Has(0) || none.Date(0) != (time.Time{}) {
		t.Error("the empty record has something")
	}
}

func TestBuilder_drafts(t *testing.T) {
	var b record.Builder
	b.Start([]byte(`{"one":"1","two":"2"}`))
	b.SetText(0, 8, 9)
	b.SetText(record.Texts, 18, 19)
	b.Draw(1, record.Texts)   // 2
	b.Draw(2, 0)              // 1
	b.Draw(0, record.Texts+1) // which is not there
	b.SetText(3, 8, 9)
	b.DropText(3)
	r := b.Record()
	for i, want := range []string{"", "2", "1", ""} {
		if r.Text(i) != want || r.Has(i) != (want != "") {
			t.Errorf("text %d: %q, %v; want %q", i, r.Text(i), r.Has(i), want)
		}
	}
}

// A record shares no memory with its builder, which wipes the copies it has made.
func TestBuilder_Reset(t *testing.T) {
	var b record.Builder
	doc := []byte(`{"a":"secret"}`)
	b.Start(doc)
	b.SetText(0, 6, 12)
	b.CopyText(1, "hidden")
	r, copied := b.Record(), b.Text(1)
	clear(doc)
	b.Reset()
	if string(copied) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("the builder still has %q", copied)
	}
	if r.Text(0) != "secret" || r.Text(1) != "hidden" || r.Document() != `{"a":"secret"}` {
		t.Errorf("the record became %q", r)
	}
}

// A record is one allocation, and reading it none.
func TestRecord_allocations(t *testing.T) {
	var b record.Builder
	doc := []byte("{" + strings.Repeat("x", 500) + "}")
	var r record.Record
	n := testing.AllocsPerRun(100, func() {
		b.Start(doc)
		for i := range record.Texts {
			b.SetText(i, 1+i, 40+i)
		}
		r = b.Record()
	})
	if n != 1 {
		t.Errorf("%v allocations for a record", n)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = r.Document(), r.Text(1), r.Date(1) }); n != 0 {
		t.Errorf("%v allocations to read it", n)
	}
}
