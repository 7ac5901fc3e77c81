package mariadb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// TestClassify checks how errors are classified, using the error messages of MariaDB and MySQL. Errors that can be
// provoked on a real server are tested in test/faults.
func TestClassify(t *testing.T) {
	server := func(number uint16, state, message string) error {
		err := &mysql.MySQLError{Number: number, Message: message}
		copy(err.SQLState[:], state)
		return fmt.Errorf("wrapped: %w", err)
	}
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"lock", server(1205, "HY000", "Lock wait timeout exceeded"), storage.ErrBusy},
		{"deadlock", server(1213, "40001", "Deadlock found"), storage.ErrBusy},
		{"statement time", server(1969, "70100", "Query execution was interrupted (max_statement_time exceeded)"), storage.ErrBusy},
		{"disk full, Aria waits", server(1021, "HY000", "Disk full (/tmp/x)"), storage.ErrFull},
		{"disk full, the engine", server(1030, "HY000", `Got error 28 "No space left on device" from storage engine InnoDB`), storage.ErrFull},
		{"disk full, a file", server(1026, "HY000", `Error writing file './x' (Errcode: 28 "No space left on device")`), storage.ErrFull},
		{"table full", server(1114, "HY000", "The table 'locations' is full"), storage.ErrFull},
		{"read-only server", server(1290, "HY000", "running with the --read-only option"), storage.ErrFull},
		{"read-only transaction", server(1792, "25006", "Cannot execute statement in a READ ONLY transaction"), storage.ErrFull},
		{"read-only mode", server(1836, "HY000", "Running in read-only mode"), storage.ErrFull},
		{"key file", server(1034, "HY000", "Incorrect key file for table"), storage.ErrDamaged},
		{"crashed", server(1194, "HY000", "Table 'locations' is marked as crashed"), storage.ErrDamaged},
		{"the engine's own number", server(130, "HY000", "Incorrect file format 'locations'"), storage.ErrDamaged},
		{"truncated", server(1030, "HY000", `Got error 175 "File too short; Expected more data in file" from storage engine Aria`), storage.ErrDamaged},
		{"index gone", server(1017, "HY000", `Can't find file: './x/locations.MAI' (errno: 2 "No such file or directory")`), storage.ErrDamaged},
		{"not in the engine", server(1932, "42S02", "Table 'x.locations' doesn't exist in engine"), storage.ErrDamaged},
		{"no table", server(1146, "42S02", "Table 'x.locations' doesn't exist"), storage.ErrSchema},
		{"no column", server(1054, "42S22", "Unknown column 'picture'"), storage.ErrSchema},
		{"no permission", server(1142, "42000", "SELECT command denied"), storage.ErrSchema},
		{"no permission to read a column", server(1143, "42000", "SELECT command denied"), storage.ErrSchema},
		{"no permission to use the database", server(1044, "42000", "Access denied"), storage.ErrSchema},
		{"wrong password", server(1045, "28000", "Access denied"), storage.ErrSchema},
		{"no database", server(1049, "42000", "Unknown database"), storage.ErrUnavailable},
		{"another mandatory column", server(1364, "HY000", "Field 'region' doesn't have a default value"), storage.ErrSchema},
		{"too many connections", server(1040, "08004", "Too many connections"), storage.ErrUnavailable},
		{"unknown error number in the connection class", server(9999, "08S01", "Aborted"), storage.ErrUnavailable},
		{"shutdown", server(1053, "08S01", "Server shutdown in progress"), storage.ErrUnavailable},
		{"killed", server(1927, "70100", "Connection was killed"), storage.ErrUnavailable},
		{"connection broken", mysql.ErrInvalidConn, storage.ErrUnavailable},
		{"refused", &net.OpError{Op: "dial", Err: io.EOF}, storage.ErrUnavailable},
		{"no TLS there", mysql.ErrNoTLS, storage.ErrUnavailable},
		{"not trusted", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, storage.ErrUnavailable},
		{"an unknown number", server(1064, "42000", "You have an error in your SQL syntax"), nil},
		{"the context's error", context.DeadlineExceeded, nil},
		{"a caller's error", catalog.ErrNotFound, nil},
		{"an uncertain change", fmt.Errorf("%w: %w", catalog.ErrMaybeWritten, mysql.ErrInvalidConn), catalog.ErrMaybeWritten},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := classify(c.err, "locations")
			var known *storage.Error
			switch {
			case c.want == nil && errors.As(got, &known):
				t.Errorf("got the kind %v", known.Kind)
			case c.want != nil && !errors.Is(got, c.want), !errors.Is(got, c.err):
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
	if text := classify(server(1194, "HY000", "crashed"), "locations").Error(); !strings.Contains(text, "table locations is damaged; run CHECK TABLE") {
		t.Errorf("no remedy in %q", text)
	}
}
