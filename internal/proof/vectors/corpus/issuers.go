package corpus

const issuerRule = "RFC 8725, 3.8"

func from(iss string) recipe { return access().claim("iss", quote(iss)) }

// ofRegion is a configuration of one pool in that region, and its name.
func ofRegion(id string) Config { return pools(Pool{ID: id, ClientIDs: []string{clientID}}) }

func issuers() []row {
	return []row{
		tok("original issuer is accepted", "", issuerPage, access(), accept).want(Want{Issuer: new(issuer), PoolID: new(poolID)}),
		tok("iss of another pool of the same region is refused", "C1", issuerRule, from("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Zz9yXx8wV"), reject("issuer_mismatch")),
		tok("iss of another pool in the updated form is refused", "C1", issuerRule, from("https://issuer-cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Zz9yXx8wV"), reject("issuer_mismatch")),
		tok("iss of another pool and region is refused", "C1", issuerRule, from("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"), reject("issuer_mismatch")),
		tok("iss on the host of another region is refused", "C2", replicaPage, from("https://cognito-idp.us-west-2.amazonaws.com/"+poolID), reject("issuer_mismatch")),
		tok("iss of the replica region that is configured is accepted", "C3", replicaPage, from("https://cognito-idp.us-west-2.amazonaws.com/"+poolID), accept).in("replica").want(Want{PoolID: new(poolID)}),
		tok("iss of the primary region is accepted beside a replica", "C3", replicaPage, access(), accept).in("replica"),
		tok("iss of a third region beside a replica is refused", "C3", replicaPage, from("https://cognito-idp.us-east-2.amazonaws.com/"+poolID), reject("issuer_mismatch")).in("replica"),
		tok("iss of the replica region with a pool id of that region is refused", "C3", replicaPage, from("https://cognito-idp.us-west-2.amazonaws.com/us-west-2_AbCdEf123"), reject("issuer_mismatch")).in("replica"),
		tok("updated issuer is accepted", "C4", issuerPage, from(updated), accept).want(Want{Issuer: new(updated), PoolID: new(poolID)}),
		tok("updated issuer is refused by a pool that pins the original", "C4", issuerPage, from(updated), reject("issuer_mismatch")).in("pinned"),
		tok("original issuer is accepted by a pool that pins it", "C4", issuerPage, access(), accept).in("pinned"),
		tok("original issuer is refused by a pool that pins the updated one", "C4", issuerPage, access(), reject("issuer_mismatch")).under(pools(with(func(p *Pool) { p.Issuer = updated }))),
		tok("updated issuer is accepted by a pool that pins it", "C4", issuerPage, from(updated), accept).under(pools(with(func(p *Pool) { p.Issuer = updated }))),
		tok("updated issuer on the host of the replica region is refused", "C5", replicaPage, from("https://issuer-cognito-idp.us-west-2.amazonaws.com/"+poolID), reject("issuer_mismatch")).in("replica"),
		tok("updated issuer on the host of another region is refused", "C5", replicaPage, from("https://issuer-cognito-idp.us-west-2.amazonaws.com/"+poolID), reject("issuer_mismatch")),
		tok("iss missing is refused", "C7", verifyPage, access().without("iss"), reject("issuer_mismatch")),
		tok("token of an identity pool is refused for its algorithm", "C8", tokensPage, from("https://cognito-identity.amazonaws.com").head("alg", `"RS512"`).head("typ", `"JWS"`), reject("algorithm_unsupported")),
		tok("iss of identity pools is refused", "C8", issuerRule, from("https://cognito-identity.amazonaws.com"), reject("issuer_mismatch")),

		tok("pool in China has an issuer under amazonaws.com.cn", "C9", issuerPage, from("https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_AbCdEf123"), accept).under(ofRegion("cn-north-1_AbCdEf123")),
		tok("pool in China has no issuer under amazonaws.com", "C9", issuerPage, from("https://cognito-idp.cn-north-1.amazonaws.com/cn-north-1_AbCdEf123"), reject("issuer_mismatch")).under(ofRegion("cn-north-1_AbCdEf123")),
		tok("pool in Ningxia has an issuer under amazonaws.com.cn", "C9", issuerPage, from("https://cognito-idp.cn-northwest-1.amazonaws.com.cn/cn-northwest-1_AbCdEf123"), accept).under(ofRegion("cn-northwest-1_AbCdEf123")),
		tok("pool in GovCloud has an issuer under amazonaws.com", "C9", issuerPage, from("https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_AbCdEf123"), accept).under(ofRegion("us-gov-west-1_AbCdEf123")),
		tok("pool in GovCloud has no issuer on its FIPS host", "C9", issuerPage, from("https://cognito-idp-fips.us-gov-west-1.amazonaws.com/us-gov-west-1_AbCdEf123"), reject("issuer_mismatch")).under(ofRegion("us-gov-west-1_AbCdEf123")),
		tok("pool in the European sovereign cloud has an issuer under amazonaws.eu", "C9", issuerPage, from("https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_AbCdEf123"), accept).under(ofRegion("eusc-de-east-1_AbCdEf123")),
		tok("pool in the European sovereign cloud has no issuer under amazonaws.com", "C9", issuerPage, from("https://cognito-idp.eusc-de-east-1.amazonaws.com/eusc-de-east-1_AbCdEf123"), reject("issuer_mismatch")).under(ofRegion("eusc-de-east-1_AbCdEf123")),
		tok("pool in a newer region of the first partition has an issuer under amazonaws.com", "", issuerPage, from("https://cognito-idp.mx-central-1.amazonaws.com/mx-central-1_AbCdEf123"), accept).under(ofRegion("mx-central-1_AbCdEf123")),

		tok("issuer of an emulator is accepted where it is configured", "", issuerRule, from("http://localhost:9229/local_1AbCdEf2"), accept).in("emulator").want(Want{Issuer: new("http://localhost:9229/local_1AbCdEf2"), PoolID: new("local_1AbCdEf2")}),
		tok("issuer of an emulator under another port is refused", "", issuerRule, from("http://localhost:9230/local_1AbCdEf2"), reject("issuer_mismatch")).in("emulator"),
		tok("issuer of an emulator with https is refused", "", issuerRule, from("https://localhost:9229/local_1AbCdEf2"), reject("issuer_mismatch")).in("emulator"),
		tok("issuer of an emulator with a slash more is refused", "", issuerRule, from("http://localhost:9229/local_1AbCdEf2/"), reject("issuer_mismatch")).in("emulator"),
		tok("issuer of an emulator by its address is refused", "", issuerRule, from("http://127.0.0.1:9229/local_1AbCdEf2"), reject("issuer_mismatch")).in("emulator"),
		tok("configured issuer with a slash is compared with its slash", "", issuerRule, from("https://login.example.com/"), accept).under(pools(with(func(p *Pool) { p.Issuer = "https://login.example.com/" }))),
		tok("configured issuer with a slash is not the one without", "", issuerRule, from("https://login.example.com"), reject("issuer_mismatch")).under(pools(with(func(p *Pool) { p.Issuer = "https://login.example.com/" }))),
	}
}

const onPath = "/" + poolID

// lookalikes are issuers that a comparison less than byte for byte would take
// for the pool's own.
var lookalikes = []struct{ what, iss string }{
	{"a slash more", issuer + "/"},
	{"two slashes more", issuer + "//"},
	{"a double slash inside", "https://cognito-idp.eu-west-1.amazonaws.com/" + onPath},
	{"http", "http://cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"no scheme", "cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"slashes for a scheme", "//cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its scheme in capitals", "HTTPS://cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its host in capitals", "https://COGNITO-IDP.EU-WEST-1.AMAZONAWS.COM" + onPath},
	{"one capital in its host", "https://cognito-idp.eu-west-1.Amazonaws.com" + onPath},
	{"its pool id in small letters", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abcdef123"},
	{"its pool id in capitals", "https://cognito-idp.eu-west-1.amazonaws.com/EU-WEST-1_ABCDEF123"},
	{"its default port", "https://cognito-idp.eu-west-1.amazonaws.com:443" + onPath},
	{"another port", "https://cognito-idp.eu-west-1.amazonaws.com:8443" + onPath},
	{"an empty port", "https://cognito-idp.eu-west-1.amazonaws.com:" + onPath},
	{"userinfo", "https://user@cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"empty userinfo", "https://@cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its host as userinfo", "https://cognito-idp.eu-west-1.amazonaws.com@evil.example" + onPath},
	{"its URL as userinfo", issuer + "@evil.example/"},
	{"its host as a subdomain", "https://cognito-idp.eu-west-1.amazonaws.com.evil.example" + onPath},
	{"its host after a subdomain", "https://evil.cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its host glued to another", "https://evilcognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its URL in the path of another", "https://evil.example/" + issuer},
	{"its URL in the query of another", "https://evil.example/?" + issuer},
	{"its URL in the fragment of another", "https://evil.example/#" + issuer},
	{"the last character missing", issuer[:len(issuer)-1]},
	{"a character more", issuer + "4"},
	{"no pool id", "https://cognito-idp.eu-west-1.amazonaws.com/"},
	{"its pool id alone", poolID},
	{"a leading space", " " + issuer},
	{"a trailing space", issuer + " "},
	{"a trailing line feed", issuer + "\n"},
	{"a trailing NUL", issuer + "\x00"},
	{"text after NUL", issuer + "\x00.evil.example"},
	{"a tab inside", "https://cognito-idp.eu-west-1.amazonaws.com/\teu-west-1_AbCdEf123"},
	{"a dot after its host", "https://cognito-idp.eu-west-1.amazonaws.com." + onPath},
	{"dot segments", "https://cognito-idp.eu-west-1.amazonaws.com/x/.." + onPath},
	{"a dot segment", "https://cognito-idp.eu-west-1.amazonaws.com/." + onPath},
	{"a backslash", `https://cognito-idp.eu-west-1.amazonaws.com\eu-west-1_AbCdEf123`},
	{"an empty query", issuer + "?"},
	{"a query", issuer + "?x=1"},
	{"an empty fragment", issuer + "#"},
	{"a matrix parameter", issuer + ";x"},
	{"a letter percent-encoded", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1%5FAbCdEf123"},
	{"a slash percent-encoded", "https://cognito-idp.eu-west-1.amazonaws.com%2Feu-west-1_AbCdEf123"},
	{"a Cyrillic letter", "https://\u0441ognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"its Punycode", "https://xn--ognito-idp-bwi.eu-west-1.amazonaws.com" + onPath},
	{"a letter without its dot", "https://cogn\u0131to-idp.eu-west-1.amazonaws.com" + onPath},
	{"the Punycode of a letter without its dot", "https://xn--cognto-idp-0ub.eu-west-1.amazonaws.com" + onPath},
	{"a full-width letter", "https://\uff43ognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"a full-width stop", "https://cognito-idp\uff0eeu-west-1.amazonaws.com" + onPath},
	{"an ideographic stop", "https://cognito-idp\u3002eu-west-1.amazonaws.com" + onPath},
	{"a zero width space", "https://cognito-idp.\u200beu-west-1.amazonaws.com" + onPath},
	{"a soft hyphen", "https://cognito\u00ad-idp.eu-west-1.amazonaws.com" + onPath},
	{"a non-breaking hyphen", "https://cognito\u2011idp.eu-west-1.amazonaws.com" + onPath},
	{"a long s", "https://cognito-idp.eu-we\u017ft-1.amazonaws.com" + onPath},
	{"the suffix of China", "https://cognito-idp.eu-west-1.amazonaws.com.cn" + onPath},
	{"the suffix of the sovereign cloud", "https://cognito-idp.eu-west-1.amazonaws.eu" + onPath},
	{"the suffix of dual-stack hosts", "https://cognito-idp.eu-west-1.api.aws" + onPath},
	{"the host of FIPS", "https://cognito-idp-fips.eu-west-1.amazonaws.com" + onPath},
	{"the host of identity pools", "https://cognito-identity.eu-west-1.amazonaws.com" + onPath},
	{"the host of managed login", "https://example.auth.eu-west-1.amazoncognito.com"},
	{"a custom domain", "https://auth.example.com"},
	{"the URL of its key set", issuer + "/.well-known/jwks.json"},
	{"the prefix of the updated form twice", "https://issuer-issuer-cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"the updated form with a slash", updated + "/"},
	{"the updated form in capitals", "https://ISSUER-cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"the updated form over http", "http://issuer-cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"an underscore in the updated form", "https://issuer_cognito-idp.eu-west-1.amazonaws.com" + onPath},
	{"another provider", "https://accounts.google.com"},
	{"quotes", `"` + issuer + `"`},
	{"two issuers in one string", issuer + " " + updated},
	{"nothing", ""},
}

func refusedLookalikes() []row {
	var rows []row
	for _, l := range lookalikes {
		rows = append(rows, tok("iss with "+l.what+" is refused", "C6", issuerRule, from(l.iss), reject("issuer_mismatch")))
	}
	return rows
}
