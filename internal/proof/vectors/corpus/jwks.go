package corpus

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A keySet is a document in the making: a set of keys, or any text, in which %s
// stands for the keys.
type keySet struct {
	keys []jwk
	text string
}

func set(keys ...jwk) keySet                   { return keySet{keys: keys} }
func document(text string, keys ...jwk) keySet { return keySet{keys, text} }

func (s keySet) make(k *keyring) KeySet {
	parts := make([]string, len(s.keys))
	for i, key := range s.keys {
		parts[i] = k.fill(object(key).text())
	}
	list := strings.Join(parts, ",")
	if s.text == "" {
		return KeySet(`{"keys":[` + list + `]}`)
	}
	text := strings.Replace(s.text, "%s", list, 1)
	if !utf8.ValidString(text) || len(text) > large {
		return must(encode(chunks(text)))
	}
	return must(encode(text))
}

// A jwk is one key of a set. Its methods return another key.
type jwk object

// key is an RSA key as Cognito publishes it, under the kid that kidOf gives it.
func key(name string) jwk {
	return numbered(kidOf(name), "@n:"+name)
}

// numbered is such a key with a modulus of any kind.
func numbered(kid, n string) jwk {
	return jwk{{"alg", `"RS256"`}, {"e", `"AQAB"`}, {"kid", quote(kid)}, {"kty", `"RSA"`}, {"n", n}, {"use", `"sig"`}}
}

func kidOf(name string) string {
	switch name {
	case "access":
		return accessKID
	case "id":
		return idKID
	case "other":
		return otherKID
	}
	return name
}

func ecKey(name, curve string) jwk {
	return jwk{{"kid", quote(name)}, {"kty", `"EC"`}, {"crv", quote(curve)}, {"x", "@x:" + name}, {"y", "@y:" + name}, {"use", `"sig"`}}
}

func okpKey() jwk {
	return jwk{{"kid", `"ed25519"`}, {"kty", `"OKP"`}, {"crv", `"Ed25519"`}, {"x", "@okp:ed25519"}, {"use", `"sig"`}}
}

func octKey(kid string) jwk {
	return jwk{{"kid", quote(kid)}, {"kty", `"oct"`}, {"k", `"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ"`}}
}

func (j jwk) kid(kid string) jwk           { return j.set("kid", quote(kid)) }
func (j jwk) set(name, value string) jwk   { return jwk(object(j).set(name, value)) }
func (j jwk) without(names ...string) jwk  { return jwk(object(j).without(names...)) }
func (j jwk) also(name, value string) jwk  { return append(slices.Clone(j), member{name, value}) }
func (j jwk) first(name, value string) jwk { return append(jwk{{name, value}}, j...) }

// standingSets are the key sets that cases name. A Cognito pool has two keys.
var standingSets = map[string]keySet{
	"pool":  set(key("access"), key("id")),
	"other": set(key("other")),
	"noalg": set(key("access").without("alg"), key("id").without("alg")),
}

// pool is the entry that nearly every configuration begins with.
func pool() Pool { return Pool{ID: poolID, ClientIDs: []string{clientID}} }

// with is that entry with changes.
func with(change func(*Pool)) Pool {
	p := pool()
	change(&p)
	return p
}

// pools is a configuration of entries alone.
func pools(p ...Pool) Config { return Config{Pools: p} }

// standing are the configurations that cases name.
var standing = map[string]Config{
	"access":               pools(pool()),
	"id":                   pools(with(func(p *Pool) { p.TokenUse = "id" })),
	"both":                 pools(pool(), with(func(p *Pool) { p.TokenUse = "id"; p.ClientIDs = []string{"webclient"} })),
	"clients":              pools(with(func(p *Pool) { p.ClientIDs = []string{"anotherclient", clientID} })),
	"any client":           pools(with(func(p *Pool) { p.ClientIDs = nil; p.DangerouslyAllowAnyClient = true })),
	"audience":             pools(with(func(p *Pool) { p.Audiences = []string{"https://other.example.com", apiURL} })),
	"registered":           pools(with(func(p *Pool) { p.Audiences = []string{apiURL}; p.RegisteredClients = true })),
	"only registered":      pools(with(func(p *Pool) { p.ClientIDs = nil; p.Audiences = []string{apiURL}; p.RegisteredClients = true })),
	"any client, audience": pools(with(func(p *Pool) { p.ClientIDs = nil; p.Audiences = []string{apiURL}; p.DangerouslyAllowAnyClient = true })),
	"replica":              pools(with(func(p *Pool) { p.ReplicaRegions = []string{"us-west-2"} })),
	"pinned":               pools(with(func(p *Pool) { p.Issuer = issuer })),
	"noalg":                pools(with(func(p *Pool) { p.KeySet = "noalg" })),
	"two pools":            pools(pool(), Pool{ID: "eu-west-1_OtherPool", ClientIDs: []string{"otherclient"}, KeySet: "other"}),
	"revocation":           {Pools: []Pool{pool()}, Revoked: []string{"5b1c9000-aaaa-4bbb-8ccc-000000000001"}},
	"leeway 5m":            {Pools: []Pool{pool()}, Leeway: "5m"},
	"leeway 1ns":           {Pools: []Pool{pool()}, Leeway: "1ns"},
	"big tokens":           {Pools: []Pool{pool()}, MaxTokenBytes: 131072},
	"short life":           pools(with(func(p *Pool) { p.MaxLifetime = "1h" })),
	"long life":            pools(with(func(p *Pool) { p.MaxLifetime = "240h" })),
	"emulator":             pools(Pool{ID: "local_1AbCdEf2", Issuer: "http://localhost:9229/local_1AbCdEf2", ClientIDs: []string{clientID}}),
}
