package cognitoauth_test

import (
	"slices"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/internal/proof/lab"
)

// Issuers by configuration, spelled out from the Cognito guide's endpoint
// reference. The last column is where keys are asked for.
func TestValidate_issuers(t *testing.T) {
	const euc, id = "https://cognito-idp.eu-central-1.amazonaws.com", "eu-central-1_Ab12Cd34E"
	rows := []struct {
		name, id string
		change   func(*cognitoauth.Pool)
		iss      string
		from     string // "" refuses
	}{
		{"original form", id, nil, euc + "/" + id, euc},
		{"updated form", id, nil, "https://issuer-cognito-idp.eu-central-1.amazonaws.com/" + id, euc},
		{"China", "cn-north-1_Ab12Cd34E", nil, "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab12Cd34E", "https://cognito-idp.cn-north-1.amazonaws.com.cn"},
		{"China under the other suffix", "cn-north-1_Ab12Cd34E", nil, "https://cognito-idp.cn-north-1.amazonaws.com/cn-north-1_Ab12Cd34E", ""},
		{"GovCloud", "us-gov-west-1_Ab12Cd34E", nil, "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Ab12Cd34E", "https://cognito-idp.us-gov-west-1.amazonaws.com"},
		{"European Sovereign Cloud", "eusc-de-east-1_Ab12Cd34E", nil, "https://cognito-idp.eusc-de-east-1.amazonaws.eu/eusc-de-east-1_Ab12Cd34E", "https://cognito-idp.eusc-de-east-1.amazonaws.eu"},

		{"another pool", id, nil, euc + "/eu-central-1_Ab12Cd34F", ""},
		{"another pool's name in other case", id, nil, euc + "/eu-central-1_AB12CD34E", ""},
		{"with a slash behind it", id, nil, euc + "/" + id + "/", ""},
		{"over http", id, nil, "http://cognito-idp.eu-central-1.amazonaws.com/" + id, ""},
		{"an identity pool's", id, nil, "https://cognito-identity.amazonaws.com", ""},

		{"a replica region", id, replicatedTo("eu-west-1", "us-east-1"), "https://cognito-idp.us-east-1.amazonaws.com/" + id, "https://cognito-idp.us-east-1.amazonaws.com"},
		{"the primary beside replicas", id, replicatedTo("eu-west-1"), euc + "/" + id, euc},
		{"the updated form beside replicas", id, replicatedTo("eu-west-1"), "https://issuer-cognito-idp.eu-central-1.amazonaws.com/" + id, euc},
		{"the updated form of a replica", id, replicatedTo("eu-west-1"), "https://issuer-cognito-idp.eu-west-1.amazonaws.com/" + id, ""},
		{"a region that is no replica", id, replicatedTo("eu-west-1"), "https://cognito-idp.eu-west-2.amazonaws.com/" + id, ""},
		{"a replica that is not configured", id, nil, "https://cognito-idp.eu-west-1.amazonaws.com/" + id, ""},

		{"an emulator", "local_2Ab4", issuedBy("http://localhost:9229/local_2Ab4"), "http://localhost:9229/local_2Ab4", "http://localhost:9229"},
		{"AWS beside an emulator", id, issuedBy("https://example.com/" + id), euc + "/" + id, ""},
		{"one form pinned", id, issuedBy(euc + "/" + id), euc + "/" + id, euc},
		{"the other form, where one is pinned", id, issuedBy(euc + "/" + id), "https://issuer-cognito-idp.eu-central-1.amazonaws.com/" + id, ""},
		{"keys from elsewhere", id, func(p *cognitoauth.Pool) { p.JWKSURL = "https://keys.example/" + id + "/.well-known/jwks.json" }, euc + "/" + id, "https://keys.example"},
		{"an emulator's keys from elsewhere", id, func(p *cognitoauth.Pool) {
			p.Issuer, p.JWKSURL = "https://example.com/"+id, "http://127.0.0.1:1/"+id+"/.well-known/jwks.json"
		}, "https://example.com/" + id, "http://127.0.0.1:1"},
	}
	for _, row := range rows {
		pool := cognitotest.NewPool(t, cognitotest.Options{ID: row.id, InProcess: true, Now: lab.AtNoon})
		auth := lab.MustNew(t, pool.Config(), func(c *cognitoauth.Config) {
			if row.change != nil {
				row.change(&c.Pools[0])
			}
		})
		code := lab.Decide(t, auth, pool.AccessToken().Set("iss", row.iss).String())
		var want []string
		if row.from != "" {
			want = []string{row.from + "/" + row.id + "/.well-known/jwks.json"}
		}
		if accept := row.from != ""; accept && code != "" || !accept && code != "issuer_mismatch" || !slices.Equal(pool.Requests(), want) {
			t.Errorf("%s: code %q, asked %q", row.name, code, pool.Requests())
		}
		pool.Close()
	}
}
