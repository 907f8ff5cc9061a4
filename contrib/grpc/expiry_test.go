package cognitogrpc_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitogrpc "github.com/cognitoauth/cognitoauth/contrib/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// After the token's end nothing is asked of grpc-go any more, not in the background
// either: it allows one RecvMsg at a time, and the first may still wait.
func TestNoCallAfterExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := cognitotest.NewPool(t, cognitotest.Options{InProcess: true})
		token := pool.AccessToken()
		auth, err := cognitoauth.New(pool.Config())
		if err != nil {
			t.Fatal(err)
		}
		_, intercept := cognitogrpc.Interceptors(auth, cognitogrpc.Rules{})
		ss := silent{nil, metadata.NewIncomingContext(t.Context(), metadata.Pairs("authorization", bearer(token))), new(atomic.Int32), make(chan struct{})}
		defer close(ss.ended)
		_ = intercept(nil, ss, &grpc.StreamServerInfo{FullMethod: chat}, func(_ any, ss grpc.ServerStream) error {
			time.Sleep(time.Until(token.Claims().Expiry) + time.Hour)
			if err := ss.RecvMsg(nil); status.Code(err) != codes.Unauthenticated {
				t.Errorf("RecvMsg returned %v", err)
			}
			return nil
		})
		synctest.Wait()
		if n := ss.calls.Load(); n > 0 {
			t.Errorf("%d calls of RecvMsg", n)
		}
	})
}
