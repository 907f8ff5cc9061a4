package main

import "net/http"

// sameOrigin lets only requests of the pages of one origin through. The browser adds the
// cookie by itself. SameSite=Strict keeps it off the requests of other sites, but not of
// other ports of the same host, which belong to one site. http.CrossOriginProtection
// lets every GET through, and with it the handshake of a WebSocket, which no CORS stops.
// So this is stricter: whatever its method, a request must say that it comes from here.
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

// comesFrom reads Sec-Fetch-Site, which no script can set. Where it is missing, Origin
// decides: older browsers do not send the one, Chromium does not send it with the
// handshake of a WebSocket, and all send Origin with that and with a POST. A request with
// neither is refused, as is one from the address bar ("none"): neither is of the page.
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
