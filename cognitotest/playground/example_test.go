package playground_test

import (
	"log"
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
)

// A development build of an API, with a pool of its own and the page beside it.
func Example() {
	clock := new(playground.Clock)
	pool, err := cognitotest.Start(cognitotest.Options{Now: clock.Now})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	cfg := pool.Config()
	cfg.OnDecision = playground.Watch
	auth, err := cognitoauth.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("POST /orders", cognitoauth.Require(cognitoauth.Scope("orders/write"), http.NotFoundHandler()))
	api := auth.Wrap(mux)

	page, err := playground.New(playground.Config{
		Auth:   auth,
		API:    api,
		Routes: []playground.Route{{Method: "POST", Path: "/orders", About: "Orders something"}},
		Pool:   pool,
		Tokens: []playground.Token{
			{Name: "jane", About: "has signed in", Issue: (*cognitotest.Pool).AccessToken},
			{Name: "omar", About: "may order", Issue: func(p *cognitotest.Pool) *cognitotest.Token {
				return p.AccessToken().User("omar").Scopes("orders/write")
			}},
		},
		Clock: clock,
	})
	if err != nil {
		log.Fatal(err)
	}
	front := http.NewServeMux()
	front.Handle("/playground/", page)
	front.Handle("/", api)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", front))
}
