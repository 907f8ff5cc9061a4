package main

import (
	"fmt"
	"strings"

	"github.com/cognitoauth/cognitoauth"
	"github.com/cognitoauth/cognitoauth/cognitotest"
)

// welcome tells what to paste, and last, where it stays in sight, what runs.
// What to expect stands on a line above each command, not behind it: zsh takes
// no comments at its prompt, and what it makes of one must be harmless. For the
// same reason no comment has a character that a shell reads in its own way.
func welcome(base string, cfg cognitoauth.Config, pool *cognitotest.Pool, s style) string {
	var b strings.Builder
	p := cfg.Pools[0]
	fmt.Fprintf(&b, "%sAn API behind cognitoauth%s\n\n", s.bold, s.end)
	if pool != nil {
		fmt.Fprintf(&b, "It trusts user pool %s and app client %s.\n", p.ID, pool.ClientID())
		b.WriteString("The pool lives in this process and is for trying out: it signs a token for any program on\n")
		b.WriteString("this machine that asks. Paste these commands into another terminal, from top to bottom.\n")
		writeCalls(&b, base, calls, s)
		fmt.Fprintf(&b, "\n%s# why that was refused, check by check, to be run at the root of this repository%s\n%s\n", s.dim, s.end, doctor(cfg))
	} else {
		fmt.Fprintf(&b, "It trusts user pool %s\nand app client %s.\n", p.ID, strings.Join(p.ClientIDs, " or "))
		fmt.Fprintf(&b, "Only that pool can sign its tokens. To get an %s token, let your app sign a user in and\n", kind(p))
		b.WriteString("copy it from there (in a browser, from the network tab of the developer tools), or ask\n")
		b.WriteString("the pool: aws cognito-idp initiate-auth help\n")
		b.WriteString("Paste these commands into another terminal, one by one, from top to bottom.\n")
		writeCalls(&b, base, realCalls, s)
	}
	fmt.Fprintf(&b, "\nThe API listens on %s until Ctrl-C. Why it refuses a request is logged here.\n", base)
	fmt.Fprintf(&b, "Or press buttons instead of pasting: open the playground in a browser.\n\n%s%s/playground/%s\n", s.bold, base, s.end)
	return b.String()
}

// writeCalls writes the calls as commands, and before the calls that share a
// token the command that puts it into TOKEN.
func writeCalls(b *strings.Builder, base string, all []call, s style) {
	last := ""
	for _, c := range all {
		if c.token != last {
			last = c.token
			fmt.Fprintf(b, "\n%s# %s%s\n%s\n", s.dim, tokenComment(last), s.end, tokenCommand(base, last))
		} else if last == "" {
			b.WriteByte('\n')
		}
		colour := s.good
		if c.status >= 400 {
			colour = s.bad
		}
		fmt.Fprintf(b, "%s# %s%s%d%s%s: %s%s\n%s\n", s.dim, s.end, colour, c.status, s.end, s.dim, c.what, s.end, c.curl(base))
	}
}

func tokenComment(name string) string {
	if name == yours {
		return "run this, then paste your token and press Enter, it will not be shown"
	}
	return about(name)
}

// tokenCommand sets TOKEN. A real token is typed at a prompt, which keeps it
// out of the history of the shell.
func tokenCommand(base, name string) string {
	if name == yours {
		return "read -rs TOKEN"
	}
	return "TOKEN=$(curl -s " + base + "/token/" + name + ")"
}

// curl is the call as a command for a shell.
func (c call) curl(base string) string {
	line := "curl -i "
	if c.method != "GET" {
		line += "-X " + c.method + " "
	}
	line += base + c.path
	if c.token != "" {
		line += ` -H "Authorization: Bearer $TOKEN"`
	}
	return line
}

// doctor is a command that asks the doctor why TOKEN is refused. The token goes
// through a pipe: it is no argument of a process.
func doctor(cfg cognitoauth.Config) string {
	p := cfg.Pools[0]
	return fmt.Sprintf("echo \"$TOKEN\" | go run ./examples/doctor -pool %s -client %s \\\n  -jwks %s",
		p.ID, strings.Join(p.ClientIDs, ","), p.JWKSURL)
}

func kind(p cognitoauth.Pool) string {
	if p.TokenUse == cognitoauth.IDToken {
		return "ID"
	}
	return "access"
}
