package redisstore_test

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/cognitoauth/cognitoauth/contrib/revocation/redisstore"
)

// Options that are left out have values that work.
func TestStore_defaults(t *testing.T) {
	t.Parallel()
	store := open(t, redisstore.Options{Client: rueidis.ClientOption{InitAddress: []string{server(t).Addr()}}})
	must(t, store.Append(t.Context(), []string{"first"}))
	page, err := store.Read(t.Context(), "", 0)
	if err != nil || len(page.Records) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

// A store that is closed does nothing more.
func TestStore_closed(t *testing.T) {
	t.Parallel()
	store, err := redisstore.New(options("127.0.0.1:1"))
	must(t, err)
	must(t, store.Close())
	_, readErr := store.Read(t.Context(), "", 0)
	for name, err := range map[string]error{"Append": store.Append(t.Context(), []string{"x"}), "Read": readErr, "Trim": store.Trim(t.Context(), "1-1 x", 0)} {
		if !errors.Is(err, redisstore.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A command that the server refuses is an error that names it, whatever the commands
// beside it have answered.
func TestStore_refusedCommand(t *testing.T) {
	t.Parallel()
	addr := server(t).Addr()
	for _, name := range []string{"XADD", "XREAD", "XRANGE", "TIME", "XTRIM"} {
		command(t, addr, "ACL", "SETUSER", "without"+name, "on", ">password", "~*", "&*", "+@all", "-"+name)
	}
	must(t, open(t, options(addr)).Append(t.Context(), []string{"first"}))
	page, err := open(t, options(addr)).Read(t.Context(), "", 0)
	must(t, err)
	for _, name := range []string{"XADD", "XREAD", "XRANGE", "TIME", "XTRIM"} {
		o := options(addr)
		o.Client.Username, o.Client.Password = "without"+name, "password"
		store := open(t, o)
		var err error
		switch name {
		case "XADD":
			err = store.Append(t.Context(), []string{"second"})
		case "XREAD", "XRANGE":
			_, err = store.Read(t.Context(), "", 0)
		default:
			err = store.Trim(t.Context(), page.Cursor, -time.Second) // TIME is taken in whole seconds
		}
		if err == nil || !strings.Contains(err.Error(), "redisstore: "+name+": NOPERM") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// That a replica has confirmed all that was written does not make up for an entry that
// the server has refused.
func TestStore_refusedWithReplicas(t *testing.T) {
	t.Parallel()
	primary, replica := server(t), server(t)
	host, port, err := net.SplitHostPort(primary.Addr())
	must(t, err)
	command(t, replica.Addr(), "REPLICAOF", host, port)
	o := options(primary.Addr())
	o.Replicas = 1
	store := open(t, o)
	eventually(t, "a replica confirms", func() bool { return store.Append(t.Context(), []string{"first"}) == nil })
	command(t, primary.Addr(), "SET", "cognitoauth:revocation", "text")
	if err := store.Append(t.Context(), []string{"second"}); err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("appended to a text: %v", err)
	}
}
