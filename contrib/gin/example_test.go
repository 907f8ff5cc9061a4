package cognitogin_test

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitogin "github.com/cognitoauth/cognitoauth/contrib/gin"
	"github.com/gin-gonic/gin"
)

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}

	engine := gin.New()
	engine.GET("/me", me) // any valid token
	engine.POST("/orders", cognitogin.Require(cognitoauth.Scope("orders/write")), create)
	engine.GET("/users/:name", cognitogin.Require(ownPage), me)

	mux := http.NewServeMux()
	mux.Handle("GET /healthz", cognitoauth.AllowAnonymous(http.HandlerFunc(health)))
	mux.Handle("/", engine)
	log.Fatal(http.ListenAndServe(":8080", auth.Wrap(mux)))
}

var ownPage = cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
	return r.PathValue("name") == c.Username
})

func health(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") }

func me(c *gin.Context) {
	claims, _ := cognitogin.Claims(c)
	c.String(http.StatusOK, "hello %s\n", claims.Username)
}

func create(c *gin.Context) { c.Status(http.StatusCreated) }

// What is in no group is open.
func ExampleMiddleware() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	engine := gin.New()
	engine.GET("/healthz", gin.WrapF(health)) // open: it is in no group
	api := engine.Group("/api", cognitogin.Middleware(auth))
	api.GET("/me", me)
	api.POST("/orders", cognitogin.Require(cognitoauth.Scope("orders/write")), create)
	log.Fatal(http.ListenAndServe(":8080", engine))
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
