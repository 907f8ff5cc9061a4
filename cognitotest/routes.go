package cognitotest

// This file lists what routes demand, for a test that fails when one is opened by
// mistake.

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cognitoauth/cognitoauth/internal/kit"
)

// Access says who may call a route.
type Access string

const (
	// Anonymous: anybody. [cognitoauth.AllowAnonymous] marks the route, or the library
	// answers there itself with a document of Config.ProtectedResources.
	Anonymous Access = "anonymous"
	// Optional: anybody, but a token that comes must be valid
	// ([cognitoauth.Optional]).
	Optional Access = "optional"
	// Protected: who has a token that meets the Policy.
	Protected Access = "protected"
)

// Route is what the requests for one pattern meet. Two of them can be compared by ==.
type Route struct {
	// Pattern is what [Routes] was asked about.
	Pattern string
	// Methods are those that this row is about, such as "GET, HEAD", if Pattern names
	// none and they do not all meet the same. Empty: all that Pattern is for.
	Methods string
	Access  Access
	// Policy is what a Protected route demands, as a Go expression: the fallback, and
	// each Require that stands directly in the route. What Requires inside other
	// handlers demand is not in it.
	Policy string
	// Runs is the pattern whose handler runs for these Methods, where the mux has one
	// that is more specific than Pattern, or "Config.ProtectedResources". Empty: that
	// of Pattern, as far as the router can tell.
	Runs string
}

// String is the route in a line: its access, pattern, methods and policy.
func (r Route) String() string {
	line := fmt.Sprintf("%-9s  %s", r.Access, r.Pattern)
	switch {
	case r.Runs != "" && r.Methods != "":
		line += fmt.Sprintf(" (%s, by %s)", r.Methods, r.Runs)
	case r.Runs != "":
		line += fmt.Sprintf(" (by %s)", r.Runs)
	case r.Methods != "":
		line += fmt.Sprintf(" (%s)", r.Methods)
	}
	if r.Policy != "" {
		line += "  " + r.Policy
	}
	return line
}

// RouteTable is what [Routes] returns.
type RouteTable []Route

// String has a line for each route, for a golden file: a change of one route changes
// no other line.
func (t RouteTable) String() string {
	var b strings.Builder
	for _, r := range t {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}

// Open returns the routes that a request without a token reaches.
func (t RouteTable) Open() RouteTable {
	return slices.DeleteFunc(slices.Clone(t), func(r Route) bool { return r.Access == Protected })
}

// Routes says of each pattern whether its route is anonymous, optional or protected,
// and by which policy, in the order of the patterns. A test that compares the result
// with what it was fails if somebody opens a route:
//
//	routes, err := cognitotest.Routes(auth.Wrap(mux), patterns...)
//	if err != nil {
//		t.Fatal(err)
//	}
//	want, err := os.ReadFile("testdata/open-routes.txt")
//	if err != nil {
//		t.Error(err)
//	}
//	if got := routes.Open().String(); got != string(want) {
//		t.Errorf("the open routes have changed to:\n%s", got)
//	}
//
// To make the file, let the test fail once, and copy what it prints.
//
// A [http.ServeMux] cannot list its patterns, and Routes sees no route that it is not
// asked about. So register all routes from one table, and give its patterns here.
// A route that is missing in the table is then missing in the API too. Of a mux inside
// another, give the patterns of the inner one.
//
// wrapped is what Wrap, WrapWith or WrapFunc has returned. Patterns are written as
// for ServeMux, also if the router is another one. Routes asks the router about a
// request with a sample in the place of each wildcard, and serves none. A pattern
// without a method is asked about with GET, HEAD, POST, PUT, PATCH, DELETE and
// OPTIONS; it gets one row, or several if these do not meet the same. What the
// middleware of WrapWith changes in a request does not count.
//
// It is an error if wrapped is another handler, and if a router has no route for a
// pattern, or a ServeMux runs that of another pattern, in which case the pattern
// would be listed as what it is not. Other routers do not tell the pattern, and a
// handler that is no router runs for all. The error lists all such patterns; the
// table is nil then.
func Routes(wrapped http.Handler, patterns ...string) (RouteTable, error) {
	var table RouteTable
	var faults []error
	for _, pattern := range patterns {
		rows, err := routesOf(wrapped, pattern)
		if err != nil {
			faults = append(faults, fmt.Errorf("cognitotest: pattern %q: %w", pattern, err))
		}
		table = append(table, rows...)
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return table, nil
}

// commonMethods are those that a pattern without a method is asked about.
var commonMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// routesOf returns the rows of one pattern.
func routesOf(wrapped http.Handler, text string) (RouteTable, error) {
	p, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	methods := commonMethods
	if p.method != "" {
		methods = []string{p.method}
	}
	var rows RouteTable
	var by [][]string // the methods of each row
	missing := ""
	for _, method := range methods {
		row, ok, err := p.ask(wrapped, method)
		if err != nil {
			return nil, err
		}
		if !ok {
			missing = method
			continue
		}
		at := slices.Index(rows, row)
		if at < 0 {
			at = len(rows)
			rows, by = append(rows, row), append(by, nil)
		}
		by[at] = append(by[at], method)
	}
	// A mux that has the pattern has it for all methods.
	if missing != "" && !slices.ContainsFunc(rows, func(r Route) bool { return r.Runs == "" || r.Runs == documents }) {
		if len(rows) == 0 {
			return nil, errors.New("the router shows no route for it: it has none, or middleware of its own around it; if a mux inside another one has it, give the pattern of that one")
		}
		return nil, fmt.Errorf("the router has no route for it with the method %s", missing)
	}
	if p.method == "" && (len(rows) > 1 || missing != "") {
		for i := range rows {
			rows[i].Methods = strings.Join(by[i], ", ")
		}
	}
	return rows, nil
}

// documents is what runs where the library answers itself.
const documents = "Config.ProtectedResources"

// pattern is one as http.ServeMux reads it.
type pattern struct {
	text               string
	method, host, path string
}

func parsePattern(text string) (p pattern, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("%v", fault)
		}
	}()
	http.NewServeMux().Handle(text, http.NotFoundHandler())
	p.text = text
	p.method, p.host = splitMethod(text)
	slash := strings.IndexByte(p.host, '/')
	p.host, p.path = p.host[:slash], p.host[slash:]
	return p, nil
}

// splitMethod returns the method of a pattern, "" if it has none, and the rest.
func splitMethod(text string) (method, rest string) {
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		return text[:i], strings.TrimLeft(text[i+1:], " \t")
	}
	return "", text
}

// ask returns the row of a method, and whether the router has a route for it. Another
// pattern may match the first sample; then the next one is tried.
func (p pattern) ask(wrapped http.Handler, method string) (row Route, ok bool, err error) {
	for _, path := range p.samples() {
		r, fault := p.request(method, path)
		if fault != nil {
			return Route{}, false, fault
		}
		found, known := kit.RouteOf(wrapped, r)
		if !known {
			return Route{}, false, fmt.Errorf("the handler (%T) is none that Wrap of a Middleware has returned, or that Middleware is not from New: "+
				"give Routes what Wrap, WrapWith or WrapFunc returned, without middleware around it", wrapped)
		}
		row := Route{Pattern: p.text, Access: accessOf(found.Open), Policy: found.Policy}
		switch {
		case found.Open == "ProtectedResource":
			row.Runs = documents
			return row, true, nil
		case !found.Exists:
		case !found.Mux || p.is(found.Pattern):
			return row, true, nil
		case p.refinedBy(found.Pattern):
			row.Runs = found.Pattern
			return row, true, nil
		default:
			err = fmt.Errorf("the mux runs the route of %q for %s %s: ask about that pattern, or register this one", found.Pattern, method, path)
		}
	}
	return Route{}, false, err
}

// accessOf returns the access of a route by the name of what opens it.
func accessOf(open string) Access {
	switch open {
	case "":
		return Protected
	case "Optional":
		return Optional
	}
	return Anonymous
}

// is reports whether other is p, written with other spaces perhaps.
func (p pattern) is(other string) bool {
	method, rest := splitMethod(other)
	return method == p.method && rest == p.host+p.path
}

// refinedBy reports whether other is p with a method.
func (p pattern) refinedBy(other string) bool {
	_, rest := splitMethod(other)
	return p.method == "" && rest == p.host+p.path
}

// samples returns paths that match the pattern, with escapes as it has them.
func (p pattern) samples() (paths []string) {
	for _, value := range []string{"sample", "1"} {
		segments := strings.Split(p.path, "/")
		rest := false
		for i, s := range segments {
			switch {
			case s == "{$}":
				segments[i] = ""
			case strings.HasSuffix(s, "...}"):
				segments[i], rest = "", true
			case strings.HasPrefix(s, "{"):
				segments[i] = value
			case s == "" && i == len(segments)-1:
				rest = true
			}
		}
		path := strings.Join(segments, "/")
		paths = append(paths, path)
		if rest {
			paths = append(paths, path+value, path+value+"/"+value)
		}
	}
	return paths
}

// request is one as a server reads it.
func (p pattern) request(method, path string) (*http.Request, error) {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, err
	}
	u, err := url.ParseRequestURI((&url.URL{Path: plain, RawPath: path}).EscapedPath())
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, "http://sample.invalid/", nil)
	if err != nil {
		return nil, err
	}
	r.URL, r.RequestURI = u, u.EscapedPath()
	if p.host != "" {
		r.Host = p.host
	}
	return r, nil
}
