package cognitootel_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

// service is an API whose metrics can be read.
type service struct {
	t         *testing.T
	pool      *cognitotest.Pool
	auth      *cognitoauth.Middleware
	telemetry *cognitootel.Telemetry
	reader    *sdkmetric.ManualReader
	stop      func()
}

// start makes a service. change, if there is one, changes its configuration.
func start(t *testing.T, o cognitootel.Options, change func(*cognitoauth.Config)) *service {
	t.Helper()
	s := &service{t: t, reader: sdkmetric.NewManualReader()}
	s.pool = cognitotest.NewPool(t, cognitotest.Options{InProcess: true, ClientIDs: []string{"1web", "2mobile"}})
	o.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(s.reader), sdkmetric.WithCardinalityLimit(0))
	var err error
	if s.telemetry, err = cognitootel.New(o); err != nil {
		t.Fatal(err)
	}
	cfg := s.pool.Config()
	if change != nil {
		change(&cfg)
	}
	cfg.OnDecision = s.telemetry.OnDecision(cfg.OnDecision)
	if s.auth, err = cognitoauth.New(cfg); err != nil {
		t.Fatal(err)
	}
	s.stop = s.telemetry.Observe(s.auth)
	return s
}

// handler is the API behind Wrap.
func (s *service) handler() http.Handler {
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(ok))
	mux.Handle("GET /feed", cognitoauth.Optional(ok))
	mux.Handle("/me", ok)
	mux.Handle("api.example.com/tenants/{id}", ok)
	mux.Handle("POST /orders/{id}", cognitoauth.Require(cognitoauth.Scope("orders/write"), ok))
	mux.Handle("DELETE /orders/{id}", cognitoauth.Require(cognitoauth.Group("admins"), ok))
	mux.Handle("/files/{name}/", ok) // the mux redirects /files/x
	return s.auth.Wrap(mux)
}

// send sends a request, with the token unless it is "".
func (s *service) send(method, target, token string) {
	s.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	s.handler().ServeHTTP(httptest.NewRecorder(), r)
}

// collect returns the metrics by name.
func (s *service) collect() map[string]metricdata.Metrics {
	s.t.Helper()
	var rm metricdata.ResourceMetrics
	if err := s.reader.Collect(context.Background(), &rm); err != nil {
		s.t.Fatal(err)
	}
	all := make(map[string]metricdata.Metrics)
	for _, scope := range rm.ScopeMetrics {
		if scope.Scope.Name != "github.com/cognitoauth/cognitoauth/contrib/otel" {
			s.t.Errorf("scope %q", scope.Scope.Name)
		}
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

// points returns the value of each series of a metric, by its attributes
// "name=value,…" in the order of their names. Of a histogram it is the count.
func points(m metricdata.Metrics) map[string]float64 {
	all := make(map[string]float64)
	text := func(s attribute.Set) string { return s.Encoded(attribute.DefaultEncoder()) }
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			all[text(p.Attributes)] = float64(p.Value)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			all[text(p.Attributes)] = p.Value
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			all[text(p.Attributes)] = float64(p.Count)
		}
	}
	return all
}

func (s *service) want(metric string, want map[string]float64) {
	s.t.Helper()
	got := points(s.collect()[metric])
	for attributes, value := range want {
		if v, ok := got[attributes]; !ok || v != value {
			s.t.Errorf("%s{%s} is %v (there: %t), want %v", metric, attributes, v, ok, value)
		}
		delete(got, attributes)
	}
	for attributes, value := range got {
		s.t.Errorf("%s{%s} is %v, want no such series", metric, attributes, value)
	}
}

// TestInstruments compares the instruments with the rules of the semantic
// conventions ("Metrics", "Naming"): durations in seconds in a histogram, counted
// things in braces and singular, nothing of the unit or "total" in the name, no
// namespace in the plural, a counter for what only grows and an up-down counter for
// the size of a set.
func TestInstruments(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	s.send("GET", "/me", s.pool.AccessToken().String())
	got := s.collect()
	for _, want := range []struct {
		name, unit string
		is         func(metricdata.Aggregation) bool
	}{
		{"cognitoauth.authentication.duration", "s", isHistogram},
		{"cognitoauth.authorization.attempts", "{attempt}", isCounter},
		{"cognitoauth.key_set.age", "s", isGauge},
		{"cognitoauth.key.count", "{key}", isUpDownCounter},
		{"cognitoauth.key_set.fetches", "{fetch}", isCounter},
		{"cognitoauth.key_set.fetch.failures", "{fetch}", isCounter},
	} {
		m, ok := got[want.name]
		if !ok || m.Unit != want.unit || !want.is(m.Data) || !strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: there %t, unit %q (want %q), %T, %q", want.name, ok, m.Unit, want.unit, m.Data, m.Description)
		}
		namespaces := strings.Split(want.name, ".")
		for _, n := range namespaces[:len(namespaces)-1] {
			if strings.HasSuffix(n, "s") {
				t.Errorf("%s: the namespace %s is a plural", want.name, n)
			}
		}
		delete(got, want.name)
	}
	for name := range got {
		t.Errorf("metric %s is in no table", name)
	}
}

func isHistogram(a metricdata.Aggregation) bool {
	_, ok := a.(metricdata.Histogram[float64])
	return ok
}

func isGauge(a metricdata.Aggregation) bool {
	_, ok := a.(metricdata.Gauge[float64])
	return ok
}

func isCounter(a metricdata.Aggregation) bool {
	sum, ok := a.(metricdata.Sum[int64])
	return ok && sum.IsMonotonic
}

func isUpDownCounter(a metricdata.Aggregation) bool {
	sum, ok := a.(metricdata.Sum[int64])
	return ok && !sum.IsMonotonic
}

const pool, web = "cognitoauth.pool.id=eu-west-1_AbCdEf123", "cognitoauth.client.id=1web"

// decisions are requests and the attributes that each of them has. Names come from the
// semantic conventions (http.request.method, http.route without method and host,
// error.type on failure only) and from the table in doc.go; codes from the library's
// reference.
var decisions = []struct {
	name, method, target string
	token                func(*cognitotest.Pool) string
	duration, attempt    string
}{
	{"admitted", "GET", "/me", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success," + web + "," + pool + ",http.request.method=GET,http.route=/me"},
	{"pattern with a host", "GET", "http://api.example.com/tenants/7", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success," + web + "," + pool + ",http.request.method=GET,http.route=/tenants/{id}"},
	{"method nobody knows", "BREW", "/me", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success," + web + "," + pool + ",http.request.method=_OTHER,http.route=/me"},
	{"method in lower case", "get", "/me", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success," + web + "," + pool + ",http.request.method=_OTHER,http.route=/me"},
	{"QUERY", "QUERY", "/me", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success," + web + "," + pool + ",http.request.method=QUERY,http.route=/me"},

	{"open route", "GET", "/healthz", nothing,
		"cognitoauth.authentication.result=none",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=success,http.request.method=GET,http.route=/healthz"},
	{"optional route without a token", "GET", "/feed", nothing,
		"cognitoauth.authentication.result=none",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=success,http.request.method=GET,http.route=/feed"},
	{"no token", "GET", "/me", nothing,
		"cognitoauth.authentication.result=none",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=failure,error.type=token_missing,http.request.method=GET,http.route=/me"},
	{"no such route", "GET", "/nowhere", nothing,
		"cognitoauth.authentication.result=none",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=failure,error.type=token_missing,http.request.method=GET"},

	{"expired", "GET", "/me", func(p *cognitotest.Pool) string { return p.AccessToken().ExpiresIn(-3600e9).String() },
		"cognitoauth.authentication.result=failure,error.type=token_expired",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=failure," + pool + ",error.type=token_expired,http.request.method=GET,http.route=/me"},
	{"revoked", "GET", "/me", func(p *cognitotest.Pool) string { return p.AccessToken().User("gone").String() },
		"cognitoauth.authentication.result=failure,error.type=token_revoked",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=failure," + web + "," + pool + ",error.type=token_revoked,http.request.method=GET,http.route=/me"},
	{"of another client", "GET", "/me", func(p *cognitotest.Pool) string { return p.AccessToken().Client("3other").String() },
		"cognitoauth.authentication.result=failure,error.type=client_mismatch",
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=failure," + pool + ",error.type=client_mismatch,http.request.method=GET,http.route=/me"},

	{"scope missing", "POST", "/orders/7", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		`cognitoauth.authenticated=true,cognitoauth.authorization.policy=Scope("orders/write"),cognitoauth.authorization.result=failure,` + web + "," + pool + ",error.type=scope_missing,http.request.method=POST,http.route=/orders/{id}"},
	{"group missing", "DELETE", "/orders/7", access,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false",
		`cognitoauth.authenticated=true,cognitoauth.authorization.policy=Group("admins"),cognitoauth.authorization.result=failure,` + web + "," + pool + ",error.type=group_missing,http.request.method=DELETE,http.route=/orders/{id}"},
}

func TestDecisions(t *testing.T) {
	for _, test := range decisions {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
				cfg.Revoked = func(_ context.Context, c *cognitoauth.Claims) (bool, error) { return c.Username == "gone", nil }
			})
			s.send(test.method, test.target, test.token(s.pool))
			s.want("cognitoauth.authentication.duration", map[string]float64{test.duration: 1})
			s.want("cognitoauth.authorization.attempts", map[string]float64{test.attempt: 1})
		})
	}
}

func access(p *cognitotest.Pool) string { return p.AccessToken().String() }
func nothing(*cognitotest.Pool) string  { return "" }

func TestRememberedTokens(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	token := s.pool.AccessToken().String()
	for range 4 {
		s.send("GET", "/me", token)
	}
	s.want("cognitoauth.authentication.duration", map[string]float64{
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=false": 1,
		"cognitoauth.authentication.result=success,cognitoauth.token.remembered=true":  3,
	})
}

// TestDurationIsInSeconds compares the sum with the durations of the decisions.
func TestDurationIsInSeconds(t *testing.T) {
	var spent float64
	s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
		cfg.OnDecision = func(_ context.Context, d cognitoauth.Decision) { spent += float64(d.Duration.Nanoseconds()) / 1e9 }
	})
	s.send("GET", "/me", s.pool.AccessToken().String())
	h := s.collect()["cognitoauth.authentication.duration"].Data.(metricdata.Histogram[float64])
	if got := h.DataPoints[0].Sum; got != spent || spent == 0 {
		t.Errorf("the sum is %v, want %v", got, spent)
	}
	if b := h.DataPoints[0].Bounds; !slices.IsSorted(b) || b[0] > 2e-6 || b[len(b)-1] < 3 {
		t.Errorf("the buckets are %v, want them from a remembered token to a wait for keys", b)
	}
}

func TestKnownMethods(t *testing.T) {
	s := start(t, cognitootel.Options{KnownMethods: []string{"BREW"}, WithoutPools: true, WithoutClients: true}, nil)
	token := s.pool.AccessToken().String()
	s.send("BREW", "/me", token)
	s.send("GET", "/me", token) // the list is a full override (semantic conventions, http.request.method)
	s.want("cognitoauth.authorization.attempts", map[string]float64{
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success,http.request.method=BREW,http.route=/me":   1,
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success,http.request.method=_OTHER,http.route=/me": 1,
	})
	if _, err := cognitootel.New(cognitootel.Options{KnownMethods: []string{"GET", ""}}); err == nil || !strings.Contains(err.Error(), "KnownMethods[1]") {
		t.Errorf("an empty method: %v", err)
	}
}

// TestUnlistedClientsAreNotNamed: any client of the pool may call, also one that
// registers itself, so their number has no limit.
func TestUnlistedClientsAreNotNamed(t *testing.T) {
	s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
		cfg.Pools[0].ClientIDs, cfg.Pools[0].DangerouslyAllowAnyClient = nil, true
	})
	for _, client := range []string{"7a", "7b", "7c"} {
		s.send("GET", "/me", s.pool.AccessToken().Client(client).String())
	}
	s.want("cognitoauth.authorization.attempts", map[string]float64{
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success,cognitoauth.pool.id=eu-west-1_AbCdEf123,http.request.method=GET,http.route=/me": 3,
	})
}

// TestStrangersAddNoSeries: whatever callers without a good token write, they add no
// series beyond those of the routes, the known methods and the codes.
func TestStrangersAddNoSeries(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	var before map[string]int
	for i := range 8 {
		n := strconv.Itoa(i)
		tokens := []string{
			"", "x" + n, "eyJ" + n + ".e30.e30",
			s.pool.AccessToken().ExpiresIn(-time.Hour).User("u" + n).String(),
			s.pool.AccessToken().Set("iss", "https://"+n+".example").String(),
			s.pool.AccessToken().Client("c" + n).String(),
			s.pool.AccessToken().SetHeader("kid", "k"+n).String(),
		}
		for _, target := range []string{"/nowhere/" + n, "/orders/" + n, "http://h" + n + ".example/me", "http://api.example.com/tenants/" + n, "/files/" + n} {
			for _, method := range []string{"POST", "M" + n, "CONNECT"} {
				for _, token := range tokens {
					s.send(method, target, token)
				}
			}
		}
		series := make(map[string]int)
		for name, m := range s.collect() {
			series[name] = len(points(m))
		}
		if i == 0 {
			before = series
		} else if !maps.Equal(series, before) {
			t.Fatalf("series after round %d: %v, after the first %v", i, series, before)
		}
	}
}

// TestAmbientTokenThatCountsAsNone: the request is let through, but a token failed.
func TestAmbientTokenThatCountsAsNone(t *testing.T) {
	s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
		cfg.TokenSource, cfg.IgnoreBadAmbientToken = cognitoauth.FromCookie("session"), true
	})
	r := httptest.NewRequest("GET", "/feed", nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: s.pool.AccessToken().ExpiresIn(-3600e9).String()})
	s.handler().ServeHTTP(httptest.NewRecorder(), r)
	s.want("cognitoauth.authentication.duration", map[string]float64{"cognitoauth.authentication.result=failure,error.type=token_expired": 1})
	s.want("cognitoauth.authorization.attempts", map[string]float64{
		"cognitoauth.authenticated=false,cognitoauth.authorization.result=success,http.request.method=GET,http.route=/feed": 1,
	})
}

// TestAdmit: a call of gRPC has no HTTP route.
func TestAdmit(t *testing.T) {
	s := start(t, cognitootel.Options{WithoutPools: true, WithoutClients: true}, nil)
	metadata := http.Header{"Authorization": {"Bearer " + s.pool.AccessToken().String()}}
	if _, err := s.auth.Admit(context.Background(), metadata, "/orders.Orders/Create", cognitoauth.Authenticated()); err != nil {
		t.Fatal(err)
	}
	s.want("cognitoauth.authorization.attempts", map[string]float64{
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success,cognitoauth.route=/orders.Orders/Create": 1,
	})
}

// TestAuthorize: a refusal by hand is a second decision about the request, and has its
// method and route, also if Authorize does not get the request.
func TestAuthorize(t *testing.T) {
	s := start(t, cognitootel.Options{WithoutPools: true, WithoutClients: true}, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(_ http.ResponseWriter, r *http.Request) {
		for _, r2 := range []*http.Request{r, nil} {
			if err := s.auth.Authorize(r.Context(), r2, cognitoauth.Group("owners")); err == nil {
				t.Error("the group is not asked for")
			}
		}
	})
	r := httptest.NewRequest("GET", "/orders/7", nil)
	r.Header.Set("Authorization", "Bearer "+s.pool.AccessToken().String())
	s.auth.Wrap(mux).ServeHTTP(httptest.NewRecorder(), r)
	s.want("cognitoauth.authorization.attempts", map[string]float64{
		"cognitoauth.authenticated=true,cognitoauth.authorization.result=success,http.request.method=GET,http.route=/orders/{id}":                                                                           1,
		`cognitoauth.authenticated=true,cognitoauth.authorization.policy=Group("owners"),cognitoauth.authorization.result=failure,error.type=group_missing,http.request.method=GET,http.route=/orders/{id}`: 2,
	})
}

// TestNextSeesTheDecision: whatever was in OnDecision before goes on.
func TestNextSeesTheDecision(t *testing.T) {
	type key struct{}
	var got []string
	s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
		cfg.OnDecision = func(ctx context.Context, d cognitoauth.Decision) {
			got = append(got, ctx.Value(key{}).(string)+" "+d.Code)
		}
	})
	r := httptest.NewRequest("GET", "/me", nil)
	s.handler().ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), key{}, "here")))
	if !slices.Equal(got, []string{"here token_missing"}) {
		t.Errorf("next was called with %q", got)
	}
}
