package strictjson

import "bytes"

// PlainSlashes writes every slash that doc has escaped, \/, as it is, and returns
// what doc becomes. It works inside doc, which it may leave shorter and changed.
//
// Cognito escaped each slash of a token until 2025, as some encoders of JSON do.
// RFC 8259, section 7, gives both spellings the same meaning; but with a backslash
// in it, a document is none for the quick path, and its strings are none that can
// be handed out without a copy. The result is valid JSON if and only if doc is, and
// says the same. No other escape is touched: a backslash and what follows it stay
// together, so the second half of an escaped backslash escapes no slash.
func PlainSlashes(doc []byte) []byte {
	from := bytes.IndexByte(doc, '\\')
	if from < 0 {
		return doc
	}
	to := from // doc[:to] is done, doc[from] is a backslash that escapes
	for from+1 < len(doc) {
		if doc[from+1] != '/' {
			doc[to] = '\\'
			to++
		}
		doc[to] = doc[from+1]
		to, from = to+1, from+2
		n := bytes.IndexByte(doc[from:], '\\')
		if n < 0 {
			return doc[:to+copy(doc[to:], doc[from:])]
		}
		copy(doc[to:], doc[from:from+n])
		to, from = to+n, from+n
	}
	return append(doc[:to], '\\') // the last byte, and it escapes nothing
}
