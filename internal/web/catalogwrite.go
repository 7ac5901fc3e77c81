package web

import (
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"superheroes/internal/catalog"
	"superheroes/internal/httpserver"
)

func (s catalogRoutes[T]) serveCreate(w http.ResponseWriter, r *http.Request) error {
	item, err := s.entry(r, 0)
	if err != nil {
		return err
	}
	written, err := s.Write(r.Context(), 0, func(*T) (*T, error) { return &item, nil })
	if err != nil {
		return s.writeProblem(err)
	}
	w.Header().Set("Location", "/api/"+s.Kind.Plural+"/"+strconv.FormatInt((*written).Key(), 10))
	return answerWritten(w, http.StatusCreated, *written)
}

func (s catalogRoutes[T]) serveReplace(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := target(r)
	if err != nil {
		return err
	}
	item, err := s.entry(r, id)
	if err != nil {
		return err
	}
	written, err := s.Write(r.Context(), id, func(old *T) (*T, error) { return &item, s.unchanged(condition, old) })
	if err != nil {
		return s.writeProblem(err)
	}
	return answerWritten(w, http.StatusOK, *written)
}

// patchTypes lists the content types of a merge patch. JSON formats other than merge patch, such as JSON Patch, have
// different semantics.
func patchTypes() []string { return []string{"application/merge-patch+json", "application/json"} }

func (s catalogRoutes[T]) servePatch(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := target(r)
	if err != nil {
		return err
	}
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")) // ReadBody refuses a malformed content type
	if types := patchTypes(); contentType != "" && !slices.Contains(types, contentType) {
		w.Header().Set("Accept-Patch", strings.Join(types, ", "))
		return httpserver.Errorf(http.StatusUnsupportedMediaType, "the body must be %s", strings.Join(types, " or "))
	}
	patch, err := httpserver.ReadBody(r)
	if err != nil {
		return err
	}
	var none T
	if _, err := merge(none, patch); err != nil { // check the patch before locking anything
		return err
	}
	written, err := s.Write(r.Context(), id, func(old *T) (*T, error) {
		if err := s.unchanged(condition, old); err != nil {
			return nil, err
		}
		if old == nil {
			return nil, catalog.ErrUnreadable
		}
		item, err := merge(*old, patch)
		if err == nil {
			err = check(item, id)
		}
		return &item, err
	})
	if err != nil {
		return s.writeProblem(err)
	}
	return answerWritten(w, http.StatusOK, *written)
}

func (s catalogRoutes[T]) serveDelete(w http.ResponseWriter, r *http.Request) error {
	id, condition, err := target(r)
	if err != nil {
		return err
	}
	remove := func(old *T) (*T, error) { return nil, s.unchanged(condition, old) }
	if _, err := s.Write(r.Context(), id, remove); err != nil {
		return s.writeProblem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// target parses the id of the entry to change and the request's preconditions.
func target(r *http.Request) (id int64, condition httpserver.Condition, err error) {
	if id, err = httpserver.PathID(r); err != nil {
		return 0, condition, err
	}
	condition, err = httpserver.ConditionOf(r)
	return id, condition, err
}

// entry decodes and checks a whole entry for the given id, which is 0 for a new entry.
func (s catalogRoutes[T]) entry(r *http.Request, id int64) (item T, err error) {
	body, err := httpserver.ReadBody(r)
	if err != nil {
		return item, err
	}
	if item, err = merge(item, body); err != nil {
		return item, err
	}
	return item, check(item, id)
}

// merge applies a merge patch (RFC 7396) to the item: missing fields stay unchanged, and null empties a field. Merging
// a patch into the zero item yields a complete item.
func merge[T catalog.Item](item T, patch []byte) (T, error) {
	into := &item
	if err := httpserver.DecodeJSON(patch, &into); err != nil {
		return item, err
	}
	if into == nil {
		return item, httpserver.Invalid(httpserver.Place{Location: "body", Message: "must be an object"})
	}
	return *into, nil
}

// check returns a problem that lists every invalid field. An id in the body must equal the id in the path.
func check[T catalog.Item](item T, id int64) error {
	var wrong []httpserver.Place
	refuse := func(field, message string) {
		wrong = append(wrong, httpserver.Place{Location: "body." + field, Message: message})
	}
	switch {
	case item.Key() == id:
	case id == 0:
		refuse("id", "is assigned by the database; omit it")
	case item.Key() != 0:
		refuse("id", "must be the one in the path, or omitted")
	}
	item.Check(refuse)
	if len(wrong) > 0 {
		return httpserver.Invalid(wrong...)
	}
	return nil
}

// unchanged fails if the entry doesn't meet the request's preconditions. An unreadable entry is nil and matches only *.
func (s catalogRoutes[T]) unchanged(condition httpserver.Condition, old *T) error {
	var state []byte
	if old != nil {
		state = (*old).AppendJSON(nil)
	}
	if condition.Holds(state) {
		return nil
	}
	return httpserver.Errorf(http.StatusPreconditionFailed,
		"precondition failed: the %s has changed since you read it (If-Match or If-None-Match)", s.Kind.Singular)
}

func answerWritten[T catalog.Item](w http.ResponseWriter, status int, item T) error {
	body := item.AppendJSON(nil)
	w.Header().Set("ETag", httpserver.ETag(body))
	httpserver.NoStore(w)
	return httpserver.WriteStatus(w, status, "application/json", body)
}

// writeProblem turns an error from Write into a problem.
func (s catalogRoutes[T]) writeProblem(err error) error {
	var problem *httpserver.Problem
	switch {
	case errors.As(err, &problem):
		return problem
	case errors.Is(err, catalog.ErrNotFound):
		return catalogProblem(s.Kind.Singular, err)
	case errors.Is(err, catalog.ErrTaken):
		taken := httpserver.Invalid(httpserver.Place{Location: "body.name", Message: "is the name of another " + s.Kind.Singular})
		taken.Status, taken.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
		return taken
	case errors.Is(err, catalog.ErrNoID):
		return httpserver.Errorf(http.StatusConflict, "no id is left above the highest one")
	case errors.Is(err, catalog.ErrRefused):
		return httpserver.Invalid(httpserver.Place{Location: "body", Message: "does not fit the store's table"}).Because(err)
	case errors.Is(err, catalog.ErrMaybeWritten):
		return httpserver.StoreProblem(err, "it did not confirm the change, which may have been written all the same")
	}
	return httpserver.StoreProblem(err, "nothing was written")
}
