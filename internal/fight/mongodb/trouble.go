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

// What the server answers with, where several places ask for it. The names are those of MongoDB's error_codes.yml.
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

// kindsOfCodes are the kinds of trouble that a server's error codes mean. A code that isn't here says nothing that we
// could act on.
var kindsOfCodes = map[int]error{
	userNotFound: storage.ErrSchema, unauthorized: storage.ErrSchema, authenticationFailed: storage.ErrSchema,
	33:  storage.ErrSchema, // PrivilegeNotFound
	214: storage.ErrSchema, // AuthenticationRestrictionUnmet
	334: storage.ErrSchema, // MechanismUnavailable
	391: storage.ErrSchema, // ReauthenticationRequired
	// The collection is a view, or refuses our documents or indexes.
	onView: storage.ErrSchema, invalidNamespace: storage.ErrSchema,
	67:  storage.ErrSchema, // CannotCreateIndex
	85:  storage.ErrSchema, // IndexOptionsConflict
	86:  storage.ErrSchema, // IndexKeySpecsConflict
	121: storage.ErrSchema, // DocumentValidationFailure
	// Not the server that we need.
	commandNotFound: storage.ErrSchema, commandNotSupported: storage.ErrSchema,
	188: storage.ErrSchema, // IncompatibleServerVersion

	outOfDiskSpace: storage.ErrFull, quotaExceeded: storage.ErrFull, userWritesBlocked: storage.ErrFull,
	// A server that we are bound to and that takes reads only. Where there is a primary the driver finds it by itself.
	notWritablePrimary: storage.ErrFull, notPrimaryLegacy: storage.ErrFull,

	24:  storage.ErrBusy, // LockTimeout
	46:  storage.ErrBusy, // LockBusy
	50:  storage.ErrBusy, // MaxTimeMSExpired
	107: storage.ErrBusy, // LockFailed
	112: storage.ErrBusy, // WriteConflict
	262: storage.ErrBusy, // ExceededTimeLimit
	365: storage.ErrBusy, // TemporarilyUnavailable
	402: storage.ErrBusy, // ResourceExhausted
	433: storage.ErrBusy, // AdmissionQueueOverflow
	449: storage.ErrBusy, // RateLimitExceeded

	269: storage.ErrDamaged, // DataModifiedByRepair
	301: storage.ErrDamaged, // DataCorruptionDetected

	6:     storage.ErrUnavailable, // HostUnreachable
	7:     storage.ErrUnavailable, // HostNotFound
	64:    storage.ErrUnavailable, // WriteConcernTimeout
	89:    storage.ErrUnavailable, // NetworkTimeout
	91:    storage.ErrUnavailable, // ShutdownInProgress
	94:    storage.ErrUnavailable, // NotYetInitialized
	100:   storage.ErrUnavailable, // UnsatisfiableWriteConcern
	133:   storage.ErrUnavailable, // FailedToSatisfyReadPreference
	134:   storage.ErrUnavailable, // ReadConcernMajorityNotAvailableYet
	149:   storage.ErrUnavailable, // NoConfigPrimary
	189:   storage.ErrUnavailable, // PrimarySteppedDown
	202:   storage.ErrUnavailable, // NetworkInterfaceExceededTimeLimit
	216:   storage.ErrUnavailable, // ElectionInProgress
	9001:  storage.ErrUnavailable, // SocketException
	11600: storage.ErrUnavailable, // InterruptedAtShutdown
	11602: storage.ErrUnavailable, // InterruptedDueToReplStateChange
	13435: storage.ErrUnavailable, // NotPrimaryNoSecondaryOk
	13436: storage.ErrUnavailable, // NotPrimaryOrSecondary
}

// details say what to do, for the codes whose own text doesn't.
var details = map[int]string{
	userNotFound:         "the server refuses the user or the password of the URL",
	authenticationFailed: "the server refuses the user or the password of the URL",
	unauthorized:         "the user of the URL lacks a permission; give it the role readWrite on the database",
	121:                  "the collection has a validator that refuses fights",
	onView:               "fights is a view; it must be a collection",
	notWritablePrimary:   "the server is no primary and takes reads only; name the whole replica set in the URL",
	notPrimaryLegacy:     "the server is no primary and takes reads only; name the whole replica set in the URL",
	userWritesBlocked:    "the server was told to block writes",
	269:                  "the server says that its data is damaged; restore it from a backup",
	301:                  "the server says that its data is damaged; restore it from a backup",
}

// Trouble returns the driver's error as trouble of a kind (package storage), where its kind is known.
func Trouble(err error) error {
	var server mongo.ServerError
	var selection topology.ServerSelectionError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &server):
		for _, code := range server.ErrorCodes() {
			if kind := kindOf(code, server); kind != nil {
				return storage.As(kind, brief(err), details[code])
			}
		}
	}
	switch {
	case errors.As(err, &selection):
		return storage.As(storage.ErrUnavailable, told{serversOf(selection), err})
	case errors.As(err, new(topology.WaitQueueTimeoutError)):
		return storage.As(storage.ErrUnavailable, brief(err), "no connection to the server was free in time")
	case isNetwork(err):
		return storage.As(storage.ErrUnavailable, brief(err))
	case errors.As(err, new(*auth.Error)):
		return storage.As(storage.ErrSchema, brief(err), details[authenticationFailed])
	}
	return err
}

// kindOf returns the kind of a code, nil for none. Atlas has one code for all that it refuses by itself.
func kindOf(code int, err mongo.ServerError) error {
	if code != atlasError {
		return kindsOfCodes[code]
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

// told is an error in other words.
type told struct {
	text string
	err  error
}

func (t told) Error() string { return t.text }

// Unwrap returns the error itself.
func (t told) Unwrap() error { return t.err }

// serversOf says why no server could be chosen: what the last try to reach each of them came to.
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

// brief keeps the text of an error short: a server repeats the command that it refuses, with every document in it.
func brief(err error) error {
	const most = 300
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return told{strings.ToValidUTF8(text[:most], "") + " …", err}
}

// neverSent reports whether the command did not get as far as a connection.
func neverSent(err error) bool {
	var dial *net.OpError
	var connection topology.ConnectionError
	return errors.As(err, new(topology.ServerSelectionError)) || errors.As(err, new(topology.WaitQueueTimeoutError)) ||
		errors.As(err, new(driver.RetryablePoolError)) || errors.As(err, new(*auth.Error)) || errors.Is(err, driver.ErrDeadlineWouldBeExceeded) ||
		errors.As(err, &dial) && dial.Op == "dial" ||
		errors.As(err, &connection) && strings.Contains(connection.Error(), "during connection handshake")
}

// refused reports whether the server answered that it refuses a command of n documents as a whole, so that surely none
// is stored. What may also be said in the middle of several documents counts for one alone; what may be said of a
// document that is stored already, such as that the server is shutting down, never counts.
func refused(err error, n int) bool {
	var answer mongo.CommandError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case failedToParse, userNotFound, unauthorized, authenticationFailed, commandNotFound, invalidOptions, invalidNamespace,
		commandNotSupported, onView, atlasError:
		return true
	case notWritablePrimary, notPrimaryLegacy: // said in the middle, the text is longer
		return n == 1 || answer.Message == "not primary" || answer.Message == "not master"
	case userWritesBlocked, outOfDiskSpace, quotaExceeded:
		return n == 1
	}
	return false
}
