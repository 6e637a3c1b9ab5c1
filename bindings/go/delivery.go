package sendoff

import (
	"time"

	"sendoff.org/sendoff/internal/native"
)

// Delivery is what became of one accepted record.
type Delivery struct {
	Topic string

	// Offset of the record in its partition, -1 if it is not known.
	Offset int64

	// Timestamp of the record, or the broker's if the topic is set to LogAppendTime.
	Timestamp time.Time

	// Latency from acceptance to the outcome.
	Latency time.Duration

	// Partition that the record was in, -1 if none had been chosen yet.
	Partition int32

	// Attempts counts the requests that carried the record; 65535 stands for that many or more.
	Attempts uint16

	Outcome Outcome

	// Err says why the record was not delivered, or why that is not known; it is an *Error, or wraps the error of the
	// context that ended the wait of ProduceSync. It is nil if the record was delivered, and with acks=0, where
	// nobody can know: then Outcome is OutcomeUnknown.
	Err error
}

// Outcome says what is known about a record, and so whether it is safe to send it again.
type Outcome uint8

const (
	// Delivered: acknowledged as acks asks for.
	Delivered Outcome = 1
	// DeliveredOffsetUnknown: acknowledged, but the broker no longer knew at which offset.
	DeliveredOffsetUnknown Outcome = 2
	// NotDelivered: not written by any broker. To send it again is safe.
	NotDelivered Outcome = 3
	// OutcomeUnknown: it may have been written, for instance if the delivery timeout passed while a request was open.
	// To send it again may write it twice.
	OutcomeUnknown Outcome = 4
)

func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case DeliveredOffsetUnknown:
		return "delivered, offset unknown"
	case NotDelivered:
		return "not delivered"
	case OutcomeUnknown:
		return "unknown"
	default:
		return "none"
	}
}

func deliveryOf(report *native.Report, topic string) Delivery {
	delivery := Delivery{
		Topic:     topic,
		Partition: report.Partition,
		Offset:    report.Offset,
		Timestamp: time.UnixMilli(report.TimestampMs),
		Latency:   time.Duration(report.LatencyUs) * time.Microsecond,
		Attempts:  report.Attempts,
		Outcome:   Outcome(report.Outcome),
	}
	if report.Status != statusOK && report.Status != statusNoAcknowledgement {
		delivery.Err = errorOf(report.Status, delivery.Outcome)
	}
	return delivery
}
