package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"superheroes/internal/storage"
	"superheroes/internal/telemetry"
)

func TestOperations(t *testing.T) {
	registry := telemetry.NewRegistry(nil)
	var sql, documents, none storage.Operations
	sql.Measure(registry.Service("heroes"), "sqlite", "hero")
	documents.Measure(registry.Service("fights"), "mongodb", "fights")
	for _, c := range []struct {
		of           *storage.Operations
		name, detail string
		err          error
		want         string
	}{
		{&sql, "SELECT", "by id", nil, `db_operation_name="SELECT",db_query_summary="SELECT hero by id"} 1`},
		{&sql, "SELECT", "page", storage.As(storage.ErrBusy, errors.New("x")), `db_query_summary="SELECT hero page",error_type="busy"} 1`},
		{&sql, "UPDATE", "", fmt.Errorf("%w: %w", storage.ErrUnavailable, context.DeadlineExceeded), `error_type="timeout"} 1`},
		{&documents, "COUNT", "", errors.New("permission denied"), `db_operation_name="aggregate",db_query_summary="aggregate fights",error_type="_OTHER"} 1`},
		{&documents, "SELECT", "", &storage.RowError{}, `db_operation_name="find",db_query_summary="find fights",error_type="row"} 1`},
		{&none, "SELECT", "", nil, ""},
	} {
		_, operation := c.of.Begin(t.Context(), c.name, c.detail)
		operation.End(&c.err)
		var text strings.Builder
		if err := registry.WriteText(&text, telemetry.TextFormat); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), c.want) {
			t.Errorf("%s %s, %v: want %s in\n%s", c.name, c.detail, c.err, c.want, &text)
		}
	}
}
