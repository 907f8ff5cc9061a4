package main

import (
	"net/http"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	"github.com/cognitoauth/cognitoauth/cognitotest/playground"
)

// routes are those of newAPI, as the playground calls them.
var routes = []playground.Route{
	{Method: "GET", Path: "/healthz", About: "Says that the API runs"},
	{Method: "GET", Path: "/me", About: "Says who calls"},
	{Method: "POST", Path: "/orders", About: "Orders something"},
	{Method: "GET", Path: "/reports", About: "Is for administrators"},
}

// withFront puts what is no part of the API in front of it: the playground, and
// with an embedded pool the token endpoint, GET /token/jane. They stay outside of
// Wrap, since nobody has a token yet who asks for one. A mux with the API at "/"
// would redirect unclean paths before Wrap sees them, so this one is asked about
// its own paths only, and the API gets every other request as it came.
func withFront(auth *cognitoauth.Middleware, api http.Handler, pool *cognitotest.Pool, clock *playground.Clock) (http.Handler, error) {
	c := playground.Config{Auth: auth, API: api, Routes: routes, Pool: pool, Clock: clock}
	front := http.NewServeMux()
	if pool != nil {
		front.Handle("/token/{name}", tokens{pool})
		for _, t := range issued {
			c.Tokens = append(c.Tokens, playground.Token{Name: t.name, About: t.about, Issue: t.issue})
		}
	}
	page, err := playground.New(c)
	if err != nil {
		return nil, err
	}
	front.Handle("/playground/", page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := front.Handler(r); pattern != "" {
			front.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	}), nil
}
