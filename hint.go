package cognitoauth

// This file guesses what the caller most likely did wrong. It gives a hint only
// where one reading is likely. The hints become part of Detail (detail.go).

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hintParts says what a token that does not have two dots most likely is.
func hintParts(token string) string {
	switch n := strings.Count(token, "."); {
	case n == 4:
		return ": it has five parts, as a refresh token of Cognito has; send the access token"
	case token == "undefined", token == "null":
		return ": it is the word " + token + ", which JavaScript writes for no value; the client has no access token yet, or looks in the wrong place"
	case strings.HasPrefix(token, "ZXlK"): // base64 of eyJ, which begins a token
		return ": it is a token encoded in base64 once more, and has no dots where three parts are expected; send it as it was received"
	case n == 0:
		return ": it has no dots, expected three parts; is it a client secret or an authorization code?"
	default:
		return ": it has " + strconv.Itoa(n) + " dots, expected two, between three parts; send the access token whole"
	}
}

// hasWhiteSpace reports whether s has white space in it. A search for one byte is
// many times as fast as one for any of several.
func hasWhiteSpace(s string) bool {
	for _, c := range []byte(" \t\r\n") {
		if strings.IndexByte(s, c) >= 0 {
			return true
		}
	}
	return false
}

// hintWrapped tells what stands around or inside a token that is whole otherwise,
// "" if nothing does. spaced is whether it has white space in it.
func hintWrapped(token string, spaced bool) string {
	switch {
	case token == "":
		return ": it is empty; look where it should come from"
	case strings.TrimSpace(token) != token:
		return ": there is white space around it, a line break perhaps: take it off (strings.TrimSpace)"
	case len(token) > len("Authorization:") && strings.EqualFold(token[:len("Authorization:")], "Authorization:"):
		return ": it is a whole header line: pass only what stands behind Bearer"
	case len(token) > len("Bearer ") && strings.EqualFold(token[:len("Bearer ")], "Bearer "):
		return ": it begins with Bearer, the scheme of the Authorization header: pass only what stands behind it (strings.CutPrefix)"
	case token[0] == '"' || token[0] == '\'' || token[0] == '`':
		return ": it stands in quotes: take them off (if it is JSON, decode it)"
	case strings.HasPrefix(token, "\ufeff"):
		return ": a byte order mark stands before it: take it off"
	case spaced:
		return ": there is white space inside it, as in a line that was wrapped: take it out"
	}
	return ""
}

// hintScheme says what an Authorization header has instead of the scheme
// Bearer. name is the other scheme if it is a usual one. We quote nothing else
// of the header, since it may be a secret.
func hintScheme(v string) (note string, name []string) {
	if strings.Trim(v, blanks) == "" {
		return "; the Authorization header is empty: the client has no token to send, or a proxy has cleared the header", nil
	}
	if strings.HasPrefix(v, "eyJ") {
		return `; the Authorization header looks like a token without the scheme: put "Bearer " before it`, nil
	}
	for i, name := range schemes {
		if len(v) > len(name) && strings.EqualFold(v[:len(name)], name) && v[len(name)] == ' ' {
			if joined(v) {
				return "; the Authorization header holds two that a proxy has joined by a comma, where one is allowed: the first has another scheme, ", schemes[i : i+1]
			}
			return "; the Authorization header has another scheme, ", schemes[i : i+1]
		}
	}
	return "; the Authorization header has another scheme", nil
}

var schemes = []string{"Basic", "Digest", "Negotiate", "DPoP", "AWS4-HMAC-SHA256", "Token", "JWT"}

// hintCredentials says what is wrong with what follows Bearer and its spaces.
func hintCredentials(token string) string {
	switch {
	case token == "":
		return "; there is no token behind Bearer: the client has none to send"
	case joined(token):
		return "; a comma and another scheme follow: a proxy has joined two Authorization headers into one, where one is allowed"
	case token[0] == ':':
		return "; there is a colon behind Bearer, where a space belongs"
	case token[0] == '=' && len(token) > 1:
		return "; there is an equals sign behind Bearer, where a space belongs"
	case strings.TrimSpace(token) != token, strings.HasSuffix(token, `\n`):
		return "; there is white space around the token, such as the newline at the end of a file: trim it, and write one space behind Bearer"
	case quoted(token):
		return "; the token stands in quotes: take them off"
	case strings.EqualFold(token[:min(len(token), len("Bearer "))], "Bearer "):
		return "; Bearer stands there twice"
	case strings.ContainsAny(token[:1], "<{$%["):
		return "; what stands behind Bearer is a placeholder or the name of an object: the client has not put its token there"
	}
	return ""
}

// joined reports whether a comma and a scheme follow a token: a proxy joins two
// headers of one name like that (RFC 9110, section 5.3).
func joined(v string) bool {
	_, rest, _ := strings.Cut(v, ",")
	scheme, _, _ := strings.Cut(strings.TrimLeft(rest, blanks), " ")
	return strings.EqualFold(scheme, "Bearer") || slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, scheme) })
}

// quoted reports whether s begins or ends with a quotation mark, straight or
// not.
func quoted(s string) bool {
	const marks = "\"'`“”‘’"
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune(marks, first) || strings.ContainsRune(marks, last)
}

// misplaced says where a request that offers no token seems to have one, "" if
// nowhere. custom reports whether there is a Config.TokenSource.
func misplaced(r *http.Request, custom bool) string {
	query := r.URL.RawQuery
	switch {
	case custom && r.Header["Authorization"] != nil:
		return "; the request has an Authorization header, but Config.TokenSource does not read it or found no bearer token in it: if the token is there, leave TokenSource nil or ask FromAuthorization in it"
	case custom:
		return ""
	case strings.HasPrefix(query, "access_token=") || strings.Contains(query, "&access_token="):
		return "; the request has an access_token in its query, which is never read"
	}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if _, value, _ := strings.Cut(pair, "="); strings.HasPrefix(value, "eyJ") && strings.Count(value, ".") == 2 {
				return "; a cookie of the request looks like a token: set Config.TokenSource to FromCookie(...) to read it"
			}
		}
	}
	return ""
}

// hintUnasked says what a handler is that Wrap was given and cannot ask for its
// routes, "" if we do not recognise it.
func hintUnasked(h http.Handler) string {
	const none = ", so none of its routes is open: "
	switch h := h.(type) {
	case *wrapped:
		return "; Wrap was given what another Wrap returned" + none + "call Wrap once, on the mux"
	case http.HandlerFunc:
		switch name, _ := source(h); {
		case isMuxMethod(h):
			return "; Wrap was given mux.ServeHTTP, which cannot be asked" + none + "give it the mux itself"
		case stripsPrefix(h):
			return "; Wrap was given http.StripPrefix, which cannot be asked" + none + "put it outside, http.StripPrefix(prefix, auth.Wrap(mux))"
		case strings.HasPrefix(name, "github.com/go-chi/chi") && strings.Contains(name, ".(*Mux)."):
			return "; Wrap was given the inside of a chi router, as by Use(auth.Wrap), which cannot be asked" + none +
				"serve auth.Wrap(router) instead, where the router, or a struct around it, implements EndpointResolver"
		}
	}
	return ""
}

// hintHidden says what a route's handler is that may hide markers inside it, ""
// if we do not recognise it.
func hintHidden(h http.Handler) string {
	const cannot = ", whose routes Wrap cannot see: "
	switch h := h.(type) {
	case *wrapped:
		return cannot + "it is what another Wrap returned, so two Wraps want a token here; take the inner one away"
	case http.HandlerFunc:
		switch {
		case isMuxMethod(h):
			return cannot + "it is mux.ServeHTTP; register the mux itself"
		case stripsPrefix(h):
			return cannot + "it is http.StripPrefix; if a mux stands inside, register that mux without StripPrefix and its routes by their whole paths, " +
				"or else mark what StripPrefix returns by AllowAnonymous(...) or Optional(...), which opens all that is inside"
		}
	}
	return ""
}

// stripsPrefix reports whether f is what http.StripPrefix returned. The compiler
// may name that function after the one that called StripPrefix, but knows from
// which file it is.
func stripsPrefix(f http.HandlerFunc) bool {
	name, file := source(f)
	return strings.Contains(name, ".StripPrefix.func") && strings.HasSuffix(file, "net/http/server.go")
}

// hintedIssuers is how many of the expected issuers are looked at for a hint. With
// 10,000 pools a look at all takes a thousand times as long as to refuse the token,
// and anybody can send one.
const hintedIssuers = 1000

// hintIssuer says how an issuer differs from an expected one, where only one
// reading of the difference is likely.
func hintIssuer(found string, known []string) string {
	if strings.HasPrefix(found, "https://cognito-identity.") {
		return " (an identity pool's token: send the user pool's)"
	}
	whole := len(known) <= hintedIssuers
	known = known[:min(len(known), hintedIssuers)]
	for _, want := range known {
		switch {
		case found != "" && strings.TrimRight(found, "/") == strings.TrimRight(want, "/"):
			if strings.HasSuffix(want, "/") {
				return " (it differs only by a trailing slash: take it off Pool.Issuer)"
			}
			return " (it differs only by a trailing slash, and issuers are compared byte for byte)"
		case strings.EqualFold(found, want):
			return " (it differs only in case, and issuers are compared byte for byte)"
		}
	}
	region, id := userPool(found)
	for _, want := range known {
		if samePool(found, want) {
			return hintHost(found, region, want)
		}
	}
	if whole && id != "" {
		return " (that is user pool " + quote(id) + " of region " + quote(region) + ", which no Pool.ID names)"
	}
	return ""
}

// hintAudience says how an audience differs from an expected one, where the two
// most likely mean one resource.
func hintAudience(found string, known []string) string {
	for _, want := range known {
		a, b := strings.TrimSuffix(found, "/"), strings.TrimSuffix(want, "/")
		differs := ""
		switch {
		case a == b:
			differs = "by a slash at the end"
		case lowerHost(a) != lowerHost(b):
			continue
		case strings.HasSuffix(found, "/") != strings.HasSuffix(want, "/"):
			differs = "by a slash at the end and by the case of the host"
		default:
			differs = "by the case of the host"
		}
		return " (it differs from " + strconv.QuoteToASCII(want) + " only " + differs + ", and audiences are compared byte for byte)"
	}
	return ""
}

// lowerHost returns a URL with its scheme and host in small letters, as neither
// depends on case (RFC 3986, section 6.2.2.1). What stands behind them does.
func lowerHost(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	end := strings.IndexAny(rest+"/", "/?#")
	return strings.ToLower(scheme+"://"+rest[:end]) + rest[end:]
}

// hintHost says why two issuers that end in the same pool ID differ. region is
// that of found, "" if found is not on AWS.
func hintHost(found, region, want string) string {
	home, _ := userPool(want)
	switch {
	case region == "":
		return " (the same pool under another host: if that is your emulator, put this issuer into Pool.Issuer, and the URL of its keys into Pool.JWKSURL unless they are below it)"
	case home == "":
		return " (the same pool on AWS: leave Pool.Issuer empty if you mean that one)"
	case region == home:
		return " (the other form of the same pool's issuer: leave Pool.Issuer empty, and both are accepted)"
	case strings.HasPrefix(found, "https://cognito-idp.") && partition(region) == partition(home):
		return " (the same pool in another region: add " + quote(region) + " to Pool.ReplicaRegions if it has a replica there)"
	}
	return ""
}

// samePool reports whether two issuers end in the same pool ID.
func samePool(a, b string) bool {
	i, j := strings.LastIndexByte(a, '/'), strings.LastIndexByte(b, '/')
	return i >= 0 && len(a)-i > 1 && a[i:] == b[max(j, 0):]
}

// hintScope explains mistakes that a list of scopes shows. A custom scope of
// Cognito is resource-server/name. Its first part may have slashes, its second
// has none.
func hintScope(have string, need []string) string {
	for _, name := range need {
		held, meant, count := false, "", 0
		for scope := range strings.FieldsSeq(have) {
			held = held || scope == name
			if scope[strings.LastIndexByte(scope, '/')+1:] == name || strings.EqualFold(scope, name) {
				meant = scope
				count++
			}
		}
		switch {
		case held:
		case count == 1:
			return "; did you mean Scope(" + quote(meant) + ")? Case counts, and a custom scope of Cognito begins with its resource server: server/name"
		case count == 0 && !strings.Contains(name, "/") && !slices.Contains(standardScopes, name):
			return "; a custom scope of Cognito begins with its resource server, as in server/name: if " + quote(name) + " is a group, ask for it by " + call("Group", name)
		}
	}
	if have == "aws.cognito.signin.user.admin" {
		return "; aws.cognito.signin.user.admin alone is what InitiateAuth gives, which cannot grant custom scopes: " +
			"log in by the OAuth endpoints, or add them in a pre token generation trigger, which for access tokens needs one of " + inPlans
	}
	return ""
}

// standardScopes are the scopes of Cognito that have no resource server.
var standardScopes = []string{"openid", "email", "phone", "profile", "aws.cognito.signin.user.admin"}

// hintGroup says why a token does not have the group. It names no other group
// of the user.
func hintGroup(name string) func(*Claims) string {
	scope := ": the token has a scope of that name, which " + call("Scope", name) + " asks for"
	return func(c *Claims) string {
		switch {
		case c.HasScope(name):
			return scope
		case c.IsMachine():
			return ": a machine's token has no groups; Scope and ClientID are for machines"
		case c.groups().First() == "":
			return ": the token has no cognito:groups; a user who has joined the group since logging in gets it with a new token"
		}
		for group := range c.groups().Each {
			if group.Folds(name) {
				return ": the user is in a group that differs from it only in case"
			}
		}
		return ": the user is in other groups"
	}
}

// hintClaim says why a claim does not have the value that the policy asks for.
func hintClaim(c *Claims, name string) string {
	switch found := c.member(name); {
	case found.IsText() || found == "true" || found == "false":
		return ": the token has another value"
	case found != "":
		return ": the claim is neither a string nor a boolean, and Claim compares nothing else; Assert(...) with Claims.Decode can look at it"
	case c.TokenUse == AccessToken && name == "cognito:username":
		return ": an access token calls it username"
	case c.TokenUse == AccessToken && (strings.HasPrefix(name, "custom:") || slices.Contains(attributes, name)):
		return ": the token has no such claim; Cognito writes users' attributes into the ID token only, unless a pre token generation trigger adds them, which for access tokens needs one of " + inPlans
	case name == "sid" || name == "session_id":
		return ": the token has no such claim; a pool tracks sessions if that is switched on, in " + inPlans + "; origin_jti, which all tokens of one login share, does not depend on it"
	}
	return ": the token has no such claim"
}

// attributes are the standard attributes of a user.
var attributes = strings.Fields(`address birthdate email email_verified family_name gender given_name locale middle_name name nickname
	phone_number phone_number_verified picture preferred_username profile updated_at website zoneinfo`)
