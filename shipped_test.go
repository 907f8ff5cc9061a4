package cognitoauth_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// plainly is a transport of one's own in front of the test kit's.
type plainly struct{ http.RoundTripper }

// The keys of NewPool are public: a Pool that the program has written itself
// trusts none of them, wherever they come from, and one that the test kit made
// does. The door is open for that one alone, not for the process.
func TestShippedKeys(t *testing.T) {
	pool := cognitotest.NewPool(t, cognitotest.Options{})
	token := pool.AccessToken().String()
	real := func(change func(*cognitoauth.Config)) cognitoauth.Config {
		c := cognitoauth.Config{Pools: []cognitoauth.Pool{{ID: pool.ID(), ClientIDs: []string{pool.ClientID()}}}}
		change(&c)
		return c
	}
	const why = "it is a test key of package cognitotest, and anybody has its private half"

	_, err := cognitoauth.New(real(func(c *cognitoauth.Config) { c.Pools[0].JWKS = pool.KeySet() }))
	if err == nil || !strings.Contains(err.Error(), "Config.Pools[0].JWKS") || !strings.Contains(err.Error(), why) {
		t.Errorf("a static set: %v", err)
	}
	fresh, err := cognitotest.Start(cognitotest.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	_, err = cognitoauth.New(real(func(c *cognitoauth.Config) { c.HTTPClient, c.Pools[0].JWKS = fresh.Client(), pool.KeySet() }))
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("a static set beside the client of a pool with fresh keys: %v", err)
	}
	down := lab.MustNew(t, real(func(c *cognitoauth.Config) { c.Pools[0].JWKSURL = "http://127.0.0.1:1/keys" }))
	if err := down.Ready(t.Context()); err == nil || strings.Contains(err.Error(), "panic") {
		t.Errorf("without an answer: %v", err)
	}
	for _, row := range []struct {
		name string
		cfg  cognitoauth.Config
		code string
	}{
		{"fetched by a program", real(func(c *cognitoauth.Config) { c.Pools[0].JWKSURL = pool.JWKSURL() }), "keys_unavailable"},
		{"fetched through a transport of the program's own", real(func(c *cognitoauth.Config) {
			c.HTTPClient = &http.Client{Transport: plainly{pool.Client().Transport}}
		}), "keys_unavailable"},
		{"the kit's configuration", pool.Config(), ""},
		{"the kit's client", real(func(c *cognitoauth.Config) { c.HTTPClient = pool.Client() }), ""},
		{"the kit's client, a static set", real(func(c *cognitoauth.Config) { c.HTTPClient, c.Pools[0].JWKS = pool.Client(), pool.KeySet() }), ""},
		{"beside the kit's configuration of the same keys", func() cognitoauth.Config {
			c := pool.Config()
			c.Pools[0].TokenUse = cognitoauth.IDToken
			c.Pools = append(c.Pools, cognitoauth.Pool{ID: pool.ID(), ClientIDs: []string{pool.ClientID()}, JWKSURL: pool.JWKSURL()})
			return c
		}(), "keys_unavailable"},
	} {
		auth := lab.MustNew(t, row.cfg)
		_, err := auth.Validate(t.Context(), token)
		code, detail := "", ""
		if err != nil {
			code, detail = lab.AsRefusal(t, err).Code, lab.AsRefusal(t, err).Detail()
		}
		if code != row.code || code != "" && !strings.Contains(detail, why) {
			t.Errorf("%s: %q, %s; want %q", row.name, code, detail, row.code)
		}
	}
}

// One shipped key costs that key and not the set, and the log says why.
func TestShippedKeys_besideOthers(t *testing.T) {
	shipped := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
	fresh, err := cognitotest.Start(cognitotest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	mine, theirs := fresh.AccessToken(), shipped.AccessToken()
	set := lab.KeySet(lab.JWK(mine.KeyID(), mine.Key()), lab.JWK("leaked", theirs.Key()))
	fresh.SetFault(cognitotest.Fault{Body: set})
	forged := mine.SetHeader("kid", "leaked").SignedBy(theirs.Key()).String()
	skipped := make(skippedKeys, 1)
	for _, static := range []bool{false, true} {
		auth := lab.MustNew(t, fresh.Config(), func(c *cognitoauth.Config) {
			c.Logger = slog.New(skipped)
			if static {
				c.Pools[0].JWKS, c.Pools[0].JWKSURL = set, ""
			}
		})
		if code := lab.Decide(t, auth, mine.String()); code != "" {
			t.Errorf("static %t: the fresh key: %q", static, code)
		}
		if code := lab.Decide(t, auth, forged); code != "key_unknown" {
			t.Errorf("static %t: the shipped key: %q", static, code)
		}
		if s := auth.Status()[0]; s.Skipped != 1 || len(s.KeyIDs) != 1 {
			t.Errorf("static %t: %+v", static, s)
		}
	}
	select {
	case got := <-skipped:
		if !strings.Contains(got, `kid "leaked"`) || !strings.Contains(got, "test key of package cognitotest") {
			t.Errorf("logged %s", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("nothing was logged")
	}
}

// skippedKeys gets the records of the fetches, which say why keys are skipped.
type skippedKeys chan string

func (skippedKeys) Enabled(context.Context, slog.Level) bool { return true }
func (h skippedKeys) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h skippedKeys) WithGroup(string) slog.Handler          { return h }
func (h skippedKeys) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "cognitoauth: key set fetched" {
		var text string
		r.Attrs(func(a slog.Attr) bool { text += a.String() + " "; return true })
		h <- text
	}
	return nil
}
