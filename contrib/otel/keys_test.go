package cognitootel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
	cognitootel "github.com/cognitoauth/cognitoauth/contrib/otel"
)

const ofPool = "cognitoauth.pool.id=eu-west-1_AbCdEf123,server.address=cognito-idp.eu-west-1.amazonaws.com"

// TestKeys follows the metrics of a key source from its start to an outage. Cognito
// publishes two keys.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, cognitootel.Options{}, nil)
		usable, skipped := "cognitoauth.key.state=usable,"+ofPool, "cognitoauth.key.state=skipped,"+ofPool
		s.want("cognitoauth.key_set.age", nil)
		s.want("cognitoauth.key.count", map[string]float64{usable: 0, skipped: 0})
		s.want("cognitoauth.key_set.fetches", map[string]float64{ofPool: 0})

		if err := s.auth.Ready(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second)
		s.want("cognitoauth.key_set.age", map[string]float64{ofPool: 90})
		s.want("cognitoauth.key.count", map[string]float64{usable: 2, skipped: 0})
		s.want("cognitoauth.key_set.fetches", map[string]float64{ofPool: 1})
		s.want("cognitoauth.key_set.fetch.failures", map[string]float64{ofPool: 0})

		s.pool.SetFault(cognitotest.Fault{Status: 500})
		if err := s.auth.Refresh(context.Background()); err == nil {
			t.Fatal("the endpoint did not fail")
		}
		s.want("cognitoauth.key_set.fetches", map[string]float64{ofPool: 2})
		s.want("cognitoauth.key_set.fetch.failures", map[string]float64{ofPool: 1})

		time.Sleep(25 * time.Hour)
		s.want("cognitoauth.key.count", map[string]float64{usable: 0, skipped: 0})
		s.want("cognitoauth.key_set.age", map[string]float64{ofPool: (25*time.Hour + 90*time.Second).Seconds()})
	})
}

// TestStaticKeys: a static set is never fetched, so it has no age either.
func TestStaticKeys(t *testing.T) {
	s := start(t, cognitootel.Options{}, func(cfg *cognitoauth.Config) {
		from := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_STATIC001", InProcess: true})
		p := from.Config().Pools[0]
		p.JWKS, p.JWKSURL = from.KeySet(), ""
		cfg.Pools = []cognitoauth.Pool{p}
	})
	for _, metric := range []string{"cognitoauth.key_set.age", "cognitoauth.key_set.fetches", "cognitoauth.key_set.fetch.failures"} {
		s.want(metric, nil)
	}
	s.want("cognitoauth.key.count", map[string]float64{
		"cognitoauth.key.state=usable,cognitoauth.pool.id=eu-west-1_STATIC001":  2,
		"cognitoauth.key.state=skipped,cognitoauth.pool.id=eu-west-1_STATIC001": 0,
	})
}

// TestPoolsTogether: a gauge that is observed twice with the same attributes keeps
// one value, so the oldest set has to be it.
func TestPoolsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, cognitootel.Options{WithoutPools: true}, nil)
		if err := s.auth.Ready(context.Background()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		later := cognitotest.NewPool(t, cognitotest.Options{ID: "eu-west-1_LATER0001", InProcess: true})
		auth, err := cognitoauth.New(later.Config())
		if err != nil {
			t.Fatal(err)
		}
		stop := s.telemetry.Observe(auth)
		s.telemetry.Observe(auth) // counts once
		if err := auth.Ready(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.want("cognitoauth.key_set.age", map[string]float64{"": 60})
		s.want("cognitoauth.key_set.fetches", map[string]float64{"": 2})
		s.want("cognitoauth.key.count", map[string]float64{"cognitoauth.key.state=usable": 4, "cognitoauth.key.state=skipped": 0})
		stop()
		s.want("cognitoauth.key_set.fetches", map[string]float64{"": 2}) // the other Observe goes on
	})
}

// TestStop: a Middleware that is given up leaves no series behind.
func TestStop(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	s.want("cognitoauth.key_set.fetches", map[string]float64{ofPool: 0})
	s.stop()
	s.stop()
	s.want("cognitoauth.key_set.fetches", nil)
	s.want("cognitoauth.key.count", nil)
}

func TestObserveNil(t *testing.T) {
	s := start(t, cognitootel.Options{}, nil)
	defer func() {
		if recover() == nil {
			t.Error("Observe took nil")
		}
	}()
	s.telemetry.Observe(nil)
}
