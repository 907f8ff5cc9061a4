// Package login is a stub of Cognito's managed login: the endpoints authorize,
// token, revoke and logout, and the discovery document, as the developer guide has
// them under "Managed login endpoints". It signs with a pool of the test kit, asks
// nobody for a password, and is for loopback only.
package login

import (
	"net/http"
	"sync"
	"time"

	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// Client is an app client. All of them are public: they have no secret, and so need
// PKCE.
type Client struct {
	ID string
	// Callbacks and SignOuts are the URLs that may follow a sign-in and a sign-out,
	// to the letter.
	Callbacks, SignOuts []string
	// Scopes are those that the client may ask for.
	Scopes []string
	// Origins may read the answers of the token endpoint from a script.
	Origins []string
}

// Config says what the stub serves.
type Config struct {
	Pool    *cognitotest.Pool
	Clients []Client
	// URL is where the stub is served, without a slash at the end.
	URL string
	// AccessTokens is how long access tokens live. Zero: an hour.
	AccessTokens time.Duration
	// Groups returns the groups of a user; nil: nobody is in any.
	Groups func(user string) []string
}

// Server is the stub. Make one with New.
type Server struct {
	Config

	mu       sync.Mutex
	codes    map[string]*grant // until they are used
	refresh  map[string]*grant
	sessions map[string]*session // by the value of the cookie
}

// session is a sign-in that the browser's cookie names.
type session struct {
	user string
	at   time.Time
}

// grant is what a code or a refresh token stands for.
type grant struct {
	client, redirect, challenge, nonce string
	scopes                             []string
	user, origin                       string // origin_jti
	at                                 time.Time
	until                              time.Time
}

// New returns a stub.
func New(c Config) *Server {
	if c.AccessTokens == 0 {
		c.AccessTokens = time.Hour
	}
	return &Server{Config: c, codes: map[string]*grant{}, refresh: map[string]*grant{}, sessions: map[string]*session{}}
}

// codeTime is how long a code may be exchanged, as Cognito has it.
const codeTime = 5 * time.Minute

// Handler serves the endpoints.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth2/authorize", s.authorize)
	mux.HandleFunc("GET /login", s.page)
	// A form of another site must not sign anybody in. The token endpoint is for
	// other origins, and has no cookie.
	mux.Handle("POST /login", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.signIn)))
	mux.HandleFunc("GET /logout", s.logout)
	mux.HandleFunc("POST /oauth2/token", s.token)
	mux.HandleFunc("POST /oauth2/revoke", s.revoke)
	mux.HandleFunc("OPTIONS /oauth2/", s.preflight)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	return mux
}
