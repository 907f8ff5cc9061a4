package caep_test

import (
	"log"
	"net/http"
	"os"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/caep"
)

// An identity provider pushes its events to POST /events, beside the protected API.
func ExampleNew() {
	keySet, err := os.ReadFile("transmitter-jwks.json")
	if err != nil {
		log.Fatal(err)
	}
	keys, err := caep.StaticKeys(keySet)
	if err != nil {
		log.Fatal(err)
	}
	var list *revocation.List // made by revocation.New
	var api http.Handler      // protected by Middleware.Wrap
	receiver, err := caep.New(caep.Config{
		Issuer: "https://idp.example.com/", Audience: "https://api.example.com/events", Keys: keys,
		Pools:  map[string]string{"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_EXAMPLE01": "eu-west-1_EXAMPLE01"},
		Revoke: list.Revoke,
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /events", receiver)
	mux.Handle("/", api)
}
