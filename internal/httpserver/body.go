package httpserver

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// MaxBody is the largest request body, in bytes.
	MaxBody = 64 << 10
	// maxDepth is how deeply objects and arrays in a body may be nested.
	maxDepth = 32
)

// DecodeBody decodes a request's JSON body into target. It returns a 400 for anything but a single JSON value in UTF-8
// without duplicate keys, and a 422 for values that don't fit target. The problem always gives the location of the
// error. Field names are case sensitive, unknown fields are ignored, and null counts as missing.
func DecodeBody(r *http.Request, target any) error {
	body, err := ReadBody(r)
	if err != nil {
		return err
	}
	return DecodeJSON(body, target)
}

// ReadBody reads a request's JSON body without decoding it.
func ReadBody(r *http.Request) ([]byte, error) {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, Errorf(http.StatusUnsupportedMediaType, "the body must not be compressed")
	}
	return ReadRaw(r)
}

// DecodeJSON is like DecodeBody, but for a body that has already been read. The options extend the decoding rules.
func DecodeJSON(text []byte, target any, options ...json.Options) error {
	if tooDeep(text) {
		return Errorf(http.StatusBadRequest, "body: is nested deeper than %d", maxDepth)
	}
	options = append(options, json.WithUnmarshalers(json.UnmarshalFunc(positiveID)))
	err := json.Unmarshal(text, target, options...)
	if err != nil { // report malformed JSON as such, even if a value before the syntax error doesn't fit
		if malformed := json.Unmarshal(text, new(jsontext.Value)); malformed != nil {
			err = malformed
		}
	}
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		return syntaxProblem(syntax)
	case errors.As(err, &semantic):
		return Invalid(Place{bodyPlace(semantic.JSONPointer), expectation(semantic)})
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return Errorf(http.StatusBadRequest, "body: the JSON text is empty or incomplete")
	}
	return Errorf(http.StatusBadRequest, "body: is not valid JSON").Because(err)
}

func checkContentType(header string) error {
	if header == "" {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(header)
	isJSON := mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
	charset, hasCharset := params["charset"]
	if err != nil || !isJSON || hasCharset && !strings.EqualFold(charset, "utf-8") {
		return Errorf(http.StatusUnsupportedMediaType, "the body must be application/json in UTF-8")
	}
	return nil
}

// ReadRaw reads a request's whole body, whatever its content type. It returns an error that becomes a 413, 408 or 400.
func ReadRaw(r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, &http.MaxBytesError{Limit: MaxBody}
	}
	body, err := readUncounted(r)
	if err != nil {
		return nil, bodyReadError(err)
	}
	return body, nil
}

func bodyReadError(err error) error {
	var tooLarge *http.MaxBytesError
	var refused *Problem
	var network net.Error
	switch {
	case errors.As(err, &tooLarge), errors.As(err, &refused):
		return err
	case errors.As(err, &network) && network.Timeout():
		return Errorf(http.StatusRequestTimeout, "the body did not arrive in time")
	}
	return Errorf(http.StatusBadRequest, "the body is incomplete").Because(err)
}

// tooDeep reports whether objects and arrays are nested more deeply than maxDepth. The check comes before decoding,
// because the decoder's own limit is much higher.
func tooDeep(text []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func syntaxProblem(err *jsontext.SyntacticError) *Problem {
	place, message := bodyPlace(err.JSONPointer), "is not well-formed JSON"
	switch {
	case errors.Is(err.Err, jsontext.ErrDuplicateName):
		message = "is given more than once"
	case errors.Is(err.Err, io.ErrUnexpectedEOF):
		message = "is incomplete"
	}
	problem := Errorf(http.StatusBadRequest, "%s: %s (byte %d)", place, message, err.ByteOffset)
	problem.Errors = []Place{{place, message}}
	return problem
}

// bodyPlace converts a JSON pointer into a dotted location for problems: /hero/name becomes body.hero.name.
func bodyPlace(pointer jsontext.Pointer) string {
	place := "body"
	for token := range pointer.Tokens() {
		place += "." + strings.ToValidUTF8(token, "\uFFFD")
	}
	return place
}

func expectation(err *json.SemanticError) string {
	if errors.Is(err, json.ErrUnknownName) {
		return "is not a known field"
	}
	if err.GoType == nil {
		return "has an unusable value"
	}
	wanted := err.GoType
	if wanted.Kind() == reflect.Pointer {
		wanted = wanted.Elem()
	}
	switch wanted.Kind() {
	case reflect.Int64: // ids are the only 64-bit fields
		return "must be an integer from 1 to 9223372036854775807"
	case reflect.Int32:
		return "must be an integer from 0 to 2147483647"
	case reflect.String:
		return "must be a string"
	case reflect.Struct:
		return "must be an object"
	}
	return "has an unusable value"
}

// positiveID decodes an id above 0; null means that there is no id.
func positiveID(text []byte, id *int64) error {
	if string(text) == "null" {
		*id = 0
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 1 {
		return errors.New("not an id")
	}
	*id = n
	return nil
}
