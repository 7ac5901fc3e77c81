package mariadb

import (
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// Error numbers that the server reports for problems with a single row.
const (
	errNoIDLeft       = 167
	errNoIDLeftMySQL  = 1467
	errDuplicateEntry = 1062
	errDataTruncated  = 1265
	errOutOfRange     = 1264
	errWrongValue     = 1366
	errDataTooLong    = 1406
)

// Error numbers that the server reports for missing permissions.
const (
	errDatabaseAccessDenied = 1044
	errTableAccessDenied    = 1142
	errColumnAccessDenied   = 1143
	errNoBinlogPrivilege    = 1419 // the privilege to create a trigger is missing
)

// kindOf returns the error kind from package storage for a server error, or nil if its number is unknown. The error
// numbers are those of MariaDB (https://mariadb.com/kb/en/mariadb-error-codes/) and, where different, also those of
// MySQL.
func kindOf(server *mysql.MySQLError) error {
	switch server.Number {
	case 1205, // lock wait timeout
		1213,       // deadlock: this transaction was rolled back
		1614,       // deadlock: an XA transaction was rolled back
		1969, 3024, // the statement exceeded the server's time limit
		3058, 3572: // deadlock between GET_LOCK calls; row lock with NOWAIT
		return storage.ErrBusy
	case 1021, 1114, 1878, // disk full, table full, temporary file can't be written
		1036, 1290, 1792, 1836, 1874, // read-only table, server, transaction or InnoDB
		3098: // the replication group accepts no writes
		return storage.ErrFull
	case 1033, 1034, 1035, // unreadable files
		1194, 1195, 1712, 1877, // the table is marked as crashed, or it or an index is corrupt
		1812, 1814, 1932: // the table's file is missing or belongs to another table
		return storage.ErrDamaged
	case 1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698, 1820, 1862, 3118, // no permission
		1054, 1072, 1146, 1356, 1109, // unknown column or table, including in a view
		1048, 1364: // no value for a mandatory column
		return storage.ErrSchema
	case 1049, // unknown database; another program may be about to create it
		1037, 1040, 1041, 1129, 1203, 1226, // too many connections, or out of memory
		1047, 1053, 1077, 1079, // the server isn't ready yet, or is shutting down
		1152, 1158, 1159, 1160, 1161, 1184, // the connection broke
		1317, 1927, 4031: // an administrator killed the statement or the connection
		return storage.ErrUnavailable
	case 1004, 1005, 1015, 1016, 1017, 1023, 1024, 1025, 1026, 1030, 1180, 1296: // file or storage engine errors
		if errno := errnoInMessage.FindStringSubmatch(server.Message); errno != nil {
			number, _ := strconv.Atoi(errno[1])
			return kindOfErrno(number)
		}
	}
	if server.Number < 1000 {
		return kindOfErrno(int(server.Number))
	}
	if string(server.SQLState[:2]) == "08" { // SQLSTATE class of connection errors
		return storage.ErrUnavailable
	}
	return nil
}

// errnoInMessage matches an error number of the storage engine or the operating system within a server message.
var errnoInMessage = regexp.MustCompile(`(?:Got error|[Ee]rr(?:no|code)):? '?(\d+)`)

// kindOfErrno returns the error kind from package storage for an error number from the storage engine or the operating
// system, or nil if the number is unknown.
func kindOfErrno(errno int) error {
	switch errno {
	case 27, 28, 30, 135, 136, 165: // system: file too large, no space, read-only; engine: table full, read-only
		return storage.ErrFull
	case 2, 5, 126, 127, 130, 132, 134, 144, 145, 175, 176, 180, 194: // missing file, disk failure; crashed, corrupt
		return storage.ErrDamaged
	case 11, 146, 149: // locked
		return storage.ErrBusy
	}
	return nil
}

// classify wraps an error from the driver or the server as one of the error kinds in package storage. Other errors,
// such as those from a context or a callback, are returned unchanged.
func classify(err error, table string) error {
	var server *mysql.MySQLError
	var untrusted *tls.CertificateVerificationError
	var network *net.OpError
	switch {
	case errors.As(err, &server):
		kind := kindOf(server)
		switch {
		case kind == nil:
			return err
		case errors.Is(kind, storage.ErrDamaged):
			return storage.As(kind, err,
				"table "+table+" is damaged; run CHECK TABLE and REPAIR TABLE on it, or restore a backup")
		}
		return storage.As(kind, err)
	case errors.As(err, &untrusted):
		return storage.As(storage.ErrUnavailable, err, "the server's certificate is not trusted; name the file of its CA with ssl-ca")
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, mysql.ErrNoTLS), errors.Is(err, driver.ErrBadConn),
		errors.As(err, &network):
		return storage.As(storage.ErrUnavailable, err)
	}
	return err
}

func isError(err error, numbers ...uint16) bool {
	var serverErr *mysql.MySQLError
	return errors.As(err, &serverErr) && slices.Contains(numbers, serverErr.Number)
}

// duplicateID matches the primary key in a duplicate entry message: 'PRIMARY' in MariaDB, 'locations.PRIMARY' in MySQL.
var duplicateID = regexp.MustCompile(`['.]PRIMARY'$`)

// refusal translates errors caused by a single row, and returns all other errors unchanged.
func refusal(err error) error {
	switch {
	case isError(err, errDuplicateEntry) && duplicateID.MatchString(err.Error()):
		return storage.As(storage.ErrBusy, err, "another application inserted the id at the same time")
	case isError(err, errDuplicateEntry):
		return catalog.ErrTaken
	case isError(err, errNoIDLeft, errNoIDLeftMySQL):
		return catalog.ErrNoID
	case isError(err, errDataTruncated, errOutOfRange, errWrongValue, errDataTooLong):
		return fmt.Errorf("%w: a value does not fit its column", catalog.ErrRefused)
	}
	return err
}
