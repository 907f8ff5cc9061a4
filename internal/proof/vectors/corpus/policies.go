package corpus

import "strings"

const (
	scopeRule = "RFC 6749, 3.3"
	lacking   = "RFC 6750, 3.1"
	stepUpRFC = "RFC 9470, 3"
	maxAge    = "OpenID Connect Core 1.0, 3.1.2.1"
)

func scope(s string) Policy             { return Policy{Scope: &s} }
func group(s string) Policy             { return Policy{Group: &s} }
func client(s string) Policy            { return Policy{ClientID: &s} }
func claimIs(name, value string) Policy { return Policy{Claim: []string{name, value}} }
func acr(s string) Policy               { return Policy{ACR: &s} }
func within(d string) Policy            { return Policy{AuthenticatedWithin: d} }
func allOf(p ...Policy) Policy          { return Policy{And: list(p)} }
func anyOf(p ...Policy) Policy          { return Policy{Or: list(p)} }

func list(p []Policy) *[]Policy {
	p = append([]Policy{}, p...)
	return &p
}

var (
	anyToken    = Policy{Authenticated: true}
	userOnly    = Policy{User: true}
	machineOnly = Policy{Machine: true}
	zeroPolicy  = Policy{Zero: true}
)

func scoped(s string) recipe { return access().claim("scope", quote(s)) }

// needs is a case about one scope rule.
func needs(name, id string, required, held string, o Case) row {
	return tok(name, id, scopeRule, scoped(held), o).policy(scope(required))
}

func scopes() []row {
	return []row{
		needs("scope among many is enough", "Z1", "api/read", "openid api/read profile", accept).want(Want{Scopes: []string{"openid", "api/read", "profile"}}),
		needs("scope that is the only one is enough", "Z1", "api/read", "api/read", accept),
		needs("scope that comes first is enough", "Z1", "api/read", "api/read openid", accept),
		needs("scope that comes last is enough", "Z1", "api/read", "openid api/read", accept),
		needs("scope with a URL as its resource server is enough", "Z1", "https://api.example.com/read", "https://api.example.com/read", accept),
		needs("other scopes are not enough", "Z2", "api/read", "openid profile", reject("scope_missing")),
		needs("no scope is not enough", "Z2", "api/read", "", reject("scope_missing")),
		tok("scope claim missing is not enough", "Z2", lacking, access().without("scope"), reject("scope_missing")).policy(scope("api/read")),
		tok("scope claim missing on a machine token is not enough", "Z2", lacking, machine().without("scope"), reject("scope_missing")).policy(scope("api/read")),
		tok("scope of a machine token is enough", "Z1", scopesPage, machine(), accept).policy(scope("api/read")),
		tok("other scope of a machine token is not enough", "Z2", lacking, machine(), reject("scope_missing")).policy(scope("api/write")),
		tok("scope in the scp claim is not enough", "Z2", accessPage, access().without("scope").claim("scp", `"api/read"`).claim("scopes", `["api/read"]`), reject("scope_missing")).policy(scope("api/read")),
		needs("scope with a suffix is not enough", "Z3", "api/read", "api/read.all", reject("scope_missing")),
		needs("scope with a path more is not enough", "Z3", "api/read", "api/read/all", reject("scope_missing")),
		needs("scope with a prefix is not enough", "Z3", "api/read", "xapi/read", reject("scope_missing")),
		needs("beginning of a scope is not enough", "Z3", "api/read", "api/rea", reject("scope_missing")),
		needs("resource server alone is not enough", "Z3", "api/read", "api", reject("scope_missing")),
		needs("resource server with a slash is not enough", "Z3", "api/read", "api/", reject("scope_missing")),
		needs("scope name without its resource server is not enough", "Z3", "api/read", "read", reject("scope_missing")),
		needs("wildcard is not enough", "Z3", "api/read", "api/* *", reject("scope_missing")),
		needs("scope in capitals is not enough", "Z4", "api/read", "API/READ", reject("scope_missing")),
		needs("scope with one capital is not enough", "Z4", "api/read", "api/Read", reject("scope_missing")),
		needs("scope that folds to the right one is not enough", "Z4", "api/task", "api/ta\u017fk api/tas\u212a", reject("scope_missing")),
		needs("scope with a letter that looks alike is not enough", "Z4", "api/read", "\u0430pi/read", reject("scope_missing")),
		needs("scope with a zero width space is not enough", "Z4", "api/read", "api/read\u200b", reject("scope_missing")),
		needs("scope percent-encoded is not enough", "Z4", "api/read", "api%2Fread", reject("scope_missing")),
		needs("scopes separated by a tab are not enough", "Z5", "api/read", "openid\tapi/read", reject("scope_missing")),
		needs("scopes separated by a line feed are not enough", "Z5", "api/read", "openid\napi/read", reject("scope_missing")),
		needs("scopes separated by CR LF are not enough", "Z5", "api/read", "api/read\r\nopenid", reject("scope_missing")),
		needs("scopes separated by a no-break space are not enough", "Z5", "api/read", "openid\u00a0api/read", reject("scope_missing")),
		needs("scopes separated by an em space are not enough", "Z5", "api/read", "openid\u2003api/read", reject("scope_missing")),
		needs("scopes separated by an ideographic space are not enough", "Z5", "api/read", "openid\u3000api/read", reject("scope_missing")),
		needs("scopes separated by a next-line character are not enough", "Z5", "api/read", "openid\u0085api/read", reject("scope_missing")),
		needs("scopes separated by a vertical tab are not enough", "Z5", "api/read", "openid\vapi/read", reject("scope_missing")),
		needs("scopes separated by a form feed are not enough", "Z5", "api/read", "openid\fapi/read", reject("scope_missing")),
		needs("scopes separated by NUL are not enough", "Z5", "api/read", "openid\x00api/read", reject("scope_missing")),
		needs("scopes separated by commas are not enough", "Z5", "api/read", "openid,api/read", reject("scope_missing")),
		needs("scopes separated by semicolons are not enough", "Z5", "api/read", "openid;api/read", reject("scope_missing")),
		needs("scopes separated by plus signs are not enough", "Z5", "api/read", "openid+api/read", reject("scope_missing")),
		needs("scope in quotes is not enough", "Z5", "api/read", `"api/read"`, reject("scope_missing")),
		needs("scope with a tab at its end is not enough", "Z5", "api/read", "api/read\t", reject("scope_missing")),
		needs("double space between scopes is ignored", "Z6", "api/read", "openid  api/read", accept).want(Want{Scopes: []string{"openid", "api/read"}}),
		needs("leading and trailing spaces are ignored", "Z6", "api/read", "  api/read  ", accept).want(Want{Scopes: []string{"api/read"}}),
		needs("spaces alone are no scope", "Z6", "api/read", "    ", reject("scope_missing")),
		tok("scope of spaces alone is an empty list", "Z6", scopeRule, scoped("    "), accept).want(Want{Scopes: []string{}}),
		tok("white space other than spaces separates nothing", "Z5", scopeRule, scoped("a\tb c\u00a0d\ne f"), accept).want(Want{Scopes: []string{"a\tb", "c\u00a0d\ne", "f"}}),
		needs("scope that occurs twice is enough", "Z6", "api/read", "api/read api/read", accept),
		needs("thousand scopes with the right one last are enough", "Z1", "api/read", strings.Repeat("api/x ", 1000)+"api/read", accept),
		tok("scope array is malformed before a rule sees it", "Z7", scopeRule, access().claim("scope", `["api/read"]`), reject("claims_malformed")).policy(scope("api/read")),
		tok("all of two scopes with both is enough", "Z10", lacking, scoped("api/read api/write"), accept).policy(allOf(scope("api/read"), scope("api/write"))),
		tok("all of two scopes with one is not enough", "Z10", lacking, scoped("api/read"), reject("scope_missing")).policy(allOf(scope("api/read"), scope("api/write"))),
		tok("all of two scopes with the other is not enough", "Z10", lacking, scoped("api/write"), reject("scope_missing")).policy(allOf(scope("api/read"), scope("api/write"))),
		tok("all of three scopes with two is not enough", "Z10", lacking, scoped("api/read api/write"), reject("scope_missing")).policy(allOf(scope("api/read"), allOf(scope("api/write"), scope("api/admin")))),
		tok("any of two scopes with one is enough", "Z10", lacking, scoped("api/write"), accept).policy(anyOf(scope("api/read"), scope("api/write"))),
		tok("any of two scopes with neither is not enough", "Z10", lacking, scoped("openid"), reject("scope_missing")).policy(anyOf(scope("api/read"), scope("api/write"))),
		tok("scope rule cannot be met by an ID token", "Z16", idPage, identity(), reject("scope_unattainable")).in("id").policy(scope("api/read")),
		tok("scope rule cannot be met by an ID token with a scope claim", "Z16", idPage, identity().claim("scope", `"api/read"`), reject("scope_unattainable")).in("id").policy(scope("api/read")),
	}
}

func grouped(names string) recipe { return access().claim("cognito:groups", names) }

// belongs is a case about one group rule.
func belongs(name, id, required, names string, o Case) row {
	return tok(name, id, groupsPage, grouped(names), o).policy(group(required))
}

func groupRules() []row {
	return []row{
		belongs("group that is the only one is enough", "Z11", "admin", `["admin"]`, accept).want(Want{Groups: []string{"admin"}}),
		belongs("group among many is enough", "Z11", "admin", `["users","admin","staff"]`, accept).want(Want{Groups: []string{"users", "admin", "staff"}}),
		belongs("group with a space in its name is enough", "Z11", "site admin", `["site admin"]`, accept),
		belongs("group in another script is enough", "Z11", "管理者", `["管理者"]`, accept),
		tok("group of an ID token is enough", "Z11", idPage, identity().claim("cognito:groups", `["admin"]`), accept).in("id").policy(group("admin")),
		tok("groups missing is not enough", "Z12", groupsPage, access(), reject("group_missing")).policy(group("admin")),
		tok("groups missing on a machine token is not enough", "Z12", groupsPage, machine(), reject("group_missing")).policy(group("admin")),
		belongs("groups empty is not enough", "Z12", "admin", "[]", reject("group_missing")),
		belongs("empty name among the groups is not enough", "Z12", "admin", `[""]`, reject("group_missing")),
		belongs("other groups are not enough", "Z12", "admin", `["users","staff"]`, reject("group_missing")),
		belongs("group with a suffix is not enough", "Z12", "admin", `["admins"]`, reject("group_missing")),
		belongs("group with a prefix is not enough", "Z12", "admin", `["superadmin"]`, reject("group_missing")),
		belongs("beginning of a group is not enough", "Z12", "admin", `["adm"]`, reject("group_missing")),
		belongs("group in capitals is not enough", "Z12", "admin", `["ADMIN","Admin"]`, reject("group_missing")),
		belongs("group with a trailing space is not enough", "Z12", "admin", `["admin "]`, reject("group_missing")),
		belongs("group with a trailing NUL is not enough", "Z12", "admin", `["admin\u0000"]`, reject("group_missing")),
		belongs("two groups in one name are not enough", "Z14", "admin", `["users,admin"]`, reject("group_missing")),
		belongs("two groups separated by a space in one name are not enough", "Z14", "admin", `["users admin"]`, reject("group_missing")),
		belongs("list inside a name is not enough", "Z14", "admin", `["[\"admin\"]"]`, reject("group_missing")),
		belongs("decomposed name of a composed group is not enough", "Z12", "caf\u00e9", `["cafe\u0301"]`, reject("group_missing")),
		belongs("name that folds to the right one is not enough", "Z12", "staff", `["\u017ftaff"]`, reject("group_missing")),
		tok("group in the groups claim is not enough", "Z12", groupsPage, access().claim("groups", `["admin"]`).claim("roles", `["admin"]`), reject("group_missing")).policy(group("admin")),
		tok("group in cognito:roles is not enough", "Z12", idPage, identity().claim("cognito:roles", `["admin"]`).claim("cognito:preferred_role", `"admin"`), reject("group_missing")).in("id").policy(group("admin")),
	}
}

const loa = "urn:cognito:loa:"

func level(n string) recipe { return access().claim("acr", quote(loa+n)) }

func loggedIn(seconds int64) recipe { return access().claim("auth_time", at(seconds)) }

func stepUp() []row {
	return []row{
		tok("acr that is asked for is enough", "Z17", stepUpRFC, level("2"), accept).policy(acr(loa + "2")).want(Want{ACR: new(loa + "2")}),
		tok("acr below the one asked for needs a step-up", "Z17", stepUpRFC, level("1"), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr above the one asked for needs a step-up, levels having no order", "Z17", stepUpRFC, level("3"), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr missing needs a step-up", "Z17", stepUpRFC, access(), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr empty needs a step-up", "Z17", stepUpRFC, access().claim("acr", `""`), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr in capitals needs a step-up", "Z17", stepUpRFC, access().claim("acr", `"URN:COGNITO:LOA:2"`), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr with two levels in one string needs a step-up", "Z17", stepUpRFC, access().claim("acr", quote(loa+"1 "+loa+"2")), reject("acr_mismatch")).policy(acr(loa + "2")),
		tok("acr of an ID token is enough", "Z17", stepUpRFC, identity().claim("acr", quote(loa+"2")), accept).in("id").policy(acr(loa + "2")),
		tok("acr rule cannot be met by a machine", "Z17", scopesPage, machine(), reject("acr_unattainable")).policy(acr(loa + "2")),
		tok("login within the time is enough", "Z17", maxAge, loggedIn(-299), accept).policy(within("5m")),
		tok("login exactly the time ago is enough", "Z17", maxAge, loggedIn(-300), accept).policy(within("5m")),
		tok("login within the time and the leeway is enough", "Z17", maxAge, loggedIn(-329), accept).policy(within("5m")),
		tok("login exactly the time and the leeway ago is enough", "Z17", maxAge, loggedIn(-330), accept).policy(within("5m")),
		tok("login a second longer ago is too old", "Z17", maxAge, loggedIn(-331), reject("login_too_old")).policy(within("5m")),
		tok("login an hour ago is too old", "Z17", stepUpRFC, loggedIn(-3600), reject("login_too_old")).policy(within("5m")),
		tok("login of 1970 is too old", "Z17", stepUpRFC, access().claim("auth_time", "0"), reject("login_too_old")).policy(within("5m")),
		tok("login before 1970 is too old", "Z17", stepUpRFC, access().claim("auth_time", "-9007199254740992"), reject("login_too_old")).policy(within("5m")),
		tok("auth_time missing is too old", "Z17", stepUpRFC, access().without("auth_time"), reject("login_too_old")).policy(within("5m")),
		tok("auth_time an hour ahead is too old", "Z17", stepUpRFC, loggedIn(3000), reject("login_too_old")).policy(within("5m")),
		tok("auth_time a second beyond the leeway ahead is too old", "Z17", stepUpRFC, loggedIn(31), reject("login_too_old")).policy(within("5m")),
		tok("auth_time in milliseconds is too old", "Z17", stepUpRFC, access().claim("auth_time", at(-10)+"000"), reject("login_too_old")).policy(within("5m")),
		tok("iat does not stand in for auth_time", "Z17", stepUpRFC, loggedIn(-3600).claim("iat", at(-10)), reject("login_too_old")).policy(within("5m")),
		tok("login rule cannot be met by a machine of long ago", "Z17", scopesPage, machine().claim("auth_time", at(-3600)), reject("login_unattainable")).policy(within("5m")),
		tok("login rule cannot be met by a machine without auth_time", "Z17", scopesPage, machine().without("auth_time"), reject("login_unattainable")).policy(within("5m")),
		tok("login rule cannot be met by a machine, which never logs in", "Z17", scopesPage, machine().claim("auth_time", at(-10)), reject("login_unattainable")).policy(within("5m")),
	}
}

func otherRules() []row {
	return []row{
		tok("any token will do where nothing more is asked", "", lacking, access(), accept).policy(anyToken),
		tok("machine token will do where nothing more is asked", "", lacking, machine(), accept).policy(anyToken),
		tok("user rule is met by a user", "", accessPage, access(), accept).policy(userOnly),
		tok("user rule is met by an ID token", "", idPage, identity(), accept).in("id").policy(userOnly),
		tok("user rule is not met by a machine", "", scopesPage, machine(), reject("user_required")).policy(userOnly),
		tok("machine rule is met by a machine", "", scopesPage, machine(), accept).policy(machineOnly),
		tok("machine rule is not met by a user", "", accessPage, access(), reject("machine_required")).policy(machineOnly),
		tok("machine rule is not met by a user whose name is empty", "", accessPage, access().claim("username", `""`), reject("machine_required")).policy(machineOnly),
		tok("machine rule is not met by an ID token without a name", "", idPage, identity().without("cognito:username"), reject("machine_required")).in("id").policy(machineOnly),
		tok("client rule is met by its client", "", accessPage, access(), accept).in("clients").policy(client(clientID)),
		tok("client rule is not met by another client", "", accessPage, access(), reject("client_denied")).in("clients").policy(client("anotherclient")),
		tok("client rule is met by the aud of an ID token", "", idPage, identity(), accept).in("id").policy(client(clientID)),
		tok("claim rule is met by the same string", "", accessPage, access().claim("tenant", `"acme"`), accept).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met by another string", "", accessPage, access().claim("tenant", `"acme2"`), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met by the string in capitals", "", accessPage, access().claim("tenant", `"ACME"`), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met by a claim in capitals", "", accessPage, access().claim("TENANT", `"acme"`), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met where the claim is missing", "", accessPage, access(), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met by an array", "", accessPage, access().claim("tenant", `["acme"]`), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule is not met by null", "", accessPage, access().claim("tenant", "null"), reject("claim_denied")).policy(claimIs("tenant", "null")),
		tok("claim rule is not met by a number", "", accessPage, access().claim("tenant", "7"), reject("claim_denied")).policy(claimIs("tenant", "7")),
		tok("claim rule is not met by an object", "", accessPage, access().claim("tenant", `{"acme":true}`), reject("claim_denied")).policy(claimIs("tenant", "acme")),
		tok("claim rule true is met by a boolean", "", idPage, identity(), accept).in("id").policy(claimIs("email_verified", "true")),
		tok("claim rule true is met by a string", "", idPage, identity().claim("email_verified", `"true"`), accept).in("id").policy(claimIs("email_verified", "true")),
		tok("claim rule true is not met by false", "", idPage, identity().claim("email_verified", "false"), reject("claim_denied")).in("id").policy(claimIs("email_verified", "true")),
		tok("claim rule false is met by false", "", idPage, identity().claim("email_verified", "false"), accept).in("id").policy(claimIs("email_verified", "false")),
		tok("claim rule false is not met where the claim is missing", "", idPage, identity().without("email_verified"), reject("claim_denied")).in("id").policy(claimIs("email_verified", "false")),
		tok("claim rule true is not met by the number one", "", idPage, identity().claim("email_verified", "1"), reject("claim_denied")).in("id").policy(claimIs("email_verified", "true")),
		tok("claim rule True is not met by a boolean", "", idPage, identity(), reject("claim_denied")).in("id").policy(claimIs("email_verified", "True")),
	}
}

func compositions() []row {
	return []row{
		tok("all of nothing denies", "Z9", lacking, access(), reject("policy_denies")).policy(allOf()),
		tok("any of nothing denies", "Z9", lacking, access(), reject("policy_denies")).policy(anyOf()),
		tok("zero policy denies", "Z9", lacking, access(), reject("policy_denies")).policy(zeroPolicy),
		tok("all of a rule that is met and the zero policy denies", "Z9", lacking, access(), reject("policy_denies")).policy(allOf(anyToken, zeroPolicy)),
		tok("all of a rule that is met and all of nothing denies", "Z9", lacking, access(), reject("policy_denies")).policy(allOf(anyToken, allOf())),
		tok("all of one rule is that rule", "", lacking, access(), accept).policy(allOf(scope("api/read"))),
		tok("any of one rule is that rule", "", lacking, access(), accept).policy(anyOf(scope("api/read"))),
		tok("all of two rules that are met is enough", "", lacking, grouped(`["admin"]`), accept).policy(allOf(scope("api/read"), group("admin"))),
		tok("all of a scope that is missing and a group that is missing is denied for the group", "", lacking, access(), reject("group_missing")).policy(allOf(scope("api/write"), group("admin"))),
		tok("all of a group that is missing and a scope that is missing is denied for the group", "", lacking, access(), reject("group_missing")).policy(allOf(group("admin"), scope("api/write"))),
		tok("all of a scope that is missing and an old login is denied for the scope", "", stepUpRFC, loggedIn(-3600), reject("scope_missing")).policy(allOf(within("5m"), scope("api/write"))),
		tok("all of an old login and another acr with the scope needs a step-up", "", stepUpRFC, loggedIn(-3600), reject("login_too_old")).policy(allOf(within("5m"), scope("api/read"))),
		tok("all of a group that is missing and an old login is denied for the group", "", stepUpRFC, loggedIn(-3600), reject("group_missing")).policy(allOf(within("5m"), group("admin"))),
		tok("any of a group that is missing and a scope that is missing is denied for the scope", "", lacking, access(), reject("scope_missing")).policy(anyOf(group("admin"), scope("api/write"))),
		tok("any of a group that is missing and another acr needs a step-up", "", stepUpRFC, access(), reject("acr_mismatch")).policy(anyOf(group("admin"), acr(loa+"2"))),
		tok("any of another acr and a scope that is missing is denied for the scope", "", stepUpRFC, access(), reject("scope_missing")).policy(anyOf(acr(loa+"2"), scope("api/write"))),
		tok("any of two groups that are missing is denied", "", lacking, access(), reject("group_missing")).policy(anyOf(group("admin"), group("staff"))),
		tok("any of a rule that is met first is enough", "", lacking, access(), accept).policy(anyOf(scope("api/read"), group("admin"))),
		tok("any of a rule that is met last is enough", "", lacking, access(), accept).policy(anyOf(group("admin"), scope("api/read"))),
		tok("machine or a user of a group lets the machine in", "", lacking, machine(), accept).policy(anyOf(machineOnly, allOf(userOnly, group("admin")))),
		tok("machine or a user of a group keeps other users out", "", lacking, grouped(`["staff"]`), reject("group_missing")).policy(anyOf(allOf(userOnly, group("admin")), allOf(userOnly, group("audit")))),
	}
}

func ruleMistakes() []row {
	return []row{
		rule("scope rule without a scope panics", "Z8", scopeRule, scope("")),
		rule("scope rule with two scopes panics", "Z8", scopeRule, scope("api/read api/write")),
		rule("scope rule with a leading space panics", "Z8", scopeRule, scope(" api/read")),
		rule("scope rule with a tab panics", "Z8", scopeRule, scope("api/read\t")),
		rule("scope rule with a line feed panics", "Z8", scopeRule, scope("api/read\n")),
		rule("scope rule with a quote panics", "Z8", scopeRule, scope(`api/"read`)),
		rule("scope rule with a backslash panics", "Z8", scopeRule, scope(`api\read`)),
		rule("scope rule with an accent panics", "Z8", scopeRule, scope("api/léser")),
		rule("scope rule with DEL panics", "Z8", scopeRule, scope("api/read\x7f")),
		rule("scope rule with NUL panics", "Z8", scopeRule, scope("api/read\x00")),
		rule("scope rule with a no-break space panics", "Z8", scopeRule, scope("api/read\u00a0")),
		rule("scope rule without a scope inside a composition panics", "Z8", scopeRule, allOf(anyToken, anyOf(scope("")))),
		rule("group rule without a group panics", "Z9", groupsPage, group("")),
		rule("client rule without a client panics", "Z9", accessPage, client("")),
		rule("claim rule without a claim panics", "Z9", accessPage, claimIs("", "x")),
		rule("claim rule about scope panics", "Z9", scopeRule, claimIs("scope", "api/read")),
		rule("claim rule about cognito:groups panics", "Z9", groupsPage, claimIs("cognito:groups", "admin")),
		rule("acr rule without an acr panics", "Z9", stepUpRFC, acr("")),
		rule("login rule without a duration panics", "Z9", stepUpRFC, within("0s")),
		rule("login rule with a negative duration panics", "Z9", stepUpRFC, within("-5m")),
		rule("zero policy panics on a route", "Z9", lacking, zeroPolicy),
	}
}
