package cognitoauth_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// exp is rounded down, nbf and iat up, and now == exp + leeway is expired (RFC
// 7519, sections 4.1.4 to 4.1.6).
func TestValidate_timeBoundaries(t *testing.T) {
	t.Parallel()
	for _, leeway := range []time.Duration{1, 30 * time.Second} {
		for _, late := range []time.Duration{0, 1, 500 * time.Millisecond} {
			now := lab.Noon.Add(late)
			d := newDesk(t, func(c *cognitoauth.Config) {
				c.Leeway, c.Now = leeway, func() time.Time { return now }
			})
			parser := newRival(t, d.pool.KeySet(), func() time.Time { return now }, leeway)
			edge := int64(leeway / time.Second)
			for half := int64(-3); half <= 3; half++ {
				past, future := lab.Noon.Unix()*2-edge*2+half, lab.Noon.Unix()*2+edge*2+half
				rows := []struct {
					claim   string
					halves  int64 // the value, in half seconds
					refused bool
					code    string
				}{
					{"exp", past, !now.Before(time.Unix(floorHalf(past), 0).Add(leeway)), "token_expired"},
					{"nbf", future, time.Unix(-floorHalf(-future), 0).After(now.Add(leeway)), "token_not_yet_valid"},
					{"iat", future, time.Unix(-floorHalf(-future), 0).After(now.Add(leeway)), "token_issued_in_future"},
				}
				for _, row := range rows {
					value := fmt.Sprintf("%d.%d", row.halves/2, row.halves%2*5)
					code, signed := offer(t, d, d.pool.AccessToken().Set(row.claim, json.RawMessage(value)))
					if row.refused && code != row.code || !row.refused && code != "" {
						t.Errorf("%s %s, now %s, leeway %s: code %q, refused should be %v", row.claim, value, now.Format("05.000000000"), leeway, code, row.refused)
					}
					if code == "" && !parser.accepts(signed) {
						t.Errorf("%s %s: accepted, and refused by jwt.Parser", row.claim, value)
					}
				}
			}
		}
	}
}

func TestValidate_refusesClaims(t *testing.T) {
	d := newDesk(t)
	user, machine, id := d.pool.AccessToken(), d.pool.MachineToken(), d.pool.IDToken()
	client := d.pool.ClientID()
	checkCodes(t, d, []tokenRow{
		{"no iss", user.Delete("iss").String(), "issuer_mismatch"},
		{"iss empty", user.Set("iss", "").String(), "issuer_mismatch"},
		{"no token_use", user.Delete("token_use").String(), "token_use_mismatch"},
		{"token_use in capitals", user.Set("token_use", "ACCESS").String(), "token_use_mismatch"},

		{"no client_id, aud in its place", user.Delete("client_id").Set("aud", client).String(), "client_mismatch"},
		{"client_id empty", user.Set("client_id", "").String(), "client_mismatch"},
		{"client_id with a space behind it", user.Set("client_id", client+" ").String(), "client_mismatch"},
		{"machine of another client", machine.Client("another").String(), "client_mismatch"},
		{"ID token without aud, client_id in its place", id.Delete("aud").Set("client_id", client).String(), "client_mismatch"},
		{"ID token for another client", id.Client("another").String(), "client_mismatch"},
		{"ID token with empty aud", id.Set("aud", "").String(), "client_mismatch"},
		{"ID token with an empty list of aud", id.Set("aud", []string{}).String(), "client_mismatch"},
		{"ID token for two clients", id.Set("aud", []string{client, "another"}).String(), "client_mismatch"},
		{"ID token with aud in a list", id.Set("aud", []string{client}).String(), "client_mismatch"},
		{"ID token with aud repeated", id.Set("aud", []string{client, client}).String(), "client_mismatch"},

		{"user without sub", user.Delete("sub").String(), "subject_missing"},
		{"user with an empty name without sub", user.Delete("sub").Set("username", "").String(), "subject_missing"},
		{"ID token without sub", id.Delete("sub").String(), "subject_missing"},
	})
}

// aud on access tokens, in full: columns are a user's token without
// Audiences and with, a machine's without and with.
func TestValidate_audience(t *testing.T) {
	const api, other = `"https://api.example"`, `"https://other.example"`
	const client, neighbour = `"1example23456789"`, `"2example23456789"`
	rows := []struct {
		aud  string // "": none
		want string // + accepted, - audience_mismatch, ! claims_malformed
	}{
		{"", "+-++"},
		{api, "-+-+"},
		{other, "----"},
		{client, "+-++"},
		{neighbour, "----"},
		{`""`, "----"},
		{`[]`, "----"},
		{`[""]`, "----"},
		{`[` + api + `]`, "-+-+"},
		{`[` + other + `]`, "----"},
		{`[` + other + `,` + api + `]`, "-+-+"},
		{`[` + api + `,""]`, "----"},
		{`["",` + api + `]`, "----"},
		{`[` + client + `]`, "+-++"},
		{`[` + client + `,` + other + `]`, "+-++"},
		{`[` + other + `,` + client + `]`, "+-++"},
		{`[` + client + `,""]`, "----"},
		{`["",` + client + `]`, "----"},
		{`[` + client + `,` + api + `]`, "++++"},
		{`"https://api2.example"`, "-+-+"},
		{`"https://API.example"`, "----"},
		{`"https://api.example/"`, "----"},
		{`"https://api.example https://api2.example"`, "----"},
		{`" "`, "----"},
		{`null`, "!!!!"},
		{`1`, "!!!!"},
		{`true`, "!!!!"},
		{`{}`, "!!!!"},
		{`[null]`, "!!!!"},
		{`[` + api + `,1]`, "!!!!"},
		{`[[` + api + `]]`, "!!!!"},
	}
	codes := map[byte]string{'+': "", '-': "audience_mismatch", '!': "claims_malformed"}
	pool := cognitotest.NewPool(t, cognitotest.Options{Now: lab.AtNoon, InProcess: true, ClientIDs: []string{"1example23456789", "2example23456789"}})
	without := lab.MustNew(t, pool.Config())
	with := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
		c.Pools[0].Audiences = []string{"https://api.example", "https://api2.example"}
	})
	for _, row := range rows {
		for i := range row.want {
			token := []*cognitotest.Token{pool.AccessToken(), pool.MachineToken()}[i/2]
			if row.aud != "" {
				token = token.Set("aud", json.RawMessage(row.aud))
			}
			if code := lab.Decide(t, []*cognitoauth.Middleware{without, with}[i%2], token.String()); code != codes[row.want[i]] {
				t.Errorf("aud %s, column %d: code %q, want %q", row.aud, i, code, codes[row.want[i]])
			}
		}
	}
}

func TestValidate_lifetime(t *testing.T) {
	const day = 24 * time.Hour
	rows := []struct {
		name   string
		limit  time.Duration
		iat    time.Duration // from noon
		exp    time.Duration
		accept bool
	}{
		{"a day and the leeway", 0, 0, day + 30*time.Second, true},
		{"a second more", 0, 0, day + 31*time.Second, false},
		{"a day long, half of it gone", 0, -12 * time.Hour, 12*time.Hour + 30*time.Second, true},
		{"longer, nearly all of it gone", 0, -day, 31 * time.Second, false},
		{"an hour and the leeway", time.Hour, 0, time.Hour + 30*time.Second, true},
		{"more than the hour that is allowed", time.Hour, 0, time.Hour + 31*time.Second, false},
		{"two days where three are allowed", 3 * day, 0, 2 * day, true},
		{"longer than a Duration can count", 36500 * day, -200 * 365 * day, 200 * 365 * day, false},
	}
	for _, row := range rows {
		d := newDesk(t, func(c *cognitoauth.Config) { c.Pools[0].MaxLifetime = row.limit })
		token := d.pool.AccessToken().Set("iat", lab.Noon.Add(row.iat)).Set("exp", lab.Noon.Add(row.exp))
		want := map[bool]string{false: "lifetime_too_long"}[row.accept]
		if code := lab.Decide(t, d.auth, token.String()); code != want {
			t.Errorf("%s: code %q, want %q", row.name, code, want)
		}
		if row.iat != 0 {
			continue
		}
		if code := lab.Decide(t, d.auth, token.Delete("iat").String()); code != want {
			t.Errorf("%s, counted from now: code %q, want %q", row.name, code, want)
		}
	}
	d := newDesk(t)
	for _, exp := range []string{fmt.Sprint(lab.Noon.Add(time.Hour).UnixMilli()), "9007199254740991", "253402300800"} {
		if code := lab.Decide(t, d.auth, d.pool.AccessToken().Set("exp", json.RawMessage(exp)).String()); code != "lifetime_too_long" {
			t.Errorf("exp %s: code %q", exp, code)
		}
	}
}
