package corpus

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// clock is the instant at which every case runs that does not say otherwise:
// 2026-03-01T12:00:00Z.
const clock = 1772366400

const (
	poolID   = "eu-west-1_AbCdEf123"
	clientID = "1example23456789"
	subject  = "7a5b1c90-0a1b-4c2d-8e3f-112233445566"
	userName = "jane.doe"
	issuer   = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	updated  = "https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123"
	apiURL   = "https://api.example.com"
)

// A member is one member of a JSON object as text: the name without its quotes
// and the value are written as they stand, so that a table can say what no
// encoder would.
type member struct{ name, value string }

type object []member

// set gives the first member of that name another value, or appends one.
func (o object) set(name, value string) object {
	o = slices.Clone(o)
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	return append(o, member{name, value})
}

func (o object) without(names ...string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

func (o object) text() string {
	parts := make([]string, len(o))
	for i, m := range o {
		parts[i] = `"` + m.name + `":` + m.value
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// A recipe is a token as changes to a genuine one. Each method returns another
// recipe, so that one can be the start of many.
type recipe struct {
	header, payload         object
	headerText, payloadText *string
	headerCode, payloadCode func(string) string
	sign                    signer
	after                   []func(string) string
	exact                   *string
}

func genuine(kid, key string, payload object) recipe {
	return recipe{header: object{{"kid", quote(kid)}, {"alg", `"RS256"`}}, payload: payload, sign: rs256(key)}
}

// access is a user's access token as Cognito issues it.
func access() recipe {
	return genuine(accessKID, "access", object{
		{"sub", quote(subject)},
		{"iss", quote(issuer)},
		{"version", "2"},
		{"client_id", quote(clientID)},
		{"origin_jti", `"5b1c9000-aaaa-4bbb-8ccc-000000000001"`},
		{"event_id", `"5b1c9000-aaaa-4bbb-8ccc-000000000002"`},
		{"token_use", `"access"`},
		{"scope", `"aws.cognito.signin.user.admin api/read"`},
		{"auth_time", at(-300)},
		{"exp", at(3299)},
		{"iat", at(-300)},
		{"jti", `"5b1c9000-aaaa-4bbb-8ccc-000000000003"`},
		{"username", quote(userName)},
	})
}

// identity is the ID token of the same sign-in: another key signs it.
func identity() recipe {
	return genuine(idKID, "id", object{
		{"sub", quote(subject)},
		{"email_verified", "true"},
		{"iss", quote(issuer)},
		{"cognito:username", quote(userName)},
		{"origin_jti", `"5b1c9000-aaaa-4bbb-8ccc-000000000001"`},
		{"aud", quote(clientID)},
		{"event_id", `"5b1c9000-aaaa-4bbb-8ccc-000000000002"`},
		{"token_use", `"id"`},
		{"auth_time", at(-300)},
		{"exp", at(3299)},
		{"iat", at(-300)},
		{"jti", `"5b1c9000-aaaa-4bbb-8ccc-000000000004"`},
		{"email", `"jane@example.com"`},
	})
}

// machine is what a client-credentials grant yields: no user, no username.
func machine() recipe {
	return genuine(accessKID, "access", object{
		{"sub", quote(clientID)},
		{"token_use", `"access"`},
		{"scope", `"api/read"`},
		{"auth_time", at(-300)},
		{"iss", quote(issuer)},
		{"exp", at(3299)},
		{"iat", at(-300)},
		{"version", "2"},
		{"jti", `"5b1c9000-aaaa-4bbb-8ccc-000000000005"`},
		{"client_id", quote(clientID)},
	})
}

// text is a token that is not made of parts.
func text(s string) recipe { return recipe{exact: &s} }

func (r recipe) claim(name, value string) recipe {
	r.payload = r.payload.set(name, value)
	return r
}

func (r recipe) without(names ...string) recipe {
	r.payload = r.payload.without(names...)
	return r
}

// also appends a claim whatever is there, before puts one first.
func (r recipe) also(name, value string) recipe {
	r.payload = append(slices.Clone(r.payload), member{name, value})
	return r
}

func (r recipe) before(name, value string) recipe {
	r.payload = append(object{{name, value}}, r.payload...)
	return r
}

func (r recipe) head(name, value string) recipe {
	r.header = r.header.set(name, value)
	return r
}

func (r recipe) headWithout(names ...string) recipe {
	r.header = r.header.without(names...)
	return r
}

func (r recipe) headAlso(name, value string) recipe {
	r.header = append(slices.Clone(r.header), member{name, value})
	return r
}

func (r recipe) headBefore(name, value string) recipe {
	r.header = append(object{{name, value}}, r.header...)
	return r
}

// headIs and payloadIs replace the whole JSON text. Each may hold %s once, for
// the text it replaces.
func (r recipe) headIs(text string) recipe {
	r.headerText = &text
	return r
}

func (r recipe) payloadIs(text string) recipe {
	r.payloadText = &text
	return r
}

// headCoded and payloadCoded change the base64url of a part before it is
// signed.
func (r recipe) headCoded(f func(string) string) recipe {
	r.headerCode = f
	return r
}

func (r recipe) payloadCoded(f func(string) string) recipe {
	r.payloadCode = f
	return r
}

func (r recipe) by(s signer) recipe {
	r.sign = s
	return r
}

// then changes the finished token.
func (r recipe) then(f func(string) string) recipe {
	r.after = append(slices.Clone(r.after), f)
	return r
}

func (r recipe) make(k *keyring) string {
	if r.exact != nil {
		return *r.exact
	}
	head := coded(k.fill(replaced(r.headerText, r.header)), r.headerCode)
	payload := coded(replaced(r.payloadText, r.payload), r.payloadCode)
	input := head + "." + payload
	token := input + "." + b64(string(r.sign(k, []byte(input))))
	for _, f := range r.after {
		token = f(token)
	}
	return token
}

func replaced(text *string, o object) string {
	if text == nil {
		return o.text()
	}
	return strings.Replace(*text, "%s", o.text(), 1)
}

func coded(text string, f func(string) string) string {
	if f == nil {
		return b64(text)
	}
	return f(b64(text))
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// at is the JSON number of an instant that many seconds after the clock.
func at(seconds int64) string { return strconv.FormatInt(clock+seconds, 10) }

// part applies f to one of the three parts: 0 the header, 1 the payload, 2 the
// signature.
func part(i int, f func(string) string) func(string) string {
	return func(token string) string {
		parts := strings.Split(token, ".")
		parts[i] = f(parts[i])
		return strings.Join(parts, ".")
	}
}

func prefix(s string) func(string) string { return func(t string) string { return s + t } }
func suffix(s string) func(string) string { return func(t string) string { return t + s } }

func insert(i int, s string) func(string) string {
	return func(t string) string { return t[:i] + s + t[i:] }
}

func become(s string) func(string) string { return func(string) string { return s } }

func swap(from, to string) func(string) string {
	return func(t string) string { return strings.ReplaceAll(t, from, to) }
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// nextLetter changes the last letter by one: where a text ends in unused bits,
// as 256 octets do, the octets stay the same.
func nextLetter(t string) string {
	last := strings.IndexByte(base64url, t[len(t)-1])
	return t[:len(t)-1] + base64url[last^1:last^1+1]
}

// cut drops the last n letters.
func cut(n int) func(string) string { return func(t string) string { return t[:len(t)-n] } }

// octetsOf changes the octets behind a base64url text.
func octetsOf(f func(string) string) func(string) string {
	return func(t string) string { return b64(f(string(must(base64.RawURLEncoding.DecodeString(t))))) }
}
