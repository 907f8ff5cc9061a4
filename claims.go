package cognitoauth

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/cognitoauth/cognitoauth/internal/kit"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TokenUse is the kind of a Cognito token, the value of its claim token_use.
type TokenUse string

const (
	// AccessToken is what an API is called with; it names the app client in
	// client_id and carries scopes.
	AccessToken TokenUse = "access"
	// IDToken tells an app who logged in; it names the app client in aud and
	// carries the user's attributes, but no scopes.
	IDToken TokenUse = "id"
)

// Claims are the verified claims of one token, the caller's own copy: no other
// request sees a change made to them. Claims are read by any number of
// goroutines at once. The zero value and a nil pointer have no claims; every
// policy denies both.
//
// Which token carries what is in the Cognito developer guide, under
// "Understanding the access token" and "Understanding the identity token".
type Claims struct {
	_ [0]func() // not comparable

	// Subject is sub, the user's stable identifier within the pool; on a machine's
	// token without sub it is the ClientID.
	Subject string
	// Username is username on access tokens and cognito:username on ID tokens;
	// "" on a machine's token. A user name can be an e-mail address and can be
	// given to another user later: key your data by Subject.
	Username string
	// ClientID is the app client: client_id on access tokens, aud on ID tokens.
	ClientID string
	// TokenUse is token_use.
	TokenUse TokenUse
	// Issuer is iss, and PoolID the ID of the Pool whose settings accepted it.
	Issuer, PoolID string
	// ID is jti, and OriginID origin_jti, which all tokens of one login share;
	// "" where the app client has token revocation switched off.
	ID, OriginID string
	// EventID is event_id, "" on most machine tokens.
	EventID string
	// ACR is acr, the authentication context class, "" where Cognito sends none.
	ACR string
	// AuthTime is when the user last logged in (refreshing does not move it),
	// IssuedAt, NotBefore and Expiry are iat, nbf and exp. All are in UTC, whole
	// seconds, and zero where the token does not say. Expiry is never zero.
	AuthTime, IssuedAt, NotBefore, Expiry time.Time

	scope            string
	groups, audience textList

	keyID   string
	payload string // the JSON object, verbatim
	named   bool   // it has a username

	// clock is that of the Middleware that verified the token, for policies about
	// time. It is nil in Claims that no token carried.
	clock *clock
}

// Scopes returns the token's scopes in its order; nil if there are none, as on
// ID tokens.
func (c *Claims) Scopes() []string {
	if c == nil || c.scope == "" {
		return nil
	}
	// Not strings.Fields: only the space separates scopes (RFC 6749, section 3.3).
	return strings.FieldsFunc(c.scope, func(r rune) bool { return r == ' ' })
}

// Groups returns the user's groups (cognito:groups) in the token's order; nil
// if there are none. A user of a federated provider also is in a group that
// Cognito names after the pool and the provider.
func (c *Claims) Groups() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.groups.all)
}

// Audience returns aud: nil on most access tokens, the app client on ID
// tokens, the resource on tokens bound to one (RFC 8707).
func (c *Claims) Audience() []string {
	if c == nil {
		return nil
	}
	return slices.Collect(c.audience.all)
}

// HasScope reports whether the token has exactly this scope; case counts
// (RFC 6749, section 3.3).
func (c *Claims) HasScope(scope string) bool {
	if c == nil {
		return false
	}
	for rest := c.scope; rest != ""; {
		var s string
		if s, rest, _ = strings.Cut(rest, " "); s == scope && s != "" {
			return true
		}
	}
	return false
}

// HasGroup reports whether the user is in exactly this group; case counts.
func (c *Claims) HasGroup(group string) bool { return c != nil && c.groups.contains(group) }

// IsMachine reports whether the token was issued to an app client for itself
// (client credentials grant): an access token without a username.
func (c *Claims) IsMachine() bool { return c != nil && c.TokenUse == AccessToken && !c.named }

// Decode decodes the whole verified payload into v, a pointer, for claims that
// have no field here. Names match exactly and case counts, unlike in
// encoding/json; tags are written the same way. The rules are those of
// github.com/go-json-experiment/json, the code behind encoding/json/v2.
func (c *Claims) Decode(v any) error {
	if c == nil || c.payload == "" {
		return errors.New("cognitoauth: Decode of Claims that no token carried")
	}
	if err := json.Unmarshal([]byte(c.payload), v); err != nil {
		// The cause is not in the text, because it can quote the payload.
		return &decodeError{err}
	}
	return nil
}

type decodeError struct{ cause error }

func (e *decodeError) Error() string {
	return fmt.Sprintf("cognitoauth: the claims do not fit the value given to Decode (%T)", e.cause)
}
func (e *decodeError) Unwrap() error { return e.cause }

// String returns the named claim if it is a JSON string, and "" if it is
// anything else or absent. Cognito sends every custom attribute
// ("custom:tenant") as a string.
func (c *Claims) String(name string) string { return c.member(name).text() }

// Bool returns whether the named claim is true: the JSON boolean, or the
// string "true", which Cognito sends for email_verified in some places.
func (c *Claims) Bool(name string) bool {
	v := c.member(name)
	return v == "true" || v.is("true")
}

// member returns the value of a top-level claim. The payload was strict JSON
// when it was verified, so that quotes and brackets are all there is to look
// for, and a policy of many claims does not copy it for each of them.
func (c *Claims) member(name string) rawValue {
	if c == nil {
		return ""
	}
	for p := c.payload; ; {
		i := strings.IndexByte(p, '"')
		if i < 0 {
			return ""
		}
		p = p[i:]
		n := valueBytes(p)
		found := rawValue(p[:n]).is(name)
		p = strings.TrimLeft(p[n:], ": \t\r\n")
		n = valueBytes(p)
		if found {
			return rawValue(p[:n])
		}
		p = p[n:]
	}
}

// valueBytes is how long the value is that p, the rest of a JSON object, begins
// with.
func valueBytes(p string) int {
	depth := 0
	for i := 0; ; i++ {
		switch p[i] {
		case '"':
			for i++; p[i] != '"'; i++ {
				if p[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 { // behind a number or a literal
				return i
			}
			continue
		default:
			continue
		}
		if depth < 0 { // the end of the object itself
			return i
		}
		if depth == 0 {
			return i + 1
		}
	}
}

// rawValue is a value as it stands in a payload, "" if there is none.
type rawValue string

// isText reports whether v is a string.
func (v rawValue) isText() bool { return strings.HasPrefix(string(v), `"`) }

// text is the string that v is, "" if it is none. It copies only what is escaped.
func (v rawValue) text() string {
	switch {
	case !v.isText():
		return ""
	case strings.IndexByte(string(v), '\\') < 0:
		return string(v[1 : len(v)-1])
	}
	s, _ := jsontext.AppendUnquote(nil, v)
	return string(s)
}

// is reports whether v is the string s.
func (v rawValue) is(s string) bool {
	switch {
	case !v.isText():
		return false
	// mutant: equivalent `strings.IndexByte(string(v), '\\') < 0 → false`, it is a shortcut
	case strings.IndexByte(string(v), '\\') < 0:
		return string(v[1:len(v)-1]) == s
	case len(v)-2 > longestEscape*len(s):
		return false
	}
	var room [scratchBytes]byte
	unquoted, _ := jsontext.AppendUnquote(room[:0], v)
	return string(unquoted) == s
}

// folds reports whether v is the string s but for the case of its letters.
func (v rawValue) folds(s string) bool {
	switch {
	// mutant: equivalent `strings.IndexByte(string(v), '\\') < 0 → false`, it is a shortcut
	case strings.IndexByte(string(v), '\\') < 0:
		return strings.EqualFold(string(v[1:len(v)-1]), s)
	// mutant: equivalent `len(v)-2 > longestEscape*utf8.UTFMax*len(s) → false`, it is a shortcut
	case len(v)-2 > longestEscape*utf8.UTFMax*len(s):
		return false
	}
	var room, other [scratchBytes]byte
	unquoted, _ := jsontext.AppendUnquote(room[:0], v)
	return bytes.EqualFold(unquoted, append(other[:0], s...))
}

const (
	longestEscape = len(`\u0041`) // of a byte
	scratchBytes  = 512           // for the name of a group, without a place on the heap
)

// FromContext returns the claims of the request that ctx belongs to, and
// whether there are any: behind Wrap there are, except on AllowAnonymous
// routes, and on Optional routes called without a token.
func FromContext(ctx context.Context) (*Claims, bool) {
	if a, ok := ctx.Value(contextKey{}).(*admission); ok && a.authenticated {
		return &a.claims, true
	}
	return nil, false
}

// WithExpiry returns a context that ends when the token does, for what outlives
// a request's beginning: a WebSocket, a stream of events. It ends at the instant
// from which Validate refuses the token, exp plus Config.Leeway by Config.Now,
// and [context.Cause] then is an [*Error] with the code token_expired. Call
// cancel to release it earlier. With nil claims it has ended already.
//
// A token that is revoked in the meantime does not end it.
func WithExpiry(ctx context.Context, c *Claims) (_ context.Context, cancel context.CancelFunc) {
	if c == nil {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(refuse(&tokenMissing, evidence{}))
		return ctx, func() {}
	}
	by := clock{now: time.Now}
	if c.clock != nil {
		by = *c.clock
	}
	ends := c.Expiry.Add(by.leeway)
	why := refuse(&tokenExpired, evidence{at: c.Expiry, now: ends, leeway: by.leeway, verified: true})
	return context.WithTimeoutCause(ctx, ends.Sub(by.now()), why)
}

// contextKey is the key under which Wrap leaves its verdict.
type contextKey struct{}

// admission is the verdict that a request carries from Wrap to the handlers
// behind it, and the context that carries it. One allocation holds both and the
// request's own copy of the claims.
type admission struct {
	context.Context // the request's, from outside

	claims        Claims
	authenticated bool        // false: an Optional route without a token
	optional      bool        // the route is Optional: the fallback does not apply
	mw            *Middleware // nil: put there by the test kit
	route         *require    // the route's handler, if it is a Require
	pending       atomic.Bool // the decision has yet to be reported, by route
}

func (a *admission) Value(key any) any {
	if _, ok := key.(contextKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// String is for logs that print a context: fmt would print the claims.
func (*admission) String() string   { return "cognitoauth.Wrap" }
func (*admission) GoString() string { return "cognitoauth.Wrap" }

func init() {
	kit.NewClaims = func(payload []byte, poolID string, now func() time.Time, leeway time.Duration) (any, error) {
		c := new(Claims)
		if err := c.decode(payload); err != nil {
			return nil, err
		}
		c.PoolID, c.clock = poolID, &clock{now, leeway}
		return c, nil
	}
	kit.WithClaims = func(ctx context.Context, claims any) context.Context {
		c, _ := claims.(*Claims)
		must(c != nil, "WithClaims", "the claims are nil")
		a := &admission{Context: ctx, claims: *c, authenticated: true}
		if a.claims.clock == nil {
			a.claims.clock = &clock{now: time.Now}
		}
		return a
	}
}

// decode reads a payload strictly: one JSON object with exact, unique names,
// valid UTF-8 and bounded depth, in which every claim that the library knows
// has the JSON type that Cognito gives it.
//
// encoding/json would accept Client_ID, and even ſub, for the field it folds
// to, take the last of two members of one name, and turn invalid UTF-8 into
// U+FFFD; with each, two readers of one token can see two different callers
// (RFC 8725, section 2.7).
func (c *Claims) decode(doc []byte) *Error {
	c.payload = string(doc)
	var names usernames
	var mistyped bool
	var claim string
	ok := members(doc, func(name []byte, value jsontext.Value, end int) bool {
		if c.set(name, value, end, &names) {
			return true
		}
		mistyped, claim = true, string(name)
		return false
	})
	switch {
	case ok:
		c.settle(&names)
		return nil
	case mistyped:
		return refuse(&claimsMalformed, evidence{claim: claim, note: " (unverified)"})
	case tooDeep(doc):
		return refuse(&claimsMalformed, evidence{note: ": it nests deeper than " + strconv.Itoa(maxDepth) + " levels"})
	default:
		return refuse(&claimsMalformed, evidence{note: ": names unique, UTF-8 valid, nothing behind it"})
	}
}

// usernames are the two spellings of the user name, of which settle takes the
// one that belongs to the kind of token.
type usernames struct{ access, id string }

// set stores one member; end is the offset of the value's end in the payload.
// It reports whether the value has the type that Cognito gives the claim.
func (c *Claims) set(name []byte, value jsontext.Value, end int, names *usernames) (ok bool) {
	switch string(name) {
	case "sub":
		c.Subject, ok = c.text(value, end)
	case "iss":
		c.Issuer, ok = c.text(value, end)
	case "token_use":
		var use string
		use, ok = c.text(value, end)
		c.TokenUse = TokenUse(use)
	case "client_id":
		c.ClientID, ok = c.text(value, end)
	case "username":
		names.access, ok = c.text(value, end)
		c.named = ok
	case "cognito:username":
		names.id, ok = c.text(value, end)
	case "scope":
		c.scope, ok = c.text(value, end)
	case "jti":
		c.ID, ok = c.text(value, end)
	case "origin_jti":
		c.OriginID, ok = c.text(value, end)
	case "event_id":
		c.EventID, ok = c.text(value, end)
	case "acr":
		c.ACR, ok = c.text(value, end)
	case "exp":
		c.Expiry, ok = numericDate(value, false)
	case "nbf":
		c.NotBefore, ok = numericDate(value, true)
	case "iat":
		c.IssuedAt, ok = numericDate(value, true)
	case "auth_time":
		c.AuthTime, ok = numericDate(value, true)
	case "aud":
		if value.Kind() != '"' && !allStrings(value) {
			break
		}
		c.audience, ok = textList(c.payload[end-len(value):end]), true
	case "cognito:groups":
		c.groups, ok = textList(c.payload[end-len(value):end]), allStrings(value)
	default:
		ok = fits(value)
	}
	return ok
}

// text is the string that value holds. Without an escape in it, which is the
// rule, it is a part of the payload and costs no allocation.
func (c *Claims) text(value jsontext.Value, end int) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return c.payload[end-len(value)+1 : end-1], true
	}
	return text(value)
}

// textList is a list of strings, or a single one, as it stands in the payload:
// "" if there is none. Nothing is allocated for its members until somebody asks.
type textList string

// each yields the members as they stand there.
func (l textList) each(yield func(rawValue) bool) {
	for {
		i := strings.IndexByte(string(l), '"')
		if i < 0 {
			return
		}
		end := i + 1
		for ; l[end] != '"'; end++ {
			if l[end] == '\\' {
				end++
			}
		}
		if !yield(rawValue(l[i : end+1])) {
			return
		}
		l = l[end+1:]
	}
}

// all yields the members.
func (l textList) all(yield func(string) bool) {
	for member := range l.each {
		if !yield(member.text()) {
			return
		}
	}
}

func (l textList) contains(s string) bool {
	for member := range l.each {
		if member.is(s) {
			return true
		}
	}
	return false
}

// first is the first member, "" if there is none.
func (l textList) first() string {
	for s := range l.all {
		return s
	}
	return ""
}

// isList tells a list from a single string.
func (l textList) isList() bool { return strings.HasPrefix(string(l), "[") }

// allStrings reports whether value, which is valid JSON, is a list of strings.
func allStrings(value jsontext.Value) bool {
	if value.Kind() != '[' {
		return false
	}
	for i := 1; ; i++ {
		switch value[i] {
		case '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case ' ', '\t', '\r', '\n', ',':
		default:
			return value[i] == ']'
		}
	}
}

// settle fills the fields whose source depends on the kind of token.
func (c *Claims) settle(names *usernames) {
	if c.TokenUse == IDToken {
		// Whatever else is called client_id or scope here is an attribute.
		c.Username, c.ClientID, c.scope = names.id, "", ""
		if !c.audience.isList() { // which aud never is on Cognito's ID tokens
			c.ClientID = c.audience.first()
		}
		return
	}
	c.Username = names.access
	if c.Subject == "" && c.IsMachine() {
		c.Subject = c.ClientID
	}
}

// maxDepth bounds how deeply a payload or key set may nest. Cognito's own
// claims nest two levels, a trigger's somewhat more.
const maxDepth = 64

// tooDeep reports whether doc nests deeper than maxDepth, as far as that can be
// told of what need not be JSON. Nearly every document has fewer brackets at all.
func tooDeep(doc []byte) bool {
	if bytes.Count(doc, []byte("["))+bytes.Count(doc, []byte("{")) <= maxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '\\': // in a string, or it is no JSON
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}

// reader is a JSON decoder and the memory it works in, kept together so that
// all of it is used again.
type reader struct {
	dec jsontext.Decoder
	doc []byte
	buf bytes.Buffer

	// names has a hash of each name and its object. The decoder could look for
	// duplicates itself, but takes 13 times the document for that.
	strict  bool // names are noted
	names   []uint64
	text    []byte               // of a name with escapes
	objects [maxDepth + 1]uint64 // the number of the object at each depth
	count   uint64               // of objects
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// read returns a reader of doc; done gives it back.
func read(doc []byte, opts ...jsontext.Options) *reader {
	r := readers.Get().(*reader)
	r.doc, r.buf = doc, *bytes.NewBuffer(doc)
	r.dec.Reset(&r.buf, opts...)
	return r
}

// done gives r back, unless it would keep a large document alive.
func (r *reader) done() {
	// mutant: equivalent `len(r.doc) <= maxPooledBytes → false`, the next one is made anew
	if len(r.doc) <= maxPooledBytes {
		r.doc, r.buf, r.names, r.count = nil, bytes.Buffer{}, r.names[:0], 0
		readers.Put(r)
	}
}

var nameSeed = maphash.MakeSeed()

// name reads a name of the object that r is in, and notes it if r is strict.
func (r *reader) name() (jsontext.Value, error) {
	name, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	end := r.dec.InputOffset()
	name = r.doc[end-int64(len(name)) : end] // what the decoder returns is good until it goes on
	if !r.strict {
		return name, nil
	}
	text := name[1 : len(name)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		r.text, _ = jsontext.AppendUnquote(r.text[:0], name)
		text = r.text
	}
	// Nobody outside can tell what collides under the seed of this process.
	const odd = 0x9e3779b97f4a7c15
	r.names = append(r.names, maphash.Bytes(nameSeed, text)^r.objects[r.dec.StackDepth()]*odd)
	return name, nil
}

// value reads a value, and all names in it.
func (r *reader) value() (jsontext.Value, error) {
	depth, begin := r.dec.StackDepth(), r.dec.InputOffset()
	for {
		if kind, n := r.dec.StackIndex(r.dec.StackDepth()); kind == '{' && n%2 == 0 && r.dec.PeekKind() == '"' {
			if _, err := r.name(); err != nil {
				return nil, err
			}
			continue
		}
		token, err := r.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		if token.Kind() == '{' {
			r.begin()
		}
		if r.dec.StackDepth() == depth {
			return bytes.TrimLeft(r.doc[begin:r.dec.InputOffset()], " \t\r\n:"), nil
		}
	}
}

// begin numbers the object that r has just come into.
func (r *reader) begin() {
	r.count++
	r.objects[r.dec.StackDepth()] = r.count
}

// unique reports whether no object had a name twice, as far as r has read.
func (r *reader) unique() bool {
	slices.Sort(r.names)
	for i := 1; i < len(r.names); i++ {
		if r.names[i] == r.names[i-1] {
			return false
		}
	}
	return true
}

// maxPooledBytes is how large a buffer may be to be kept for the next token.
const maxPooledBytes = 16 << 10

// members calls visit for each member of the one JSON object that doc is, with
// its unescaped name, its raw value, and the offset at which the value ends;
// all are valid during the call only. It reports whether doc is such an object,
// with unique names throughout, valid UTF-8, no more than maxDepth levels,
// nothing but white space around it, and visit never returned false. visit may
// see the first members twice.
func members(doc []byte, visit func(name []byte, value jsontext.Value, end int) bool) bool {
	if ok, done := quickMembers(doc, visit); done {
		return ok
	}
	// The decoder would recurse.
	return !tooDeep(doc) && walk(doc, true, visit)
}

// sloppyMembers is members where names may occur twice and UTF-8 be invalid.
func sloppyMembers(doc []byte, visit func(name []byte, value jsontext.Value, end int) bool) bool {
	return walk(doc, false, visit)
}

func walk(doc []byte, strict bool, visit func(name []byte, value jsontext.Value, end int) bool) bool {
	r := read(doc, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(!strict))
	defer r.done()
	r.strict = strict
	// At once, since growing takes a multiple. A member takes five bytes at least.
	r.names = slices.Grow(r.names, min(bytes.Count(doc, []byte(":")), len(doc)/5))
	if open, _ := r.dec.ReadToken(); open.Kind() != '{' {
		return false
	}
	r.begin()
	for r.dec.PeekKind() == '"' {
		name, err := r.name()
		// mutant: equivalent `err != nil → false`, a decoder that has failed fails again
		if err != nil {
			return false
		}
		value, err := r.value()
		// mutant: equivalent `err != nil`, a decoder that has failed fails again
		if err != nil || !visit(unquote(name), value, int(r.dec.InputOffset())) {
			return false
		}
	}
	_, _ = r.dec.ReadToken() // the brace; anything else fails again, and not by io.EOF
	_, err := r.dec.ReadToken()
	return err == io.EOF && r.unique()
}

// quickMembers is members for an object as Cognito writes it: without white
// space and escapes, with integers, literals, strings and lists of strings, and
// with at most maxQuick members. That is a third of a validation's work besides
// the signature, and nearly all of a refusal's. Any other document, valid or
// not, is the decoder's to judge: done is false, whatever was visited.
func quickMembers(doc []byte, visit func(name []byte, value jsontext.Value, end int) bool) (ok, done bool) {
	if !quickText(doc) {
		return false, false
	}
	var names [maxQuick]struct{ from, to uint32 } // slices would take three times as long to clear
	var seen uint64                               // a bit for each name, which few names share
	for i, n := 1, 0; n < maxQuick; i, n = i+1, n+1 {
		begin := quickString(doc, i)
		if doc[begin] != ':' { // nor is the brace at 0, where there is no string
			return false, false
		}
		name := doc[i+1 : begin-1]
		if bit := nameBit(name); seen&bit == 0 {
			seen |= bit
		} else if slices.ContainsFunc(names[:n], func(other struct{ from, to uint32 }) bool { return string(doc[other.from:other.to]) == string(name) }) {
			return false, true
		}
		names[n].from, names[n].to = uint32(i+1), uint32(begin-1)
		begin++
		// mutant: equivalent `doc[i] != ',' → true`, what is not quick is for the decoder
		if i = quickValue(doc, begin); doc[i] != ',' && i != len(doc)-1 {
			return false, false
		}
		if !visit(name, doc[begin:i], i) {
			return false, true
		}
		if i == len(doc)-1 {
			return true, true
		}
	}
	return false, false
}

const maxQuick = 32

// nameBit is the same for equal names, and seldom for others.
func nameBit(name []byte) uint64 {
	if len(name) == 0 {
		return 1
	}
	return 1 << (uint(len(name)+5*int(name[0])+3*int(name[len(name)-1])) % 64)
}

// quickText reports whether doc is in braces and has no byte that makes a
// string more than its bytes: valid UTF-8, no backslash, no control character.
// The brace at the end is where every scan behind a value stops.
func quickText(doc []byte) bool {
	if len(doc) < 2 || doc[0] != '{' || doc[len(doc)-1] != '}' || bytes.IndexByte(doc, '\\') >= 0 || !utf8.Valid(doc) {
		return false
	}
	for len(doc) >= 8 {
		// The high bit of each byte is set that is below 0x20, and of none if no
		// byte is.
		word := binary.LittleEndian.Uint64(doc)
		if (word-0x2020202020202020)&^word&0x8080808080808080 != 0 {
			return false
		}
		doc = doc[8:]
	}
	for _, c := range doc {
		if c < 0x20 {
			return false
		}
	}
	return true
}

// quickString returns where the string that begins at i ends, 0 if there is
// none.
func quickString(doc []byte, i int) int {
	if doc[i] != '"' {
		return 0
	}
	n := bytes.IndexByte(doc[i+1:], '"')
	if n < 0 {
		return 0
	}
	return i + 1 + n + 1
}

// quickValue returns where the value that begins at i ends, 0 if it is not one
// for quickMembers. What stands behind it is not looked at.
func quickValue(doc []byte, i int) int {
	switch doc[i] {
	case '"':
		return quickString(doc, i)
	case '[':
		return quickList(doc, i)
	}
	digits := i
	if doc[i] == '-' {
		digits++
	}
	end := digits
	for doc[end] >= '0' && doc[end] <= '9' {
		end++
	}
	switch {
	case end > digits && (doc[digits] != '0' || end == digits+1):
		return end
	case bytes.HasPrefix(doc[i:], []byte("true")), bytes.HasPrefix(doc[i:], []byte("null")):
		return i + len("true")
	case bytes.HasPrefix(doc[i:], []byte("false")):
		return i + len("false")
	}
	return 0
}

// quickList returns where the list of strings that begins at i ends, 0 if it is
// none, or empty.
func quickList(doc []byte, i int) int {
	for {
		if i = quickString(doc, i+1); i == 0 {
			return 0
		}
		switch doc[i] {
		case ',':
		case ']':
			return i + 1
		default:
			return 0
		}
	}
}

// unquote is the text of a JSON string. It copies only what is escaped.
func unquote(value jsontext.Value) []byte {
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1]
	}
	s, _ := jsontext.AppendUnquote(nil, value)
	return s
}

// text is the string that value holds.
func text(value jsontext.Value) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	return string(unquote(value)), true
}

// texts is the list of strings that value holds.
func texts(value jsontext.Value) (all []string, ok bool) {
	ok = elements(value, func(member jsontext.Value, _ int) bool {
		s, ok := text(member)
		all = append(all, s)
		return ok
	})
	return all, ok
}

// elements calls visit for each element of the JSON array that value is, with
// the offset at which the element ends. It reports whether value is one and
// visit never returned false.
func elements(value jsontext.Value, visit func(value jsontext.Value, end int) bool, opts ...jsontext.Options) bool {
	r := read(value, opts...)
	defer r.done()
	_, _ = r.dec.ReadToken()
	for r.dec.PeekKind() != ']' {
		element, err := r.dec.ReadValue()
		if err != nil || !visit(element, int(r.dec.InputOffset())) {
			return false
		}
	}
	return true
}

// numericDate is a NumericDate (RFC 7519, section 2) in whole seconds, rounded
// up or down exactly. One of more than 2^53 seconds does not fit: an IEEE double
// cannot count them, and Go's conversion of such a number to an integer differs
// between machines.
func numericDate(value jsontext.Value, up bool) (time.Time, bool) {
	if value.Kind() != '0' || len(value) > maxNumberBytes {
		return time.Time{}, false
	}
	n, ok := quickInt(value)
	if !ok {
		if n, ok = roundDecimal(string(value), up); !ok {
			return time.Time{}, false
		}
	}
	t := time.Unix(n, 0).UTC()
	// The zero Time stands for an absent claim.
	return t, n >= -maxDate && n <= maxDate && !t.IsZero()
}

const maxDate = 1 << 53

// quickInt is value if it has digits alone, and few enough.
func quickInt(value jsontext.Value) (n int64, ok bool) {
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int64(c-'0')
	}
	return n, len(value) < 18
}

// maxNumberBytes bounds the text of a number (RFC 8259, section 9, lets readers
// do so), which takes more memory to convert than to carry.
const maxNumberBytes = 1 << 10

// fits reports whether every number in value is one that a double can hold.
// Readers differ about the others, golang-jwt refuses them, and so a token with
// one is refused even where nobody asks for the claim.
func fits(value jsontext.Value) bool {
	// mutant: equivalent `k != '0' && k != '[' && k != '{' → false`, it is a shortcut
	if k := value.Kind(); k != '0' && k != '[' && k != '{' {
		return true
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '"':
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					i++
				}
			}
		case c >= '0' && c <= '9':
			n := bytes.IndexFunc(value[i:], func(r rune) bool { return !strings.ContainsRune("0123456789+-.eE", r) })
			if n < 0 {
				n = len(value) - i
			}
			number := value[i : i+n]
			if n > maxNumberBytes {
				return false
			}
			// It takes an exponent or 309 digits to be too large.
			// mutant: equivalent `n > 308 || bytes.ContainsAny(number, "eE")`, it is a shortcut
			if n > 308 || bytes.ContainsAny(number, "eE") {
				if _, err := strconv.ParseFloat(string(number), 64); err != nil {
					return false
				}
			}
			i += n - 1
		}
	}
	return true
}

// roundDecimal rounds a JSON number with a fraction or an exponent, in decimal,
// because a double would round it once before.
func roundDecimal(s string, up bool) (int64, bool) {
	s, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		// Beyond the range of an int the sign alone counts, as Atoi returns it.
		exponent, _ = strconv.Atoi(s[i+1:])
		mantissa = s[:i]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return 0, true
	}
	// The value is 0.digits times ten to the power of point.
	point := len(digits) - len(fraction)
	if exponent > 64 || point+max(exponent, -len(s)-64) > 17 {
		return 0, false
	}
	point += max(exponent, -len(s)-64)
	n := int64(0)
	for i := range max(point, 0) {
		n *= 10
		if i < len(digits) {
			n += int64(digits[i] - '0')
		}
	}
	if strings.Trim(digits[min(max(point, 0), len(digits)):], "0") != "" && up != negative {
		n++
	}
	if negative {
		n = -n
	}
	return n, true
}
