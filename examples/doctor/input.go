package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// maxInput is more than any token that a server takes.
const maxInput = 1 << 20

// unbroken is base64url without a break, longer than any setting: app clients have
// IDs of 128 characters at most.
var unbroken = regexp.MustCompile(`[\w-]{129,}`)

// tokenLike reports whether an argument may hold a token, or a part of one: it
// has the base64 of {" in it, and two dots or more than any setting has; or it
// is as long as a signature.
func tokenLike(s string) bool {
	return strings.Contains(s, "eyJ") && (strings.Count(s, ".") >= 2 || len(s) > 100) || unbroken.MatchString(s)
}

// readToken reads the token, and takes off what people copy along with it. The
// check tells what that was.
func readToken(r io.Reader) (token string, input check, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	switch {
	case err != nil:
		return "", check{}, errors.New("standard input cannot be read")
	case len(b) > maxInput:
		return "", check{}, errors.New("standard input has more than 1 MiB: that is no token")
	}
	token, off := bare(string(b))
	if token == "" {
		return "", check{}, errors.New("no token on standard input")
	}
	input = check{Name: "input", Status: passed, Found: "the token alone", Expected: "the token alone"}
	if len(off) > 0 {
		input.Status, input.Found = noted, strings.Join(off, ", ")
		input.Why = "taken off here; Validate and a TokenSource have to be given the token alone, and Authorization: Bearer and a space before it"
	}
	return token, input, nil
}

// bare takes from s what does not belong to a token, from outside to inside. The
// line break that a file ends in is not worth a word.
func bare(s string) (token string, off []string) {
	s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	take := func(rest string, what string) {
		if rest != s {
			s = rest
			off = append(off, what)
		}
	}
	take(strings.TrimPrefix(s, "\ufeff"), "a byte order mark")
	take(strings.TrimSpace(s), "white space around it")
	for range 3 { // Bearer in quotes, quotes behind Bearer
		take(cutFold(s, "Authorization:"), "the name of the header")
		take(cutFold(s, "Bearer "), "Bearer before it")
		take(strings.Trim(s, "\"'`"), "quotes around it")
	}
	take(strings.Join(strings.Fields(s), ""), "white space inside it")
	return s, off
}

// cutFold is s without a prefix in any case, and without the space behind it.
func cutFold(s, prefix string) string {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return strings.TrimSpace(s[len(prefix):])
	}
	return s
}

// claims are what lines of configuration are made of. Nobody vouches for them.
type claims struct {
	Issuer   string `json:"iss"`
	ClientID string `json:"client_id"`
	Use      string `json:"token_use"`
	Expiry   int64  `json:"exp"`
	Issued   int64  `json:"iat"`
	Begins   int64  `json:"nbf"`
	Audience any    `json:"aud"`
	Username any    `json:"username"` // nil: a machine's
}

// peek reads the claims of a token as far as it can. Whether they are right is
// for Explain to say.
func peek(token string) (c claims) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if doc, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(doc, &c)
		}
	}
	return c
}

// line is a field of a composite literal that holds what a token says, with a
// comment; empty if that is nothing to put into a configuration.
func line(field, value, comment string) string {
	if value == "" || len(value) > 256 {
		return ""
	}
	return field + ": " + strconv.QuoteToASCII(value) + ", // " + comment
}

// lines is the field of a list that gets one member more.
func lines(field string, values []string, more string) string {
	if more == "" || len(more) > 256 {
		return ""
	}
	quoted := make([]string, 0, len(values)+1)
	for _, v := range append(values[:len(values):len(values)], more) {
		quoted = append(quoted, strconv.QuoteToASCII(v))
	}
	return field + ": []string{" + strings.Join(quoted, ", ") + "},"
}
