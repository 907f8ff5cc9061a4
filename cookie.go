package cognitoauth

// This file holds FromCookie, which takes the token from a cookie, or from
// several that hold a part of it each.
//
// net/http drops a cookie that it cannot read, and all cookies if there are too
// many. So a token that is there would count as none, and of two cookies one
// would be left. We therefore read the Cookie header ourselves, as net/http
// does, but refuse what it drops.

import (
	"math/bits"
	"net/http"
	"strings"
)

// FromCookie takes the token from the cookie of that name, or from its chunks
// name.0, name.1, …, which are joined by number (as Auth.js and others split
// what is too large for one cookie; at most 64). A value in double quotes counts
// without them. The cookies of AWS Amplify have the user in their name: see the
// example of [TokenSource].
//
// The browser adds a cookie by itself. So a request with an unsafe method, and
// the handshake of a WebSocket, must pass the check of
// [http.CrossOriginProtection], or it is refused with 403. A page on another host
// of the same site fails it too: Config.CrossOrigin trusts its origin. Other
// requests with GET are safe, those for server-sent events included, as long as
// they change nothing: CORS keeps other sites from reading the answer.
//
// Two cookies of that name, chunks beside the whole cookie, and two chunks with
// one number are refused with 400 (credentials_repeated). So is a cookie that
// net/http does not read, for a byte in its value or because more than 3,000
// cookies came, and so are chunks with a gap (credentials_malformed). It panics
// on an empty name.
func FromCookie(name string) TokenSource {
	must(name != "", "FromCookie", "the name is empty")
	what := "cookie " + cookieName(name)
	return func(r *http.Request) (string, error) {
		var c crumbs
		pairs := c.collect(r.Header["Cookie"], name)
		if c.whole == 0 && c.chunks == 0 {
			return "", nil
		}
		if pairs > maxCookies && len(r.Cookies()) == 0 {
			c.fault = noteCookieMany
		}
		token, err := c.join(what)
		if err != nil {
			return "", err
		}
		return ambient(r, what, token)
	}
}

const (
	// maxCookies is how many cookies net/http reads at most, unless
	// GODEBUG=httpcookiemaxnum says otherwise. Beyond it we ask net/http.
	maxCookies = 3000
	// maxChunks is how many chunks a cookie has at most: 250 kB, since a browser
	// keeps no cookie that is larger than 4,096 bytes.
	maxChunks = 64
)

// crumbs are the cookies of a request that hold the token or a part of it.
type crumbs struct {
	whole  int // how many cookies have the name itself
	chunks int // how many have the name, a dot and a number
	value  string
	parts  [maxChunks]string
	seen   uint64 // a bit for each of the parts
	twice  bool   // two of the parts have one number
	fault  string // why one of them cannot be read, "" if all can
}

// collect reads the Cookie headers, of which HTTP/2 may send several, and
// returns how many cookies they have. White space around a cookie and its name
// does not count.
func (c *crumbs) collect(lines []string, name string) (pairs int) {
	for _, rest := range lines {
		for more := true; more; pairs++ {
			var pair string
			pair, rest, more = strings.Cut(rest, ";")
			key, value, _ := strings.Cut(strings.TrimRight(pair, blanks), "=")
			if suffix, ok := strings.CutPrefix(strings.Trim(key, blanks), name); ok {
				c.add(suffix, value)
			}
		}
	}
	return pairs
}

const blanks = " \t"

// add takes a cookie into account whose name is the one that is looked for and
// a suffix.
func (c *crumbs) add(suffix, value string) {
	number, isChunk := chunkNumber(suffix)
	if suffix != "" && !isChunk {
		return // another cookie, whose name begins alike
	}
	value, readable := cookieValue(value)
	if !readable {
		c.fault = noteCookieByte
	}
	switch {
	case !isChunk:
		c.whole++
		c.value = value
	case number >= maxChunks:
		c.chunks++
		c.fault = noteCookieChunks
	default:
		c.twice = c.twice || c.seen&(1<<number) != 0
		c.chunks++
		c.seen |= 1 << number
		c.parts[number] = value
	}
}

// join returns the token that the cookies hold.
func (c *crumbs) join(what string) (string, error) {
	switch {
	case c.whole > 1, c.twice, c.whole > 0 && c.chunks > 0:
		return "", refuse(&credentialsRepeated, evidence{claim: what, size: c.whole + c.chunks, note: noteCookieTwice})
	case c.fault != "":
		return "", refuse(&credentialsMalformed, evidence{claim: what, note: c.fault})
	case c.whole > 0:
		return c.value, nil
	case bits.Len64(c.seen) != c.chunks:
		return "", refuse(&credentialsMalformed, evidence{claim: what, note: noteCookieGap})
	}
	return strings.Join(c.parts[:c.chunks], ""), nil
}

// chunkNumber returns the number of a chunk, maxChunks if it is too large. A
// number is written in one way: "01" is none.
func chunkNumber(suffix string) (number int, ok bool) {
	digits, found := strings.CutPrefix(suffix, ".")
	if !found || digits == "" || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		number = min(number*10+int(digits[i]-'0'), maxChunks)
	}
	return number, true
}

// cookieValue returns the value of a cookie without quotes around the whole of
// it, as net/http does, and whether net/http reads it. It reads all of ASCII but
// controls, quotes, backslashes and semicolons, which is more than RFC 6265,
// section 4.1.1, allows.
func cookieValue(raw string) (value string, readable bool) {
	if n := len(raw); n > 1 && raw[0] == '"' && raw[n-1] == '"' {
		raw = raw[1 : n-1]
	}
	for i := range len(raw) {
		if c := raw[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return raw, true
}

// These notes say what is wrong with a cookie.
const (
	noteCookieByte = " has a quote, a backslash, a control or a byte beyond ASCII in its value, so net/http does not read it (RFC 6265, section 4.1.1): " +
		"the program that sets it has to write the token as it is"
	noteCookieMany   = " came among more than 3,000 cookies, and net/http then reads none: find out what sets so many"
	noteCookieGap    = " came in chunks of which one is missing (name.0, name.1, ...): the browser dropped one, or deleted one earlier than the others; set all of them anew"
	noteCookieChunks = " came in chunks with a number beyond 63: Config.MaxTokenBytes never needs so many; is that another cookie's name?"
	noteCookieTwice  = "; chunks (name.0, name.1, ...) beside the whole cookie count as a second one"
)

// cookieName quotes the name of a cookie for Detail. The names that AWS Amplify
// gives its cookies contain the user's name, which we leave out:
// CognitoIdentityServiceProvider.<client ID>.<user>.accessToken.
func cookieName(name string) string {
	const amplify = "CognitoIdentityServiceProvider."
	if rest, ok := strings.CutPrefix(name, amplify); ok {
		client, user, _ := strings.Cut(rest, ".")
		if last := strings.LastIndexByte(user, '.'); last >= 0 {
			return quote(amplify + client + ".*" + user[last:])
		}
	}
	return quote(name)
}
