package cognitomcp

// This file holds the answers to what the gate refuses: to a body that it cannot
// decide about, and to a call whose policy is not met.

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// refuse answers a body that we do not decide about, with an error of JSON-RPC 2.0
// (section 5.1). The texts are fixed, and id is null as there is none to trust.
func refuse(w http.ResponseWriter, err error) {
	status, code, text := http.StatusBadRequest, codeInvalidRequest, "the body could not be read"
	var large *http.MaxBytesError
	var bad *malformed
	switch {
	case errors.As(err, &large):
		status, text = http.StatusRequestEntityTooLarge, "the body is too large"
	case errors.As(err, &bad):
		code, text = bad.code, bad.text
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":null,"error":{"code":%d,"message":%q}}`+"\n", code, text)
}

// refusal takes the answer of a Require that refuses a call. It sends it as it is,
// except for the problem document of cognitoauth.WriteError: this becomes the data of a
// JSON-RPC error that names the call. The SDK's client gives such an error to the
// caller of the tool; after any other answer of 4xx it gives up the whole connection.
type refusal struct {
	http.ResponseWriter

	id     jsontext.Value // of the call; nil: the document stays
	status int
	body   bytes.Buffer
}

func (w *refusal) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *refusal) WriteHeader(status int) { w.status = status }

// FlushError does nothing, so that nobody flushes the real answer before its status.
func (w *refusal) FlushError() error { return nil }

// Unwrap is for [http.ResponseController], and for cognitoauth, which looks for the
// server's own ResponseWriter.
func (w *refusal) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// send sends the answer, if there is one: the handler behind the Require writes past w.
func (w *refusal) send() {
	if w.status == 0 && w.body.Len() == 0 {
		return
	}
	var problem struct {
		Detail string `json:"detail"`
	}
	body := w.body.Bytes()
	if w.id != nil && w.Header().Get("Content-Type") == "application/problem+json" && json.Unmarshal(body, &problem) == nil {
		w.Header().Set("Content-Type", "application/json")
		text, _ := jsontext.AppendQuote(nil, problem.Detail)
		body = fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%s,"data":%s}}`+"\n", w.id, codeForbidden, text, bytes.TrimSpace(body))
	}
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	w.ResponseWriter.Write(body)
}
