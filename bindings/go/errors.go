package sendoff

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"sendoff.org/sendoff/internal/native"
)

// Error is a failure as Sendoff or a broker tells it: of a call, of a record that was refused, or of one that was
// accepted and not delivered. errors.Is compares by Code with the errors of this package; errors.As gives the rest.
type Error struct {
	// Code is Kafka's error code if it is -1 or positive, else one of Sendoff's own.
	Code int32

	// Outcome of the record that the error is about: NotDelivered for one that was refused. 0 if it is about no record.
	Outcome Outcome

	// Detail says more, for instance which setting is at fault; it may be empty.
	Detail string
}

// The errors that programs most often look for, for errors.Is.
var (
	// ErrClosed: the producer is closed, or about to be; a record was not accepted.
	ErrClosed error = &Error{Code: statusClosed}
	// ErrBufferFull: buffer.memory, or a partition's share of it, was still full after max.block.ms. It also stands
	// for memory that is held by deliveries whose callbacks have not run yet.
	ErrBufferFull error = &Error{Code: int32(native.BUFFER_FULL)}
	// ErrRecordTooLarge: the record exceeds max.request.size or what buffer.memory can hold.
	ErrRecordTooLarge error = &Error{Code: statusRecordTooLarge}
	// ErrPartitionOutOfRange: the topic has no such partition.
	ErrPartitionOutOfRange error = &Error{Code: int32(native.PARTITION_OUT_OF_RANGE)}
	// ErrDeliveryTimedOut: delivery.timeout.ms passed.
	ErrDeliveryTimedOut error = &Error{Code: int32(native.DELIVERY_TIMED_OUT)}
	// ErrTimedOut: no broker has answered in time. The error of the context is there as well.
	ErrTimedOut error = &Error{Code: statusTimedOut}
	// ErrAborted: the producer was closed before the record was delivered.
	ErrAborted error = &Error{Code: int32(native.ABORTED)}
	// ErrInCallback: the call would wait for the delivery callback that it was made from.
	ErrInCallback error = &Error{Code: int32(native.IN_CALLBACK)}
	// ErrInvalidSetting: a setting has a value that is not allowed.
	ErrInvalidSetting error = &Error{Code: statusInvalidSetting}
	// ErrUnknownSetting: there is no setting of that name.
	ErrUnknownSetting error = &Error{Code: int32(native.UNKNOWN_SETTING)}
	// ErrInvalidArgument: an argument is out of its range.
	ErrInvalidArgument error = &Error{Code: statusInvalidArgument}
	// ErrNotConfigured: the producer was not configured for the call, for instance for credentials.
	ErrNotConfigured error = &Error{Code: statusNotConfigured}
	// ErrTLSHandshakeFailed: no connection could be secured.
	ErrTLSHandshakeFailed error = &Error{Code: int32(native.TLS_HANDSHAKE_FAILED)}
	// ErrCertificateRefused: a broker's certificate is not one to trust.
	ErrCertificateRefused error = &Error{Code: int32(native.CERTIFICATE_REFUSED)}
	// ErrLoginFailed: a login failed.
	ErrLoginFailed error = &Error{Code: int32(native.LOGIN_FAILED)}
	// ErrInvalidTopic: Kafka allows no topic of that name.
	ErrInvalidTopic error = &Error{Code: 17}
	// ErrUnknownTopicOrPartition: the cluster has no such topic or partition.
	ErrUnknownTopicOrPartition error = &Error{Code: 3}
	// ErrMessageTooLarge: the broker takes no record of that size (message.max.bytes).
	ErrMessageTooLarge error = &Error{Code: 10}
	// ErrTopicAuthorizationFailed: the client may not write to the topic.
	ErrTopicAuthorizationFailed error = &Error{Code: 29}
)

// The statuses that the package itself looks at, in Go's memory: native's are variables of the generated code.
var (
	statusOK                = int32(native.OK)
	statusClosed            = int32(native.CLOSED)
	statusTimedOut          = int32(native.TIMED_OUT)
	statusInterrupted       = int32(native.INTERRUPTED)
	statusNotConfigured     = int32(native.NOT_CONFIGURED)
	statusInvalidArgument   = int32(native.INVALID_ARGUMENT)
	statusInvalidSetting    = int32(native.INVALID_SETTING)
	statusBufferFull        = int32(native.BUFFER_FULL)
	statusPartitionFull     = int32(native.PARTITION_BUFFER_FULL)
	statusRecordTooLarge    = int32(native.RECORD_TOO_LARGE)
	statusReportsUnread     = int32(native.REPORTS_UNREAD)
	statusNoAcknowledgement = int32(native.NO_ACKNOWLEDGEMENT)
)

// Error says what happened, by name and in words.
func (e *Error) Error() string {
	if e.Detail != "" {
		return fmt.Sprintf("sendoff: %s: %s", e.Name(), e.Detail)
	}
	return fmt.Sprintf("sendoff: %s: %s", e.Name(), native.Status_text(e.Code))
}

// Name of the code, for instance "NOT_LEADER_OR_FOLLOWER".
func (e *Error) Name() string {
	return native.Status_name(e.Code)
}

// Is reports whether target is an *Error of the same code. ErrBufferFull stands for every kind of full buffer.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	if !ok {
		return false
	}
	return e.Code == other.Code || (other.Code == statusBufferFull && isFull(e.Code))
}

// Retriable reports whether the same call or record may succeed later.
func (e *Error) Retriable() bool {
	return e.isOfClass(native.CLASS_RETRIABLE)
}

// Fatal reports whether the producer cannot go on: it has to be closed, and a new one made.
func (e *Error) Fatal() bool {
	return e.isOfClass(native.CLASS_FATAL)
}

// Authorization reports whether a login or a permission is missing.
func (e *Error) Authorization() bool {
	return e.isOfClass(native.CLASS_AUTHORIZATION)
}

// NotDelivered reports whether the record was certainly not written, so that to send it again is safe.
func (e *Error) NotDelivered() bool {
	return e.Outcome == NotDelivered
}

func (e *Error) isOfClass(class int) bool {
	return native.Status_class(e.Code)&uint32(class) != 0
}

// isFull reports whether a status says that there is no memory at this moment.
func isFull(status int32) bool {
	return status == statusBufferFull || status == statusPartitionFull || status == statusReportsUnread
}

type errorKey struct {
	status  int32
	outcome Outcome
}

// Errors without details are shared, since a million records may fail for the same reason.
var sharedErrors sync.Map // of errorKey to *Error

func errorOf(status int32, outcome Outcome) error {
	key := errorKey{status, outcome}
	if shared, found := sharedErrors.Load(key); found {
		return shared.(*Error)
	}
	shared, _ := sharedErrors.LoadOrStore(key, &Error{Code: status, Outcome: outcome})
	return shared.(*Error)
}

// refusal is the error of a record that was not accepted.
func refusal(status int32) error {
	return errorOf(status, NotDelivered)
}

// errorWithDetail takes the text that the library wrote into buffer.
func errorWithDetail(status int32, buffer []byte) error {
	text, _, _ := bytes.Cut(buffer, []byte{0})
	return &Error{Code: status, Detail: string(text)}
}

// contextError says what a context ended. It wraps the context's error, and its cause if that is another one.
func contextError(ctx context.Context, what string) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("sendoff: %s: %w: %w", what, err, cause)
	}
	return fmt.Errorf("sendoff: %s: %w", what, err)
}
