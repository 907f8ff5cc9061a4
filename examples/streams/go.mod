module github.com/cognitoauth/cognitoauth/examples/streams

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/cognitoauth/cognitoauth v0.0.0
	github.com/cognitoauth/cognitoauth/contrib/grpc v0.0.0
	google.golang.org/grpc v1.85.0
)

require (
	filippo.io/bigmod v0.1.0 // indirect
	github.com/MicahParks/jwkset v0.11.4 // indirect
	github.com/MicahParks/keyfunc/v3 v3.9.2 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261110000943-09e21b237f2c // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/cognitoauth/cognitoauth => ../..

replace github.com/cognitoauth/cognitoauth/contrib/grpc => ../../contrib/grpc
