package mongodb

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"superheroes/internal/storage"
)

// Error codes of the server that are used in several functions. The names are those in MongoDB's error_codes.yml.
const (
	failedToParse        = 9
	userNotFound         = 11
	unauthorized         = 13
	authenticationFailed = 18
	commandNotFound      = 59
	invalidOptions       = 72
	invalidNamespace     = 73
	commandNotSupported  = 115
	validationFailed     = 121
	onView               = 166
	dataModifiedByRepair = 269
	userWritesBlocked    = 371
	atlasError           = 8000
	notPrimaryLegacy     = 10058
	notWritablePrimary   = 10107
	quotaExceeded        = 12501
	outOfDiskSpace       = 14031

	dataCorruptionDetected = 301
)

// kindOfCode returns the kind of problem that a server's error code means, or nil if we can't act on it.
func kindOfCode(code int) error {
	switch code {
	case userNotFound, unauthorized, authenticationFailed,
		33,  // PrivilegeNotFound
		214, // AuthenticationRestrictionUnmet
		334, // MechanismUnavailable
		391: // ReauthenticationRequired
		return storage.ErrSchema
	case onView, invalidNamespace, validationFailed,
		67, // CannotCreateIndex
		85, // IndexOptionsConflict
		86: // IndexKeySpecsConflict
		return storage.ErrSchema
	case commandNotFound, commandNotSupported,
		188: // IncompatibleServerVersion
		return storage.ErrSchema
	case outOfDiskSpace, quotaExceeded, userWritesBlocked:
		return storage.ErrFull
	case notWritablePrimary, notPrimaryLegacy: // we are bound to this server; otherwise the driver would find the primary by itself
		return storage.ErrFull
	case 24, // LockTimeout
		46,  // LockBusy
		50,  // MaxTimeMSExpired
		107, // LockFailed
		112, // WriteConflict
		262, // ExceededTimeLimit
		365, // TemporarilyUnavailable
		402, // ResourceExhausted
		433, // AdmissionQueueOverflow
		449: // RateLimitExceeded
		return storage.ErrBusy
	case dataModifiedByRepair, dataCorruptionDetected:
		return storage.ErrDamaged
	case 6, // HostUnreachable
		7,     // HostNotFound
		64,    // WriteConcernTimeout
		89,    // NetworkTimeout
		91,    // ShutdownInProgress
		94,    // NotYetInitialized
		100,   // UnsatisfiableWriteConcern
		133,   // FailedToSatisfyReadPreference
		134,   // ReadConcernMajorityNotAvailableYet
		149,   // NoConfigPrimary
		189,   // PrimarySteppedDown
		202,   // NetworkInterfaceExceededTimeLimit
		216,   // ElectionInProgress
		9001,  // SocketException
		11600, // InterruptedAtShutdown
		11602, // InterruptedDueToReplStateChange
		13435, // NotPrimaryNoSecondaryOk
		13436: // NotPrimaryOrSecondary
		return storage.ErrUnavailable
	}
	return nil
}

// detailOf returns a remedy for a code whose own message doesn't suggest one, or "".
func detailOf(code int) string {
	switch code {
	case userNotFound, authenticationFailed:
		return "the server refuses the user or the password of the URL"
	case unauthorized:
		return "the user of the URL lacks a permission; give it the role readWrite on the database"
	case validationFailed:
		return "the collection has a validator that refuses fights"
	case onView:
		return "fights is a view; it must be a collection"
	case notWritablePrimary, notPrimaryLegacy:
		return "the server is not the primary and accepts no writes; list the whole replica set in the URL"
	case userWritesBlocked:
		return "the server was told to block writes"
	case dataModifiedByRepair, dataCorruptionDetected:
		return "the server reports damaged data; restore it from a backup"
	}
	return ""
}

// Trouble classifies an error of the driver (package storage), if its kind is known.
func Trouble(err error) error {
	var server mongo.ServerError
	var selection topology.ServerSelectionError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &server):
		for _, code := range server.ErrorCodes() {
			if kind := kindOf(code, server); kind != nil {
				return storage.As(kind, truncated(err), detailOf(code))
			}
		}
	}
	switch {
	case errors.As(err, &selection):
		return storage.As(storage.ErrUnavailable, reworded{serversOf(selection), err})
	case errors.As(err, new(topology.WaitQueueTimeoutError)):
		return storage.As(storage.ErrUnavailable, truncated(err), "no connection to the server was free in time")
	case isNetwork(err):
		return storage.As(storage.ErrUnavailable, truncated(err))
	case errors.As(err, new(*auth.Error)):
		return storage.As(storage.ErrSchema, truncated(err), detailOf(authenticationFailed))
	}
	return err
}

// kindOf returns the kind of a code, or nil. Atlas has a single code for everything it refuses itself.
func kindOf(code int, err mongo.ServerError) error {
	if code != atlasError {
		return kindOfCode(code)
	}
	if strings.Contains(err.Error(), "quota") {
		return storage.ErrFull
	}
	return storage.ErrSchema
}

func isNetwork(err error) bool {
	var network net.Error
	return mongo.IsNetworkError(err) || errors.As(err, new(topology.ConnectionError)) || errors.As(err, new(driver.RetryablePoolError)) ||
		errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// reworded is an error with a different message.
type reworded struct {
	text string
	err  error
}

func (t reworded) Error() string { return t.text }

// Unwrap returns the original error.
func (t reworded) Unwrap() error { return t.err }

// serversOf returns why no server could be selected: the last error of each one.
func serversOf(err topology.ServerSelectionError) string {
	var causes []string
	for _, server := range err.Desc.Servers {
		if server.LastError != nil {
			causes = append(causes, server.Addr.String()+": "+server.LastError.Error())
		}
	}
	if causes == nil {
		return err.Error()
	}
	return strings.Join(causes, "; ")
}

// truncated truncates the message of an error, because a server repeats the command that it refuses, with every
// document in it.
func truncated(err error) error {
	const most = 300
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return reworded{strings.ToValidUTF8(text[:most], "") + " …", err}
}

// neverSent reports whether the command did not reach a connection.
func neverSent(err error) bool {
	var dial *net.OpError
	var connection topology.ConnectionError
	return errors.As(err, new(topology.ServerSelectionError)) || errors.As(err, new(topology.WaitQueueTimeoutError)) ||
		errors.As(err, new(driver.RetryablePoolError)) || errors.As(err, new(*auth.Error)) || errors.Is(err, driver.ErrDeadlineWouldBeExceeded) ||
		errors.As(err, &dial) && dial.Op == "dial" ||
		errors.As(err, &connection) && strings.Contains(connection.Error(), "during connection handshake")
}

// refused reports whether the server refused a command of n documents as a whole, so that certainly none is stored.
// Errors that may occur between several documents count only for a single one. Errors that may concern a document that
// is already stored, for instance because the server is shutting down, never count.
func refused(err error, n int) bool {
	var answer mongo.CommandError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case failedToParse, userNotFound, unauthorized, authenticationFailed, commandNotFound, invalidOptions, invalidNamespace,
		commandNotSupported, onView, atlasError:
		return true
	case notWritablePrimary, notPrimaryLegacy: // the message is longer if it occurred between documents
		return n == 1 || answer.Message == "not primary" || answer.Message == "not master"
	case userWritesBlocked, outOfDiskSpace, quotaExceeded:
		return n == 1
	}
	return false
}
