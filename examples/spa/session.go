package main

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The prefix __Host- makes the browser insist on Secure, on Path=/ and on no Domain:
// no other host can set such a cookie. Chromium takes Secure cookies on
// http://localhost as well.
const (
	sessionCookie = "__Host-session" // .0, .1, …
	loginCookie   = "__Host-login"
)

const (
	// chunkBytes leaves room for name and attributes: Chromium drops a cookie of more
	// than 4,096 bytes (RFC 6265, section 6.1, asks for no more).
	chunkBytes = 3800
	// maxChunks is how many parts a session has at most: 11 hold 31 kB. All of them come
	// with each request, and proxies limit how long a header may be.
	maxChunks = 11
	// maxPlain is how large a session may be, so that a cookie cannot unfold into more.
	maxPlain = 128 << 10
)

// sealer encrypts what the browser keeps for us. A cookie that it did not make itself,
// under the name that it made it for, does not open.
type sealer struct{ aead cipher.AEAD }

// newSealer makes a key that dies with the process. Several instances would share one,
// and still take the one before for a while when it is replaced.
func newSealer() (*sealer, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

// seal compresses and encrypts v for the cookie of a name. The length of the result
// tells something about what is in it, as the length of a token does.
func (s *sealer) seal(name string, v any) (string, error) {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		return "", err
	}
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, b.Bytes(), []byte(name))), nil
}

// open undoes seal. An error says nothing about the reason.
func (s *sealer) open(name, value string, v any) error {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return errNotOurs
	}
	packed, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return errNotOurs
	}
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxPlain))
	if err != nil || json.Unmarshal(plain, v) != nil {
		return errNotOurs
	}
	return nil
}

var errNotOurs = errors.New("a cookie that this program did not make")

// session is what a signed-in browser keeps.
type session struct {
	User    string    `json:"user"`
	Access  string    `json:"access"`
	Refresh string    `json:"refresh"`
	Wide    bool      `json:"wide"`    // see pending
	Expires time.Time `json:"expires"` // of Access
}

// save gives the browser the session, in as many cookies as it needs, and takes back
// those that an earlier, longer one had.
func (s *sealer) save(w http.ResponseWriter, r *http.Request, in *session) error {
	value, err := s.seal(sessionCookie, in)
	if err != nil {
		return err
	}
	n := (len(value) + chunkBytes - 1) / chunkBytes
	if n > maxChunks {
		return errors.New("the tokens do not fit into cookies: keep them here, and give the browser a handle")
	}
	for i := range n {
		setCookie(w, chunkName(i), value[i*chunkBytes:min((i+1)*chunkBytes, len(value))], http.SameSiteStrictMode, 0)
	}
	forgetFrom(w, r, n)
	return nil
}

// load returns the session of a request, nil if it has none that opens.
func (s *sealer) load(r *http.Request) *session {
	var value strings.Builder
	for i := range maxChunks {
		c := r.CookiesNamed(chunkName(i))
		if len(c) == 0 {
			break
		}
		if len(c) > 1 {
			return nil
		}
		value.WriteString(c[0].Value)
	}
	in := new(session)
	if value.Len() == 0 || s.open(sessionCookie, value.String(), in) != nil {
		return nil
	}
	return in
}

// forget takes the session back.
func forget(w http.ResponseWriter, r *http.Request) { forgetFrom(w, r, 0) }

func forgetFrom(w http.ResponseWriter, r *http.Request, n int) {
	for i := n; i < maxChunks; i++ {
		if len(r.CookiesNamed(chunkName(i))) > 0 {
			setCookie(w, chunkName(i), "", http.SameSiteStrictMode, -1)
		}
	}
}

func chunkName(i int) string { return sessionCookie + "." + strconv.Itoa(i) }

func setCookie(w http.ResponseWriter, name, value string, site http.SameSite, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: site, MaxAge: maxAge})
}
