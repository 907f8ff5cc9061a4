package cognitoauth

// This file holds Pool, the checks that New makes of it, and what follows from it:
// region and partition, issuers, and the URLs of the key sets.

import (
	"cmp"
	"context"
	"iter"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cognitoauth/cognitoauth/internal/keyfetch"
)

// Pool has the settings for one user pool, or for one kind of its tokens.
type Pool struct {
	_ [0]func() // keyed literals only

	// ID is the ID of the user pool, such as "eu-west-1_EXAMPLE01": a region, an
	// underscore, letters and digits, at most 55 characters. Required. The library
	// derives the issuers and the key-set URL from it, for a region in the
	// partitions aws, aws-cn, aws-us-gov and aws-eusc. For another region or an
	// emulator, set Issuer; ID may then have another form. It becomes
	// Claims.PoolID, so two entries with the same ID count as one pool where a
	// program keys data by PoolID.
	ID string
	// ClientIDs are the app clients whose tokens are accepted. The library
	// compares them with client_id, and on ID tokens with aud. Required, unless
	// RegisteredClients, AllowClient or DangerouslyAllowAnyClient is set. Each is
	// at most 128 bytes of printable ASCII without space, comma and quote, and is
	// listed once.
	ClientIDs []string
	// RegisteredClients admits clients that nobody can list, because they register
	// themselves at the pool (RFC 7591; plans Essentials and Plus). A user's access
	// token is then accepted from every client of the pool, since no token tells
	// whether its client has registered itself; aud must name one of Audiences, and
	// client_id does not count as one. A machine's token still needs ClientIDs.
	// False: ClientIDs and AllowClient decide. RegisteredClients needs Audiences,
	// and excludes TokenUse IDToken and DangerouslyAllowAnyClient.
	RegisteredClients bool
	// AllowClient decides about app clients that are not in ClientIDs, on each use
	// of a token, after the signature and before Config.Revoked; with
	// RegisteredClients, about those that it admits, to block some. machine is true
	// if the client got the token for itself. False refuses with 401
	// (client_mismatch), an error with 503 (client_check_unavailable). Nil: ClientIDs
	// and RegisteredClients decide. ctx is that of the request or of Validate. It
	// must be safe for concurrent use; a panic is as in Config.ErrorHandler. It and
	// DangerouslyAllowAnyClient exclude each other.
	AllowClient func(ctx context.Context, clientID string, machine bool) (bool, error)
	// TokenUse is the kind of token that is accepted, AccessToken or IDToken.
	// Empty: AccessToken. To accept both, list the pool twice.
	TokenUse TokenUse
	// Audiences are the resource identifiers of this API (RFC 8707), compared with
	// aud byte for byte. The aud of a user's token must name one of them. A
	// machine cannot ask for a resource, so its token may also have no aud, or its
	// own client_id there. None: aud is absent or names the token's own client_id.
	// Each is listed once; none is empty or one of ClientIDs. Audiences and
	// TokenUse IDToken exclude each other.
	Audiences []string
	// ReplicaRegions are the further regions of a multi-Region pool. The library
	// accepts the original form of the issuer for each of them; the updated form
	// always names the primary region (see Issuer). None: the region of ID only.
	// Each is in the same partition as that region, is listed once and is not that
	// region. ReplicaRegions and Issuer exclude each other. Each region has its
	// own key set, unless JWKSURL or JWKS is set.
	ReplicaRegions []string
	// MaxLifetime is the maximum of exp - iat, or of exp - now without iat.
	// Config.Leeway is added to it. Zero: 24 h, the longest that Cognito allows;
	// an emulator may need more. 1 ms to 100 years. A token that lives longer is
	// refused with 401 (lifetime_too_long).
	MaxLifetime time.Duration
	// Issuer replaces the issuers that follow from ID, for an emulator, for a
	// custom endpoint, or to accept only one form. Empty: the original form,
	// https://cognito-idp.{region}.amazonaws.com/{ID}, and the updated form,
	// https://issuer-cognito-idp.{region}.amazonaws.com/{ID}, with the host suffix
	// of the partition. It is an http or https URL without user, query and
	// fragment, and is compared byte for byte, so a slash at the end counts. On a
	// host of Cognito it must be one of these forms. Excludes ReplicaRegions.
	Issuer string
	// JWKSURL is where keys are fetched. Empty: /.well-known/jwks.json below
	// Issuer if that is set, else below the original form of the issuer and, if
	// that fails or takes longer than 1 s, below the updated form; for a replica
	// region, below the issuer of that region. It is https, or http on loopback
	// (localhost, 127.0.0.0/8, ::1), unless DangerouslyAllowHTTP is set. It has
	// neither user nor fragment. No log, error or status shows its query.
	JWKSURL string
	// JWKS is a static key set (RFC 7517). The library then fetches nothing, and a
	// key that is not in the set stays unknown. The set does not age. Nil: keys
	// are fetched. At most 256 KiB and 100 keys, at least one of them usable; an
	// empty set is a mistake. PoolStatus.SkippedKeys says why a key is not used.
	// JWKS and JWKSURL exclude each other.
	JWKS []byte
	// DangerouslyAllowAnyClient accepts the tokens of every app client of the pool,
	// also of later ones. In a pool where clients register themselves (RFC 7591),
	// that is anybody who registers one, and even with Audiences it includes
	// machines, whose tokens need no aud and no user: use RegisteredClients there.
	// False: ClientIDs, RegisteredClients and AllowClient decide. It excludes
	// these three.
	DangerouslyAllowAnyClient bool
	// DangerouslyAllowHTTP allows a key-set URL with http on any host. An attacker
	// on the network path can then replace the keys. False: http is allowed on
	// loopback only.
	DangerouslyAllowHTTP bool

	testKeys bool // the test kit asks for the keys that it ships
}

const (
	defaultMaxLifetime = 24 * time.Hour
	maxMaxLifetime     = 100 * 365 * 24 * time.Hour
	wellKnownKeys      = "/.well-known/jwks.json"
	maxPoolIDBytes     = 55
)

// pool checks the i-th Pool and registers the issuers that it accepts.
func (b *builder) pool(i int, p Pool) {
	field := "Pools[" + strconv.Itoa(i) + "]."
	fault := func(format string, args ...any) { b.mistake(field+format, args...) }
	e := &entry{id: p.ID, use: p.TokenUse, audiences: slices.Clone(p.Audiences), maxLifetime: p.MaxLifetime, allow: p.AllowClient, registered: p.RegisteredClients}
	if e.use == "" {
		e.use = AccessToken
	}
	if e.maxLifetime == 0 {
		e.maxLifetime = defaultMaxLifetime
	}
	var region string
	if i := p.swapped(); i >= 0 {
		fault("ID %q is an app client's, and ClientIDs[%d] %q is the pool's: swap the two", p.ID, i, p.ClientIDs[i])
	} else {
		region = p.checkID(fault)
	}
	e.clients = p.checkClients(fault)
	p.checkRest(e, fault)
	p.checkIssuer(region, fault)
	p.checkURLs(fault)
	var static *heldSet
	if p.JWKS != nil {
		set, err := b.parseStatic(&p)
		if err != nil {
			fault("JWKS: %v", withReasons(err))
		} else {
			static = &heldSet{Set: set}
		}
	}
	for iss, source := range b.trusts(p, region, static) {
		b.accept(field, iss, &trust{entry: e, source: source})
	}
}

// accept registers t for the tokens of iss that are of its kind. It is a
// mistake if another Pool entry accepts them already.
func (b *builder) accept(field, iss string, t *trust) {
	key := string(t.use) + " " + iss
	if other := b.uses[key]; other != "" {
		if b.clashes[field+other] || t.use != AccessToken && t.use != IDToken {
			return // reported already, for another issuer of the entry or as a mistake in TokenUse
		}
		b.clashes[field+other] = true
		b.mistake("%sTokenUse: %s tokens of issuer %q are accepted by Config.%s already: merge the two entries, with the ClientIDs of both, or let them differ in TokenUse",
			field, t.use, iss, strings.TrimSuffix(other, "."))
		return
	}
	b.uses[key] = field
	if b.issuers[iss] == nil {
		b.issuers[iss] = &issuer{}
		b.known = append(b.known, iss)
	}
	t = b.succeed(iss, t)
	b.first = cmp.Or(b.first, t)
	if t.use == IDToken {
		b.issuers[iss].id = t
	} else {
		b.issuers[iss].access = t
	}
}

// issuers returns the values of iss that a Pool accepts: Issuer if it is set,
// else the original form, the updated form, and the original form of each
// replica region.
func (p *Pool) issuers(region string) []string {
	if p.Issuer != "" {
		return []string{p.Issuer}
	}
	home := partition(region)
	if home < 0 {
		return nil
	}
	suffix := "." + partitions[home].suffix + "/" + p.ID
	all := []string{"https://cognito-idp." + region + suffix, "https://issuer-cognito-idp." + region + suffix}
	for _, replica := range p.ReplicaRegions {
		all = union(all, []string{"https://cognito-idp." + replica + suffix})
	}
	return all
}

// trusts yields each issuer of a Pool with the source of its keys.
func (b *builder) trusts(p Pool, region string, static *heldSet) iter.Seq2[string, *keySource] {
	return func(yield func(string, *keySource) bool) {
		issuers := p.issuers(region)
		var shared *keySource
		switch {
		case p.JWKS != nil:
			shared = b.source(&p)
			if static != nil && shared.current.Load() == nil { // else Reload has kept it
				shared.publish(static, nil)
			}
		case p.JWKSURL != "":
			shared = b.source(&p, p.JWKSURL)
		case p.Issuer != "":
			shared = b.source(&p, p.Issuer+wellKnownKeys)
		}
		for i, iss := range issuers {
			source := shared
			switch {
			case source != nil:
			case i < 2: // the two forms for the primary region
				source = b.source(&p, issuers[0]+wellKnownKeys, issuers[1]+wellKnownKeys)
			default:
				source = b.source(&p, iss+wellKnownKeys)
			}
			if !yield(iss, source) {
				return
			}
		}
	}
}

// checkID returns the region in the pool's ID, "" if there is none or ID is a
// mistake. With Issuer set, the region may be in no partition.
func (p *Pool) checkID(fault func(string, ...any)) (region string) {
	m := poolID.FindStringSubmatch(p.ID)
	if m != nil {
		region = m[1]
	}
	known := knownPool(p.ID)
	switch {
	case p.ID == "":
		fault("ID is empty, expected a user pool's ID such as %q", "eu-west-1_EXAMPLE01")
	case strings.TrimSpace(p.ID) != p.ID && knownPool(strings.TrimSpace(p.ID)):
		fault("ID %q is not of the form region_name because of the white space around it: expected %q", p.ID, strings.TrimSpace(p.ID))
	case identityPool.MatchString(p.ID):
		fault("ID %q is an identity pool's, expected a user pool's such as %q", p.ID, "eu-west-1_EXAMPLE01")
	case p.Issuer != "" || known:
		return region
	case strings.Contains(p.ID, "/") || strings.Contains(p.ID, "."):
		parts := strings.Split(p.ID, "/")
		if i := slices.IndexFunc(parts, knownPool); i >= 0 {
			fault("ID %q is a URL or ARN, expected the user pool's ID in it, %q", p.ID, parts[i])
			return ""
		}
		fault("ID %q is a URL, domain or ARN, expected the user pool's ID such as %q", p.ID, "eu-west-1_EXAMPLE01")
	case region != "":
		fault("ID %q: region %q is in none of the partitions aws, aws-cn, aws-us-gov and aws-eusc; set Issuer as well", p.ID, region)
	default:
		fault("ID %q is not of the form region_name, such as %q; an emulator's ID needs Issuer as well", p.ID, "eu-west-1_EXAMPLE01")
	}
	return ""
}

func (p *Pool) checkRest(e *entry, fault func(string, ...any)) {
	if e.use != AccessToken && e.use != IDToken {
		fault("TokenUse is %q, expected AccessToken, IDToken or nothing", p.TokenUse)
	}
	switch {
	case p.MaxLifetime > 0 && p.MaxLifetime < time.Millisecond:
		fault("MaxLifetime is %s: a number without a unit counts nanoseconds, write %d * time.Second", p.MaxLifetime, p.MaxLifetime)
	case p.MaxLifetime < 0 || p.MaxLifetime > maxMaxLifetime:
		fault("MaxLifetime is %s, expected 0 (for %s) to %s", p.MaxLifetime, defaultMaxLifetime, maxMaxLifetime)
	}
	p.checkRegistered(e, fault)
	if len(p.Audiences) > 0 && e.use == IDToken {
		fault("Audiences and TokenUse IDToken exclude each other: the aud of an ID token is its app client, which ClientIDs checks")
	}
	for i, aud := range p.Audiences {
		switch {
		case aud == "":
			fault("Audiences[%d] is empty: drop it", i)
		case slices.Contains(p.Audiences[:i], aud):
			fault("Audiences[%d] %q is listed twice: drop one", i, aud)
		case e.clients[aud]:
			fault("Audiences[%d] %q is an app client's ID: leave it in ClientIDs only, which client_id is compared with; "+
				"an access token has no aud, unless it is bound to the URL of an API, and that URL belongs in Audiences", i, aud)
		}
	}
}

// checkIssuer checks Issuer and ReplicaRegions.
func (p *Pool) checkIssuer(region string, fault func(string, ...any)) {
	for i, replica := range p.ReplicaRegions {
		switch home := partition(region); {
		case p.Issuer != "":
			fault("ReplicaRegions and Issuer exclude each other: with Issuer set, no other issuer is accepted")
			return
		case home < 0: // checkID reports it
		case partition(replica) < 0:
			fault("ReplicaRegions[%d] %q is not a region, such as %q", i, replica, "us-east-1")
		case partition(replica) != home:
			fault("ReplicaRegions[%d] %q is in another partition than the pool's region %q", i, replica, region)
		case replica == region || slices.Contains(p.ReplicaRegions[:i], replica):
			fault("ReplicaRegions[%d] %q is there already: the pool's own region %q counts without being listed", i, replica, region)
		}
	}
	if p.Issuer == "" {
		return
	}
	u, err := url.Parse(p.Issuer)
	if u != nil {
		u.Host = strings.ToLower(u.Host)
	}
	follows := "the issuer follows from ID"
	forms := (&Pool{ID: p.ID}).issuers(region) // nil if the region is in no partition
	if forms != nil {
		follows += ", and is " + strconv.Quote(forms[0])
	}
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(p.Issuer, "?#") || u.User != nil:
		fault("Issuer %q is not an absolute http or https URL without query and fragment and without user; leave it empty for a pool on AWS", redacted(p.Issuer))
	case strings.ContainsAny(p.Issuer, " \"'<>{}`"):
		fault("Issuer %q has a space, a quote or a bracket, which no URL has, and issuers are compared byte for byte: put the iss of a token there", p.Issuer)
	case strings.Contains(u.Path, "/.well-known/"):
		fault("Issuer %q is the address of a document below the issuer: expected %q", p.Issuer, p.Issuer[:strings.Index(p.Issuer, "/.well-known/")])
	case hostedUI(u):
		fault("Issuer %q is the pool's login domain, which issues no tokens: leave Issuer empty, %s", p.Issuer, follows)
	case strings.HasPrefix(u.Host, "cognito-identity."):
		fault("Issuer %q issues identity pools' tokens, which are not accepted: leave it empty, %s", p.Issuer, follows)
	case awsIssuer(u) && region != "" && u.Path == "/"+p.ID && !strings.HasPrefix(u.Host[strings.Index(u.Host, "cognito-idp."):], "cognito-idp."+region+"."):
		fault("Issuer %q is not in region %q of ID %q: leave Issuer empty, or use ReplicaRegions for a multi-Region pool", p.Issuer, region, p.ID)
	case strings.HasSuffix(p.Issuer, "/") && slices.Contains(forms, strings.TrimRight(p.Issuer, "/")):
		fault("Issuer %q ends in a slash, and issuers are compared byte for byte: leave Issuer empty, %s", p.Issuer, follows)
	case awsIssuer(u) && forms != nil && (u.Path != "/"+p.ID || !strings.HasPrefix(p.Issuer, "https://"+u.Host)):
		fault("Issuer %q is not an issuer of pool %q: leave Issuer empty, %s", p.Issuer, p.ID, follows)
	case awsIssuer(u) && !strings.HasPrefix(p.Issuer, "https://"+u.Host):
		fault("Issuer %q: Cognito writes %q, and issuers are compared byte for byte", p.Issuer, "https://"+u.Host)
	case awsIssuer(u) && u.Path != "/"+p.ID:
		fault("Issuer %q: expected the path %q, which is ID, on Cognito's own host", p.Issuer, "/"+p.ID)
	}
}

// checkURLs checks the URL from which keys are fetched.
func (p *Pool) checkURLs(fault func(string, ...any)) {
	where, address := "JWKSURL", p.JWKSURL
	switch {
	case p.JWKS != nil && p.JWKSURL != "":
		fault("JWKS and JWKSURL exclude each other: drop one")
		return
	case p.JWKS != nil:
		return
	case address == "":
		where, address = "Issuer", p.Issuer
	}
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.ContainsAny(address, "# \"<>{}`"):
		if where == "JWKSURL" { // checkIssuer reports a bad Issuer
			fault("JWKSURL %q is not an absolute https URL without user and fragment", keyfetch.Shown(redacted(address)))
		}
	case where == "JWKSURL" && strings.HasSuffix(u.Path, "/.well-known/openid-configuration"):
		fault("JWKSURL %q is the discovery document, which has no keys: expected what stands there as jwks_uri", keyfetch.Shown(address))
	case where == "JWKSURL" && onAWS(u, p.ID) && u.Path != "/"+p.ID+wellKnownKeys:
		fault("JWKSURL %q: pool %q has its keys at the path %q; leave JWKSURL empty, the URL follows from ID", keyfetch.Shown(address), p.ID, "/"+p.ID+wellKnownKeys)
	case where == "JWKSURL" && hostedUI(u):
		fault("JWKSURL %q is on the pool's login domain, which has no keys: leave it empty, the URL follows from ID", keyfetch.Shown(address))
	case u.Scheme == "http" && !p.DangerouslyAllowHTTP && !loopback(u.Hostname()):
		fault("%s %q: keys are fetched over https, or http on loopback only; DangerouslyAllowHTTP allows it elsewhere", where, keyfetch.Shown(address))
	}
}

// redacted returns a URL without its password. What stands before an @ may be one
// even where url.Parse finds no user, as without a scheme.
func redacted(s string) string {
	u, err := url.Parse(s)
	switch {
	case err == nil && u.User != nil:
		return u.Redacted()
	case (err != nil || u.Host == "") && strings.Contains(s, "@"):
		return "(not a URL)"
	}
	return s
}

func hostedUI(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	return strings.HasSuffix(host, ".amazoncognito.com") || strings.HasSuffix(host, ".amazoncognito.com.cn")
}

func awsIssuer(u *url.URL) bool {
	return strings.HasPrefix(u.Host, "cognito-idp.") || strings.HasPrefix(u.Host, "issuer-cognito-idp.")
}

// onAWS reports whether u is on a host of AWS that issues the tokens of the
// pool with that ID, in the pool's own region or in another.
func onAWS(u *url.URL, id string) bool {
	region, _ := userPool("https://" + strings.ToLower(u.Host) + "/" + id)
	return region != ""
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback() // ParseIP returns nil for a name, and nil is not loopback
}
