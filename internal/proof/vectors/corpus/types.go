package corpus

import (
	"fmt"
	"strings"
)

// claimRefs say which clause gives each claim its type.
var claimRefs = map[string]string{
	"iss": "RFC 7519, 4.1.1", "sub": "RFC 7519, 4.1.2", "aud": "RFC 7519, 4.1.3", "exp": "RFC 7519, 4.1.4",
	"nbf": "RFC 7519, 4.1.5", "iat": "RFC 7519, 4.1.6", "jti": "RFC 7519, 4.1.7", "scope": "RFC 8693, 4.2",
	"client_id": "RFC 8693, 4.3", "auth_time": "RFC 9470, 6.2", "acr": "RFC 9470, 6.2",
}

// claimIDs are the rows of the conformance table about the type of one claim.
var claimIDs = map[string]string{
	"iss": "C7", "token_use": "C13", "client_id": "C14", "aud": "C27", "exp": "C32", "nbf": "C42", "iat": "C44",
	"auth_time": "C46", "sub": "C48", "jti": "C48", "scope": "Z7", "cognito:groups": "Z14",
}

// wrongTypes gives every claim that the library reads every type but its own,
// the value being what a lenient reader would take for the right one.
func wrongTypes() []row {
	var rows []row
	add := func(claim, what, value string, r recipe, config string) {
		ref := claimRefs[claim]
		if ref == "" {
			ref = accessPage
		}
		rows = append(rows, tok(claim+" "+what+" is malformed", claimIDs[claim], ref, r.claim(claim, value), reject("claims_malformed")).in(config))
	}
	texts := []struct{ claim, good string }{
		{"iss", quote(issuer)}, {"sub", quote(subject)}, {"token_use", `"access"`}, {"client_id", quote(clientID)}, {"username", quote(userName)},
		{"cognito:username", quote(userName)}, {"scope", `"api/read"`}, {"jti", `"x"`}, {"origin_jti", `"x"`}, {"acr", `"urn:cognito:loa:1"`}, {"event_id", `"x"`},
	}
	for _, c := range texts {
		r, config := access(), "access"
		if c.claim == "cognito:username" {
			r, config = identity(), "id"
		}
		add(c.claim, "number", "1", r, config)
		add(c.claim, "true", "true", r, config)
		add(c.claim, "null", "null", r, config)
		add(c.claim, "array around the right value", "["+c.good+"]", r, config)
		add(c.claim, "empty array", "[]", r, config)
		add(c.claim, "object", `{"value":`+c.good+"}", r, config)
	}
	for _, claim := range numberClaims {
		add(claim.name, "string of digits", `"`+claim.value+`"`, access(), "access")
		add(claim.name, "string of a date", `"2026-03-01T13:00:00Z"`, access(), "access")
		add(claim.name, "empty string", `""`, access(), "access")
		add(claim.name, "true", "true", access(), "access")
		add(claim.name, "false", "false", access(), "access")
		add(claim.name, "null", "null", access(), "access")
		add(claim.name, "array around the right value", "["+claim.value+"]", access(), "access")
		add(claim.name, "object", `{"value":`+claim.value+"}", access(), "access")
	}
	for _, v := range []struct{ what, value string }{
		{"number", "1"}, {"true", "true"}, {"null", "null"}, {"object", `{"0":` + quote(clientID) + "}"}, {"array with a number", "[" + quote(clientID) + ",1]"},
		{"array with null", "[" + quote(clientID) + ",null]"}, {"array in an array", "[[" + quote(clientID) + "]]"}, {"array of an object", "[{}]"}, {"array of null", "[null]"},
	} {
		add("aud", v.what, v.value, access(), "access")
	}
	return append(rows, wrongGroups()...)
}

// numberClaims are the claims with a time, each with one that is right.
var numberClaims = object{{"exp", at(3299)}, {"nbf", at(-300)}, {"iat", at(-300)}, {"auth_time", at(-300)}}

func wrongGroups() []row {
	var rows []row
	for _, v := range []struct{ id, what, value string }{
		{"Z13", "string", `"admin"`}, {"Z14", "string with two names", `"admin users"`}, {"Z14", "string with a comma", `"admin,users"`},
		{"Z14", "string in brackets", `"[admin]"`}, {"Z14", "string of JSON", `"[\"admin\"]"`}, {"Z14", "object", `{"admin":true}`}, {"Z14", "number", "1"},
		{"Z14", "true", "true"}, {"Z14", "null", "null"}, {"Z15", "array with a number last", `["admin",1]`}, {"Z15", "array with a number first", `[1,"admin"]`},
		{"Z15", "array with null", `["admin",null]`}, {"Z15", "array with true", `["admin",true]`}, {"Z15", "array in an array", `[["admin"]]`}, {"Z15", "array with an object", `["admin",{}]`},
	} {
		rows = append(rows,
			tok("cognito:groups "+v.what+" is malformed", v.id, groupsPage, access().claim("cognito:groups", v.value), reject("claims_malformed")),
			tok("cognito:groups "+v.what+" is malformed before a rule sees it", v.id, groupsPage, access().claim("cognito:groups", v.value), reject("claims_malformed")).policy(group("admin")))
	}
	return rows
}

// rightTypes are values of an unusual shape that are right all the same.
func rightTypes() []row {
	return []row{
		tok("type of a claim is checked where it means nothing", "", idPage, access().claim("cognito:username", "1"), reject("claims_malformed")),
		tok("type of client_id is checked on an ID token", "", accessPage, identity().claim("client_id", "1"), reject("claims_malformed")).in("id"),
		tok("username null does not make a machine of a user", "", accessPage, access().claim("username", "null"), reject("claims_malformed")).policy(Policy{Machine: true}),
		tok("type of a claim is checked before the issuer", "", objectClaims, from("https://evil.example").claim("sub", "1"), reject("claims_malformed")),

		tok("claims that are often missing are not required", "C45", accessPage, access().without("jti", "origin_jti", "event_id", "scope", "version", "iat", "auth_time"), accept).want(Want{ID: new(""), OriginID: new(""), Scopes: []string{}}),
		tok("custom claims of any type are accepted", "C50", triggerPage, access().claim("custom", `[1,"a",{"b":null},true,[]]`).claim("email", "7").claim("groups", "null").claim("roles", `"x"`), accept),
		tok("empty username is a user", "", accessPage, access().claim("username", `""`), accept).want(Want{IsMachine: new(false), Username: new("")}),
		tok("empty cognito:groups is accepted", "C52", groupsPage, access().claim("cognito:groups", "[]"), accept).want(Want{Groups: []string{}}),
		tok("cognito:groups missing is accepted", "C52", groupsPage, access(), accept).want(Want{Groups: []string{}}),
		tok("hundred groups of 128 characters are accepted", "", groupsPage, access().claim("cognito:groups", hundredGroups()), accept),
		tok("email_verified string is read as a boolean", "C51", idPage, identity().claim("email_verified", `"true"`), accept).in("id").want(Want{Bools: map[string]bool{"email_verified": true}}),
		tok("email_verified string false is read as a boolean", "C51", idPage, identity().claim("email_verified", `"false"`), accept).in("id").want(Want{Bools: map[string]bool{"email_verified": false}}),
		tok("email_verified of other strings is not true", "C51", idPage, identity().claim("email_verified", `"TRUE "`), accept).in("id").want(Want{Bools: map[string]bool{"email_verified": false}}),
		tok("email_verified number is not true", "C51", idPage, identity().claim("email_verified", "1"), accept).in("id").want(Want{Bools: map[string]bool{"email_verified": false}}),
		tok("identities of a federated user are accepted", "C50", idPage, identity().claim("identities", `[{"userId":"1","providerName":"SAML","issuer":null,"primary":"true","dateCreated":"1772366400000"}]`), accept).in("id"),
		tok("token of a deleted client that has not expired is accepted", "C53", revokePage, access(), accept),
	}
}

func hundredGroups() string {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprintf(`"%03d%s"`, i, strings.Repeat("group", 25))
	}
	return "[" + strings.Join(names, ",") + "]"
}
