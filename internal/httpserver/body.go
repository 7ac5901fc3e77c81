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
	// maxDepth is how deep objects and arrays of a body may lie in each other.
	maxDepth = 32
)

// DecodeBody reads a request's JSON body into target. What isn't one JSON text in UTF-8 without duplicate keys is
// a 400; a JSON text whose values don't fit target is a 422; both name the place. Names are case sensitive, unknown
// ones are dropped, null is read as missing.
func DecodeBody(r *http.Request, target any) error {
	body, err := ReadBody(r)
	if err != nil {
		return err
	}
	return DecodeJSON(body, target)
}

// ReadBody reads a request's JSON body as text.
func ReadBody(r *http.Request) ([]byte, error) {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return nil, err
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, Errorf(http.StatusUnsupportedMediaType, "the body must not be compressed")
	}
	return ReadRaw(r)
}

// DecodeJSON is DecodeBody for a text that was read already. Options add to its rules.
func DecodeJSON(text []byte, target any, options ...json.Options) error {
	if tooDeep(text) {
		return Errorf(http.StatusBadRequest, "body: is nested deeper than %d", maxDepth)
	}
	options = append(options, json.WithUnmarshalers(json.UnmarshalFunc(positiveID)))
	err := json.Unmarshal(text, target, options...)
	if err != nil { // what isn't JSON at all is refused for that, whatever value came first
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
		return Errorf(http.StatusBadRequest, "body: the JSON text is empty or broken off")
	}
	return Errorf(http.StatusBadRequest, "body: is not a JSON text").Because(err)
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

// ReadRaw reads a request's whole body, whatever it is. Its error is an answer: 413, 408 or 400.
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
	return Errorf(http.StatusBadRequest, "the body broke off").Because(err)
}

// tooDeep tells whether brackets outside strings lie deeper in each other than maxDepth. It runs before the decoder,
// which would go a good deal deeper.
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
		message = "is broken off"
	}
	problem := Errorf(http.StatusBadRequest, "%s: %s (byte %d)", place, message, err.ByteOffset)
	problem.Errors = []Place{{place, message}}
	return problem
}

// bodyPlace turns a JSON pointer into the dotted place of a problem: /hero/name is body.hero.name.
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
	case reflect.Int64: // the only such numbers are ids
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

// positiveID reads an id; null is none.
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
