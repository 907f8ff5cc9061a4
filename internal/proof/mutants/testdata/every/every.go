// Package every refuses by what it does not run, which only -every sees. The comments
// say which mutants are wanted on the line.
package every

func Guard(admitted func() bool, next func()) func() {
	return func() {
		if admitted() { // want: admitted() → false; admitted() → true
			next()
		}
	}
}

func Route(path, method string, next func()) {
	if path == "/" && method == "GET" { // want: path == "/" && method == "GET" → false; path == "/" → true; method == "GET" → true
		next()
	}
	switch path {
	case "/a", "/b": // want: "/a" → never; "/b" → never
		next()
	}
	switch {
	case method == "PUT": // want: method == "PUT" → false; method == "PUT" → true
		next()
	}
}
