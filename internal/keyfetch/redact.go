package keyfetch

// This file keeps the query of a URL out of what people read. A presigned URL
// carries its signature there, and whoever reads a log could fetch with it.

import (
	"net/url"
	"strconv"
	"strings"
)

const redacted = "redacted"

// Shown returns a URL as people may see it: with "redacted" for its query.
func Shown(address string) string {
	if before, _, found := strings.Cut(address, "?"); found {
		return before + "?" + redacted
	}
	return address
}

// hideQuery returns err without the query of address, in its text and in the
// *url.Error that an http.Client returns. What else is in err stays there for
// errors.Is.
func hideQuery(address string, err error) error {
	_, query, _ := strings.Cut(address, "?")
	// mutant: equivalent, there is nothing to hide
	if query == "" {
		return err
	}
	if of, ok := err.(*url.Error); ok {
		err = &url.Error{Op: of.Op, URL: Shown(of.URL), Err: of.Err}
	}
	return &queryless{err, query}
}

// queryless is an error whose text may quote a query.
type queryless struct {
	err   error
	query string
}

// longQuery is from where on a query is hidden even without the "?" before it. A
// shorter one may be a word of the text.
const longQuery = 12

func (e *queryless) Error() string {
	// A transport may quote once more what it failed at.
	text := e.err.Error()
	quoted := strconv.Quote(e.query)
	for _, query := range []string{e.query, quoted[1 : len(quoted)-1]} {
		text = strings.ReplaceAll(text, "?"+query, "?"+redacted)
		if len(query) >= longQuery {
			text = strings.ReplaceAll(text, query, redacted)
		}
	}
	return text
}

func (e *queryless) Unwrap() error { return e.err }
