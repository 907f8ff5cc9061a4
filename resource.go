package cognitoauth

// This file describes the API to OAuth clients (RFC 9728): ProtectedResource and
// its checks, the documents that Wrap answers with, and which of them a challenge
// names.

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ProtectedResource describes this API, or a part of it, to OAuth clients (RFC
// 9728, OAuth 2.0 Protected Resource Metadata). A client that knows nothing but
// the address of the API learns from it where to get a token and for which scopes.
// All that stands in it becomes public.
//
// [Middleware.Wrap] answers GET, HEAD and CORS preflights at the address that
// follows from Resource, without a token: /.well-known/oauth-protected-resource,
// with the path and query of Resource behind it. If there is one resource alone,
// Wrap answers with it at the address without a path too, where older MCP clients
// look. Nothing else is open there, and no request for it reaches the wrapped
// handler, unless that is a [http.ServeMux] with a pattern that begins with this
// path: that route then counts. A pattern such as "/" or "/.well-known/" does not.
//
// A challenge (401, or 403 for a missing scope) names the document as
// resource_metadata: of the resource whose path covers most segments of the path
// that the client sent. /mcp covers /mcp and /mcp/x, but not /mcpx. Requests that
// no resource covers get none. The address of the document follows from Resource
// and never from the request's Host, which anybody can write.
type ProtectedResource struct {
	_ [0]func() // keyed literals only

	// Resource is the resource identifier: the URL that clients call, such as
	// "https://api.example.com/mcp". Required. It must be one of the Audiences of a
	// Pool, byte for byte, since it becomes aud of the tokens. It has the scheme
	// https, or http on loopback for development, no user and no fragment, and
	// should have no query (RFC 9728, section 1.2). No two resources have the same
	// path, a slash at the end aside: for two hosts, make two Middlewares.
	Resource string
	// Scopes are the scopes that a client may ask for (scopes_supported), such as
	// "orders/read". A client asks for all of them if the challenge has no scope,
	// so list the few that most need. Each is a scope-token (RFC 6749, section 3.3)
	// and is listed once; offline_access is a mistake. None: left out.
	Scopes []string
	// AuthorizationServers are the issuers where clients get tokens
	// (authorization_servers). Each is an https URL without query and fragment (RFC
	// 8414, section 2), or http on loopback, and is listed once. None: the issuers
	// of the pools that have Resource in Audiences: Pool.Issuer, or the original
	// form of the issuer.
	AuthorizationServers []string
	// Name is a name of the API for people (resource_name), at most 256 bytes.
	// Empty: left out.
	Name string
	// Documentation, Policy and TermsOfService are addresses of pages for
	// developers, about the use of data and about terms (resource_documentation,
	// resource_policy_uri, resource_tos_uri): https or http URLs without user.
	// Empty: left out.
	Documentation, Policy, TermsOfService string
}

// wellKnownResource is where documents are: a client inserts it between the host
// and the path of a resource identifier (RFC 9728, section 3.1).
const wellKnownResource = "/.well-known/oauth-protected-resource"

// document is what a client reads about one ProtectedResource. It is made by New
// and never changed.
type document struct {
	address  string   // path and query, as a request for it has them
	url      string   // the address behind scheme and host of the resource
	segments []string // of the resource's path, decoded
	body     []byte
	etag     string
}

// documents are those of a Middleware, nil if there are none.
type documents struct {
	all  []*document
	at   map[string]*document // by address
	deep int                  // the most segments of a resource's path
}

// documents makes the documents of the configuration, nil if there are none.
func (b *builder) documents(cfg Config) *documents {
	// mutant: equivalent `len(cfg.ProtectedResources) == 0 → false`, it spares each request a look-up
	if len(cfg.ProtectedResources) == 0 {
		return nil
	}
	d := &documents{at: map[string]*document{}}
	for i, p := range cfg.ProtectedResources {
		field := fmt.Sprintf("ProtectedResources[%d].", i)
		fault := func(format string, args ...any) { b.mistake(field+format, args...) }
		p.checkLists(fault)
		p.checkTexts(fault)
		if !p.checkResource(cfg.Pools, fault) {
			continue
		}
		one := p.document(b.servers(&p), ownSource(cfg.TokenSource) == nil)
		if j := slices.IndexFunc(d.all, func(other *document) bool { return slices.Equal(other.segments, one.segments) }); j >= 0 {
			fault("Resource %q has the path of %q, so that one challenge would stand for both: drop one, or make a Middleware for each host", p.Resource, cfg.ProtectedResources[j].Resource)
		}
		d.all, d.deep = append(d.all, one), max(d.deep, len(one.segments))
		d.at[one.address] = one
	}
	if len(d.all) == 1 {
		d.at[wellKnownResource] = d.all[0]
	}
	return d
}

// checkResource checks Resource, and reports whether it identifies one.
func (p *ProtectedResource) checkResource(pools []Pool, fault func(string, ...any)) bool {
	u, err := url.Parse(p.Resource)
	switch {
	case p.Resource == "":
		fault("Resource is empty, expected the URL that clients call, such as %q", "https://api.example.com/mcp")
	case err != nil || u.Host == "" || u.User != nil || unwritable(p.Resource) || strings.ContainsAny(p.Resource, "#") || u.Scheme != "https" && u.Scheme != "http":
		fault("Resource %q is not an absolute https URL without user and fragment (RFC 9728, section 1.2)", redacted(p.Resource))
	case u.Scheme == "http" && !loopback(u.Hostname()):
		fault("Resource %q: expected the scheme https (RFC 9728, section 1.2); http is for loopback only", p.Resource)
	case strings.HasSuffix(p.Resource, "?"):
		fault("Resource %q has an empty query: leave the question mark out, also in Audiences", p.Resource)
	case strings.HasPrefix(u.Path, wellKnownResource):
		fault("Resource %q is the address of the document: expected that of the API, such as %q", p.Resource, "https://api.example.com/mcp")
	case u.Path != "" && path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") && u.Path != "/":
		fault("Resource %q has a dot segment or a slash too many in its path, which clients resolve before they send it", p.Resource)
	default:
		return p.checkAudience(pools, fault)
	}
	return false
}

// checkAudience checks that tokens for the resource are accepted.
func (p *ProtectedResource) checkAudience(pools []Pool, fault func(string, ...any)) bool {
	var have []string
	var near string
	for i, pool := range pools {
		for _, aud := range pool.Audiences {
			if aud == p.Resource {
				return true
			}
			if strings.EqualFold(strings.TrimSuffix(aud, "/"), strings.TrimSuffix(p.Resource, "/")) {
				near = fmt.Sprintf("; Pools[%d] has %q, which differs by a slash at the end or by case, and aud is compared byte for byte", i, aud)
			}
		}
		have = append(have, fmt.Sprintf("Pools[%d] (%s) has %q", i, pool.ID, pool.Audiences))
	}
	fault("Resource %q is in Audiences of no Pool, so no token for it is accepted: add it to Pools[…].Audiences, or name one that is there: %s%s", p.Resource, strings.Join(have, ", "), near)
	return false
}

// checkLists checks Scopes and AuthorizationServers.
func (p *ProtectedResource) checkLists(fault func(string, ...any)) {
	for i, s := range p.Scopes {
		switch {
		case s == "" || strings.ContainsFunc(s, func(c rune) bool { return c > '~' || c == ' ' || !challengeByte(byte(c)) }):
			fault("Scopes[%d] %q is not one scope (RFC 6749, section 3.3)", i, s)
		case s == "offline_access":
			fault("Scopes[%d] %q is no scope of an API: Cognito knows none of that name, and refuses a login that asks for it; drop it", i, s)
		case slices.Contains(p.Scopes[:i], s):
			fault("Scopes[%d] %q is listed twice: drop one", i, s)
		}
	}
	for i, s := range p.AuthorizationServers {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.User != nil || unwritable(s) || strings.ContainsAny(s, "?#") || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
			fault("AuthorizationServers[%d] %q is not an https URL without user, query and fragment (RFC 8414, section 2); http is for loopback only", i, redacted(s))
		case hostedUI(u):
			fault("AuthorizationServers[%d] %q is the pool's login domain, which is no issuer: leave AuthorizationServers empty, the issuer follows from the pool", i, s)
		case slices.Contains(p.AuthorizationServers[:i], s):
			fault("AuthorizationServers[%d] %q is listed twice: drop one", i, s)
		}
	}
}

// checkTexts checks Name and the addresses of pages.
func (p *ProtectedResource) checkTexts(fault func(string, ...any)) {
	if len(p.Name) > maxResourceName || !utf8.ValidString(p.Name) {
		fault("Name has %d bytes, expected at most %d of valid UTF-8", len(p.Name), maxResourceName)
	}
	for _, page := range []struct{ field, address string }{{"Documentation", p.Documentation}, {"Policy", p.Policy}, {"TermsOfService", p.TermsOfService}} {
		u, err := url.Parse(page.address)
		if page.address != "" && (err != nil || u.Host == "" || u.User != nil || unwritable(page.address) || u.Scheme != "https" && u.Scheme != "http") {
			fault("%s %q is not an absolute https or http URL without user", page.field, redacted(page.address))
		}
	}
}

const maxResourceName = 256

// unwritable reports whether s has a byte that no URL has (RFC 3986, appendix A).
// Everything else can stand in a challenge.
func unwritable(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"\\<>^`{|}", c) })
}

// servers returns the issuers where clients get tokens for p. Of the forms of a
// pool's issuer it takes the first: a client must not take them for several
// servers, one of which it has to choose.
func (b *builder) servers(p *ProtectedResource) []string {
	if len(p.AuthorizationServers) > 0 {
		return p.AuthorizationServers
	}
	var servers []string
	last := "" // the Pool entry
	for _, iss := range b.known {
		field := b.uses[string(AccessToken)+" "+iss]
		if t := b.issuers[iss].access; t != nil && field != last && slices.Contains(t.audiences, p.Resource) {
			servers, last = append(servers, iss), field
		}
	}
	return servers
}

// document makes the document of a ProtectedResource that New has checked. header
// says that its tokens are read from the Authorization header.
func (p *ProtectedResource) document(servers []string, header bool) *document {
	_, rest, _ := strings.Cut(p.Resource, "://")
	_, rest = cutAny(rest, "/?")
	origin := strings.TrimSuffix(p.Resource, rest)
	// The slash that ends the host goes if no path follows (RFC 9728, section 3.1).
	if rest == "/" || strings.HasPrefix(rest, "/?") {
		rest = rest[1:]
	}
	d := &document{address: wellKnownResource + rest, segments: segments(rest, len(rest))}
	d.url = origin + d.address
	var methods []string
	if header { // else the source is a function, and we cannot tell where it looks
		methods = []string{"header"}
	}
	// A member without a value is left out (RFC 9728, section 3.2).
	var out bytes.Buffer
	to := json.NewEncoder(&out)
	to.SetEscapeHTML(false)
	to.Encode(struct {
		Resource      string   `json:"resource"`
		Servers       []string `json:"authorization_servers,omitempty"`
		Scopes        []string `json:"scopes_supported,omitempty"`
		Methods       []string `json:"bearer_methods_supported,omitempty"`
		Name          string   `json:"resource_name,omitempty"`
		Documentation string   `json:"resource_documentation,omitempty"`
		Policy        string   `json:"resource_policy_uri,omitempty"`
		Terms         string   `json:"resource_tos_uri,omitempty"`
	}{p.Resource, servers, p.Scopes, methods, p.Name, p.Documentation, p.Policy, p.TermsOfService})
	d.body = out.Bytes()
	sum := sha256.Sum256(d.body)
	d.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return d
}

// cutAny splits s before the first of these characters.
func cutAny(s, chars string) (before, rest string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// segments returns the segments of the path of a request target, decoded, as a
// router sees them: empty ones and dot segments are resolved (RFC 3986, section
// 5.2.4), and an escaped slash parts no segments. A slash at the end counts for
// nothing. It returns the first ones, at most as many as most says, since a caller
// may send half a million of them.
func segments(target string, most int) []string {
	way, _, _ := strings.Cut(target, "?")
	var all []string
	more := 0 // segments behind those in all
	for segment := range strings.SplitSeq(way, "/") {
		if plain, err := url.PathUnescape(segment); err == nil {
			segment = plain
		}
		switch segment {
		case "", ".":
		case "..":
			if more > 0 {
				more--
			} else {
				all = all[:max(0, len(all)-1)]
			}
		default:
			if len(all) < most {
				all = append(all, segment)
			} else {
				more++
			}
		}
	}
	return all
}

// target returns path and query as the client sent them. A handler outside of
// Wrap, such as http.StripPrefix, may have changed r.URL; what identifies a
// resource is the address that the client used.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // made by the program, or sent with scheme and host
}

// where returns the address of the document, "" if there is none.
func (d *document) where() string {
	if d == nil {
		return ""
	}
	return d.url
}

// challenge returns the document of the resource that r belongs to, nil if there
// is none.
func (d *documents) challenge(r *http.Request) *document {
	if d == nil {
		return nil
	}
	sent := segments(target(r), d.deep)
	var best *document
	for _, one := range d.all {
		n := len(one.segments)
		if n <= len(sent) && slices.Equal(one.segments, sent[:n]) && (best == nil || n > len(best.segments)) {
			best = one
		}
	}
	return best
}

// document returns the document that r asks for, nil if it asks for none. Any other
// method is left to the checks of every request, and so is the address where the
// wrapped mux has a route of its own.
func (g *guard) document(r *http.Request) *document {
	address := target(r)
	// mutant: equivalent `strings.HasPrefix(address, wellKnownResource) → true`, it spares hashing a long address
	if !strings.HasPrefix(address, wellKnownResource) {
		return nil
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !isPreflight(r) || hasOwnRoute(g.next, r) {
		return nil
	}
	return g.documents.at[address]
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// serveDocument answers r if it asks for a document, and reports whether it does.
func (g *guard) serveDocument(w http.ResponseWriter, r *http.Request) bool {
	d := g.document(r)
	if d == nil {
		return false
	}
	way, _, _ := strings.Cut(target(r), "?")
	g.allow(hearing{r: r, ctx: r.Context(), pattern: way, began: g.start()}, nil)
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if isPreflight(r) {
		h.Set("Access-Control-Allow-Methods", "GET, HEAD")
		h.Set("Access-Control-Allow-Headers", "*") // MCP clients send MCP-Protocol-Version
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("ETag", d.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(d.body))
	return true
}

// hasOwnRoute reports whether h is a mux with a pattern for this very address, for
// the method of the request or for GET. Who serves GET there serves all of it: a
// preflight says what the others may be asked for.
func hasOwnRoute(h http.Handler, r *http.Request) bool {
	return hasRoute(h, r, http.MethodGet) || hasRoute(h, r, r.Method)
}

func hasRoute(h http.Handler, r *http.Request, method string) bool {
	asked := r.WithContext(r.Context())
	asked.Method = method
	for range maxRouters {
		mux, _ := h.(*http.ServeMux)
		if mux == nil {
			return false
		}
		var pattern string
		h, pattern = mux.Handler(asked)
		_, way, _ := strings.Cut(pattern, "/") // a method and a host have no slash
		if strings.HasPrefix("/"+way, wellKnownResource) && !redirects(h) {
			return true
		}
	}
	return false
}
