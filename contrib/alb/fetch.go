package cognitoalb

// This file fetches one key. The endpoint answers with one P-256 public key as PEM, in
// about 180 bytes.

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	fetchTimeout = 5 * time.Second
	maxKeyBytes  = 4 << 10
)

// errAbsent: the endpoint does not have the key. S3, where the keys of some regions
// are, says 403 for what is not there.
var errAbsent = errors.New("the key endpoint does not have the key")

// fetchClient returns the client that fetches, made of the one given, which may be nil.
func fetchClient(given *http.Client) *http.Client {
	c := http.Client{Transport: transport}
	if given != nil {
		c = *given
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.Jar = nil
	if c.Timeout <= 0 || c.Timeout > fetchTimeout {
		c.Timeout = fetchTimeout
	}
	return &c
}

// transport keeps no connection, and so no goroutine, between fetches.
var transport http.RoundTripper = &http.Transport{
	Proxy:                  http.ProxyFromEnvironment,
	DisableKeepAlives:      true,
	TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	MaxResponseHeaderBytes: 64 << 10,
}

// fetch fetches the key at url.
func fetch(client *http.Client, url string) (*ecdsa.PublicKey, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil { // mutant: equivalent, New has parsed the URL, and a kid can stand in one
		return nil, err
	}
	req.Header.Set("User-Agent", "cognitoauth")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusForbidden, http.StatusNotFound:
		return nil, errAbsent
	default:
		return nil, fmt.Errorf("GET %s: status %d, expected 200; redirects are not followed", url, resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeyBytes+1))
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	k, err := parseKey(body)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", url, err)
	}
	return k, nil
}

// parseKey reads one public key. package pem skips what stands before a block, which
// would let two readers see two keys.
func parseKey(body []byte) (*ecdsa.PublicKey, error) {
	const kind = "PUBLIC KEY"
	if len(body) > maxKeyBytes {
		return nil, fmt.Errorf("the key has more than %d bytes", maxKeyBytes)
	}
	body = bytes.TrimSpace(body)
	block, rest := pem.Decode(body)
	if block == nil || len(rest) > 0 || len(block.Headers) > 0 || !bytes.HasPrefix(body, []byte("-----BEGIN "+kind+"-----")) {
		return nil, errors.New("expected one PEM block PUBLIC KEY and nothing else")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the PEM block is no public key")
	}
	k, ok := parsed.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return nil, fmt.Errorf("the key is a %T, expected ECDSA on the curve P-256", parsed)
	}
	return k, nil
}
