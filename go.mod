module github.com/cognitoauth/cognitoauth

go 1.26.0

require (
	filippo.io/bigmod v0.1.0
	github.com/MicahParks/jwkset v0.11.4
	github.com/MicahParks/keyfunc/v3 v3.9.2
	github.com/go-json-experiment/json v1.27.2
	github.com/golang-jwt/jwt/v5 v5.3.1
	github.com/maypok86/otter/v2 v2.4.0
	golang.org/x/sys v0.47.0
)

require golang.org/x/time v0.16.0 // indirect
