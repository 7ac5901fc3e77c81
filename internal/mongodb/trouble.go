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

// Server error codes checked by the function refused, named as in MongoDB's error_codes.yml.
const (
	failedToParse        = 9
	userNotFound         = 11
	unauthorized         = 13
	authenticationFailed = 18
	commandNotFound      = 59
	invalidOptions       = 72
	invalidNamespace     = 73
	commandNotSupported  = 115
	onView               = 166
	userWritesBlocked    = 371
	atlasError           = 8000
	notPrimaryLegacy     = 10058
	notWritablePrimary   = 10107
	quotaExceeded        = 12501
	outOfDiskSpace       = 14031
)

// wrongLogin is the message for a refused login.
const wrongLogin = "the server refuses the user or the password in the URL"

// meaningOf returns the kind of problem that an error code indicates, or nil if we can't act on it. It also returns a
// remedy unless the server's own message suggests one.
func meaningOf(code int) (remedy string, kind error) {
	switch code {
	case userNotFound, authenticationFailed:
		return wrongLogin, storage.ErrSchema
	case unauthorized:
		return "the user in the URL lacks a permission; give it the role readWrite on the database", storage.ErrSchema
	case onView:
		return "fights is a view; it must be a collection", storage.ErrSchema
	case 121: // DocumentValidationFailure
		return "the collection has a validator that refuses fights", storage.ErrSchema
	// PrivilegeNotFound, CannotCreateIndex, IndexOptionsConflict, IndexKeySpecsConflict, IncompatibleServerVersion,
	// AuthenticationRestrictionUnmet, MechanismUnavailable, ReauthenticationRequired
	case invalidNamespace, commandNotFound, commandNotSupported, 33, 67, 85, 86, 188, 214, 334, 391:
		return "", storage.ErrSchema
	case outOfDiskSpace, quotaExceeded:
		return "", storage.ErrFull
	case userWritesBlocked:
		return "an administrator has blocked writes on the server", storage.ErrFull
	// The URL restricts the driver to this server; otherwise the driver would find the primary by itself.
	case notWritablePrimary, notPrimaryLegacy:
		return "the server is not the primary and accepts no writes; list the whole replica set in the URL", storage.ErrFull
	// LockTimeout, LockBusy, MaxTimeMSExpired, LockFailed, WriteConflict, ExceededTimeLimit, TemporarilyUnavailable,
	// ResourceExhausted, AdmissionQueueOverflow, RateLimitExceeded
	case 24, 46, 50, 107, 112, 262, 365, 402, 433, 449:
		return "", storage.ErrBusy
	case 269, 301: // DataModifiedByRepair, DataCorruptionDetected
		return "the server reports damaged data; restore it from a backup", storage.ErrDamaged
	// HostUnreachable, HostNotFound, WriteConcernTimeout, NetworkTimeout, ShutdownInProgress, NotYetInitialized,
	// UnsatisfiableWriteConcern, FailedToSatisfyReadPreference, ReadConcernMajorityNotAvailableYet, NoConfigPrimary,
	// PrimarySteppedDown, NetworkInterfaceExceededTimeLimit, ElectionInProgress, SocketException, InterruptedAtShutdown,
	// InterruptedDueToReplStateChange, NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary
	case 6, 7, 64, 89, 91, 94, 100, 133, 134, 149, 189, 202, 216, 9001, 11600, 11602, 13435, 13436:
		return "", storage.ErrUnavailable
	}
	return "", nil
}

// trouble wraps an error from the driver as one of the error kinds in package storage, if its kind is known.
func trouble(err error) error {
	var server mongo.ServerError
	var selection topology.ServerSelectionError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &server):
		for _, code := range server.ErrorCodes() {
			remedy, kind := meaningOf(code)
			if code == atlasError { // Atlas uses this code for every command that Atlas itself refuses
				kind = storage.ErrSchema
				if strings.Contains(server.Error(), "quota") {
					kind = storage.ErrFull
				}
			}
			if kind != nil {
				return storage.As(kind, truncated(err), remedy)
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
		return storage.As(storage.ErrSchema, truncated(err), wrongLogin)
	}
	return err
}

func isNetwork(err error) bool {
	var network net.Error
	return mongo.IsNetworkError(err) || errors.As(err, new(topology.ConnectionError)) ||
		errors.As(err, new(driver.RetryablePoolError)) || errors.As(err, &network) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// reworded wraps an error and replaces its message.
type reworded struct {
	text string
	err  error
}

func (t reworded) Error() string { return t.text }

// Unwrap returns the original error.
func (t reworded) Unwrap() error { return t.err }

// serversOf returns the reason why no server could be selected: the last error from each server.
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

// truncated truncates the message of an error, because some servers quote the refused command with all its documents.
func truncated(err error) error {
	const most = 300
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return reworded{strings.ToValidUTF8(text[:most], "") + " …", err}
}

// neverSent reports whether err means that the command was never sent over a connection.
func neverSent(err error) bool {
	var dial *net.OpError
	var connection topology.ConnectionError
	return errors.As(err, new(topology.ServerSelectionError)) || errors.As(err, new(topology.WaitQueueTimeoutError)) ||
		errors.As(err, new(driver.RetryablePoolError)) || errors.As(err, new(*auth.Error)) ||
		errors.Is(err, driver.ErrDeadlineWouldBeExceeded) ||
		errors.As(err, &dial) && dial.Op == "dial" ||
		errors.As(err, &connection) && strings.Contains(connection.Error(), "during connection handshake")
}

// refused reports whether the server refused a command of n documents as a whole. In that case, no document was stored.
// An error that can occur between two documents counts as a refusal only if n is 1. An error that can occur after a
// document was stored, for instance because the server is shutting down, never counts as a refusal.
func refused(err error, n int) bool {
	var answer mongo.CommandError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case failedToParse, userNotFound, unauthorized, authenticationFailed, commandNotFound, invalidOptions,
		invalidNamespace, commandNotSupported, onView, atlasError:
		return true
	case notWritablePrimary, notPrimaryLegacy: // the message is longer if the error occurred between two documents
		return n == 1 || answer.Message == "not primary" || answer.Message == "not master"
	case userWritesBlocked, outOfDiskSpace, quotaExceeded:
		return n == 1
	}
	return false
}
