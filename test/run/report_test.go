package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/engines/find"
)

func TestReportSkips(t *testing.T) {
	var out bytes.Buffer
	reportSkips(&out, []skip{
		{pkg: "b", test: "TestB", reason: "needs a server"},
		{pkg: "a", test: "TestOther", reason: "needs a browser"},
		{pkg: "a", test: "TestA", reason: "needs a server"},
	})
	want := `SKIPPED 1 test: needs a browser
    a TestOther
SKIPPED 2 tests: needs a server
    a TestA
    b TestB
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
}

func TestReportMissing(t *testing.T) {
	var out bytes.Buffer
	missing := reportMissing(&out, []*find.Engine{
		{Name: "PostgreSQL 16.1", How: "found"},
		{Name: "MariaDB", Missing: errors.Join(errors.New("environment: unset"), errors.New("Docker: none")), Remedy: "install it"},
	})
	want := `SKIPPED MariaDB: it can't be had
    environment: unset
    Docker: none
    to get it: install it
Engines: 1 found, 1 missing
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
	if missing != 1 {
		t.Errorf("got %d missing, want 1", missing)
	}
}
