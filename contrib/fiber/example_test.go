package cognitofiber_test

import (
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/cognitoauth/cognitoauth"
	cognitofiber "github.com/cognitoauth/cognitoauth/contrib/fiber"
	"github.com/gofiber/fiber/v3"
)

func Example() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}

	app := fiber.New()
	app.Get("/healthz", health) // open: it stands before Middleware

	app.Use("/*", cognitofiber.Middleware(auth))
	app.Get("/me", me) // any valid token
	app.Post("/orders", cognitofiber.Require(cognitoauth.Scope("orders/write")), create)
	app.Get("/users/:name", cognitofiber.Require(ownPage), me)
	log.Fatal(app.Listen(":8080"))
}

var ownPage = cognitoauth.Assert("the page is the user's own", func(r *http.Request, c *cognitoauth.Claims) bool {
	return r.PathValue("name") == c.Username
})

func health(c fiber.Ctx) error { return c.SendString("ok\n") }

func me(c fiber.Ctx) error {
	claims, ok := cognitofiber.Claims(c)
	if !ok {
		return fiber.ErrInternalServerError // the route is open by mistake
	}
	return c.SendString("hello " + claims.Username + "\n")
}

func create(c fiber.Ctx) error { return c.SendStatus(fiber.StatusCreated) }

// What is in no group is open.
func ExampleMiddleware() {
	auth, err := cognitoauth.New(cognitoauth.Config{
		Pools: []cognitoauth.Pool{{ID: "eu-west-1_EXAMPLE01", ClientIDs: []string{"1example23456789"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	app := fiber.New()
	app.Get("/healthz", health) // open: it is in no group
	api := app.Group("/api", cognitofiber.Middleware(auth))
	api.Get("/me", me)
	api.Post("/orders", cognitofiber.Require(cognitoauth.Scope("orders/write")), create)
	log.Fatal(app.Listen(":8080"))
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
