package cognitoecho_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitoecho "github.com/cognitoauth/cognitoauth/contrib/echo"
	"github.com/labstack/echo/v5"
)

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}

	e := echo.New()
	e.GET("/me", me) // any valid token
	e.POST("/orders", create, cognitoecho.Require(cognitoauth.Scope("orders/write")))
	e.GET("/users/:name", me, cognitoecho.Require(ownPage))

	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))
	mux.Handle("/", e)
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(mux)))
}

var ownPage = cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
	return r.PathValue("name") == c.Username
})

func health(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }

func me(c *echo.Context) error {
	claims, _ := cognitoecho.Claims(c)
	return c.String(http.StatusOK, "hello "+claims.Username+"\n")
}

func create(c *echo.Context) error { return c.NoContent(http.StatusCreated) }

// What is in no group is open.
func ExampleMiddleware() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.GET("/healthz", echo.WrapHandler(http.HandlerFunc(health))) // open: it is in no group
	api := e.Group("/api", cognitoecho.Middleware(auth))
	api.GET("/me", me)
	api.POST("/orders", create, cognitoecho.Require(cognitoauth.Scope("orders/write")))
	log.Fatal(http.ListenAndServe(":8080", e))
}

// The Go of the README stands here, where it is compiled.
func TestREADME(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	flat := strings.NewReplacer("\t", "").Replace
	compiled := flat(read("example_test.go"))
	blocks := strings.Split(read("README.md"), "```go\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of Go, want the program and the group", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if _, program, ok := strings.Cut(code, "func main() {\n"); ok {
			code = program
		}
		if !strings.Contains(compiled, flat(code)) {
			t.Errorf("this is not in example_test.go:\n%s", code)
		}
	}
}
