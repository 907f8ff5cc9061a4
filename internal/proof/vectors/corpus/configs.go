package corpus

import "strings"

const (
	leewayRule = "RFC 7519, 4.1.4"
	ownKeys    = "RFC 8725, 3.8"
)

func named(id string) Config {
	return pools(with(func(p *Pool) { p.ID = id }))
}

func configs() []row {
	return []row{
		conf("empty list of clients is a mistake", "C18", accessPage, pools(with(func(p *Pool) { p.ClientIDs = []string{} }))),
		conf("clients unset is a mistake", "C19", accessPage, pools(with(func(p *Pool) { p.ClientIDs = nil }))),
		conf("empty client among clients is a mistake", "C19", accessPage, pools(with(func(p *Pool) { p.ClientIDs = []string{clientID, ""} }))),
		conf("empty client alone is a mistake", "C19", accessPage, pools(with(func(p *Pool) { p.ClientIDs = []string{""} }))),
		conf("clients unset in the second pool is a mistake", "C19", accessPage, pools(pool(), Pool{ID: "eu-west-1_OtherPool", KeySet: "other"})),
		conf("leeway below zero is a mistake", "C39", leewayRule, Config{Pools: []Pool{pool()}, Leeway: "-1ns"}),
		conf("leeway of minus a minute is a mistake", "C39", leewayRule, Config{Pools: []Pool{pool()}, Leeway: "-1m"}),
		conf("leeway over 5 min is a mistake", "C39", leewayRule, Config{Pools: []Pool{pool()}, Leeway: "5m0.000000001s"}),
		conf("leeway of an hour is a mistake", "C39", leewayRule, Config{Pools: []Pool{pool()}, Leeway: "1h"}),
		conf("leeway of centuries is a mistake", "C39", leewayRule, Config{Pools: []Pool{pool()}, Leeway: "2562047h47m16.854775807s"}),
		tok("leeway of 5 min is allowed", "C39", leewayRule, access(), accept).in("leeway 5m"),
		tok("leeway of a nanosecond is allowed", "C39", leewayRule, access(), accept).in("leeway 1ns"),
		conf("no pool is a mistake", "", issuerRule, Config{Pools: []Pool{}}),
		conf("two entries of one pool and kind are a mistake", "", ownKeys, pools(pool(), pool())),
		conf("two entries of one pool and kind with other clients are a mistake", "", ownKeys, pools(pool(), with(func(p *Pool) { p.ClientIDs = []string{"webclient"} }))),
		conf("default kind and the same kind by name are a mistake", "", ownKeys, pools(pool(), with(func(p *Pool) { p.TokenUse = "access" }))),
		conf("issuer of one entry by name in another is a mistake", "", ownKeys, pools(pool(), Pool{ID: "eu-west-1_OtherPool", ClientIDs: []string{clientID}, Issuer: issuer, KeySet: "other"})),
		conf("updated issuer of one entry by name in another is a mistake", "", ownKeys, pools(pool(), Pool{ID: "eu-west-1_OtherPool", ClientIDs: []string{clientID}, Issuer: updated, KeySet: "other"})),
		conf("token use refresh is a mistake", "", tokensPage, pools(with(func(p *Pool) { p.TokenUse = "refresh" }))),
		conf("token use Access is a mistake", "", tokensPage, pools(with(func(p *Pool) { p.TokenUse = "Access" }))),
		conf("audiences of an ID entry are a mistake", "", idPage, pools(with(func(p *Pool) { p.TokenUse = "id"; p.Audiences = []string{apiURL} }))),
		conf("empty audience is a mistake", "C28", audienceRule, pools(with(func(p *Pool) { p.Audiences = []string{""} }))),
		conf("empty audience beside another is a mistake", "C28", audienceRule, pools(with(func(p *Pool) { p.Audiences = []string{apiURL, ""} }))),
		conf("issuer and replica regions together are a mistake", "", replicaPage, pools(with(func(p *Pool) { p.Issuer = issuer; p.ReplicaRegions = []string{"us-west-2"} }))),
		conf("empty replica region is a mistake", "", replicaPage, pools(with(func(p *Pool) { p.ReplicaRegions = []string{""} }))),
		conf("replica region that is a host is a mistake", "", replicaPage, pools(with(func(p *Pool) { p.ReplicaRegions = []string{"evil.example/"} }))),
		conf("lifetime below zero is a mistake", "C39", tokensPage, pools(with(func(p *Pool) { p.MaxLifetime = "-1h" }))),
		conf("limit of a token below zero is a mistake", "", limits, Config{Pools: []Pool{pool()}, MaxTokenBytes: -1}),
		conf("pool id empty is a mistake", "", poolIDField, named("")),
		conf("pool id without a region is a mistake", "", poolIDField, named("AbCdEf123")),
		conf("pool id that begins with its underscore is a mistake", "", poolIDField, named("_AbCdEf123")),
		conf("pool id that is a region is a mistake", "", poolIDField, named("eu-west-1")),
		conf("pool id that ends with its underscore is a mistake", "", poolIDField, named("eu-west-1_")),
		conf("pool id with a slash is a mistake", "", poolIDField, named("eu-west-1_AbCdEf123/x")),
		conf("pool id with a space is a mistake", "", poolIDField, named("eu-west-1_AbCdEf123 ")),
		conf("pool id with a question mark is a mistake", "", poolIDField, named("eu-west-1_AbCdEf123?x")),
		conf("pool id with a line feed is a mistake", "", poolIDField, named("eu-west-1_AbCdEf123\n")),
		conf("pool id with an accent is a mistake", "", poolIDField, named("eu-west-1_ÄbCdEf123")),
		conf("pool id with a host for a region is a mistake", "", poolIDField, named("evil.example/_AbCdEf123")),
		conf("pool id with userinfo for a region is a mistake", "", poolIDField, named("x@evil.example_AbCdEf123")),
		conf("pool id that is an issuer is a mistake", "", poolIDField, named(issuer)),
		conf("pool id over 55 characters is a mistake", "", poolIDField, named("eu-west-1_"+strings.Repeat("a", 46))),
	}
}
