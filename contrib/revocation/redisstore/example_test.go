package redisstore_test

import (
	"context"
	"crypto/tls"
	"log"
	"os"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth/contrib/revocation"
	"github.com/cognitoauth/cognitoauth/contrib/revocation/redisstore"
)

// A server with a password and TLS. With Sentinel, InitAddress names the sentinels.
func ExampleNew() {
	store, err := redisstore.New(redisstore.Options{
		Client: rueidis.ClientOption{
			InitAddress: []string{"redis.internal:6379"},
			Password:    os.Getenv("REDIS_PASSWORD"),
			TLSConfig:   &tls.Config{ServerName: "redis.internal"},
		},
		Replicas: 1, // Revoke waits for one of them
	})
	if err != nil {
		log.Fatal(err)
	}
	list, err := revocation.New(revocation.Config{
		Namespace: "orders", Secret: []byte(os.Getenv("REVOCATION_SECRET")), Store: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = list.Run(context.Background()) // in a goroutine of its own; it closes the store
}
