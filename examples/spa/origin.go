package main

import "net/http"

// sameOrigin lets only requests of the pages of one origin through. The browser adds
// the cookie to what other pages send too: to a form or a WebSocket handshake of another
// site if SameSite fails, and always to those of another port of the same host, since
// ports belong to one site. http.CrossOriginProtection lets every GET through, and
// with it the handshake of a WebSocket, which no CORS stops. So this is stricter:
// whatever method it has, a request must say that it comes from here.
func sameOrigin(origin string, next http.Handler) http.Handler {
	protected := http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !comesFrom(r, origin) {
			http.Error(w, "This address is for the page of "+origin+" alone.", http.StatusForbidden)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

// comesFrom asks Sec-Fetch-Site, which no script can set. Only a browser that does not
// send it is judged by Origin, which is missing on a GET; then nobody knows. What is
// typed into the address bar ("none") and programs that send neither are refused too:
// they have no business with a cookie.
func comesFrom(r *http.Request, origin string) bool {
	switch from, ok := r.Header["Sec-Fetch-Site"]; {
	case ok && (len(from) != 1 || from[0] != "same-origin"):
		return false
	case ok && r.Header.Get("Origin") == "":
		return true // a GET of the page
	}
	from := r.Header["Origin"]
	return len(from) == 1 && from[0] == origin
}
