package login

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// style is the only style of the page; its hash stands in the page's policy.
const style = `:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:24rem;margin:2rem auto;padding:0 1rem}button{font:inherit;min-height:2.5rem;width:100%;margin:.25rem 0}`

var styleHash = func() string {
	sum := sha256.Sum256([]byte(style))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

var signInPage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in (stub of managed login)</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>Sign in</h1>
<p>This page stands in for Cognito's managed login. It asks for no password.</p>
<form method="post" action="{{.Action}}">
{{range .Users}}<button name="user" value="{{.}}">Sign in as {{.}}</button>
{{end}}<button name="user" value="">Cancel</button>
</form>
</main>
</body>
</html>
`))
