package httpserver

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"superheroes/internal/bounded"
	"superheroes/internal/storage"
)

// StoreProblem turns an error of the service's own store into a problem, by its kind (package storage). The detail
// names the kind but never the cause, which only the log shows. An outcome, such as "the fight was not stored", is
// appended to the detail of a write.
func StoreProblem(err error, outcome ...string) *Problem {
	problem := storeProblem(err)
	for _, text := range outcome {
		problem.Detail += "; " + text
	}
	return problem
}

func storeProblem(err error) *Problem {
	var row *storage.RowError
	switch {
	case errors.As(err, &row):
		return Errorf(http.StatusInternalServerError, "%s %s can't be read; the log says why", row.What, row.ID).Because(err)
	case errors.Is(err, storage.ErrSchema):
		return Errorf(http.StatusInternalServerError, "%v; see the log of the service", storage.ErrSchema).Because(err)
	case storage.KindOf(err) != nil:
		return Unavailable("%s", storeState(err)).Because(err)
	case bounded.CrowdOf(err) != "":
		return Unavailable("too many %s at once; retry later", bounded.CrowdOf(err)).Because(err)
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable("the store did not answer before the request's deadline").Because(err)
	case errors.Is(err, context.Canceled):
		return Unavailable("the request was canceled").Because(err)
	}
	return Unavailable("the store failed; the log says why").Because(err)
}

// storeState describes a store failure in a few words.
func storeState(err error) string {
	return cmp.Or(storage.KindOf(err), storage.ErrUnavailable).Error()
}
