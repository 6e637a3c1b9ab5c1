package sendoff

import (
	"runtime"

	"sendoff.org/sendoff/internal/native"
)

// Counters are totals since the producer was made, and gauges of the moment.
type Counters struct {
	RecordsAccepted       uint64
	RecordsDelivered      uint64
	RecordsNotDelivered   uint64
	RecordsUnknown        uint64 // their outcome, acks=0 not counted
	RecordsUnacknowledged uint64 // with acks=0: handed to the system
	BytesAccepted         uint64 // of keys, values and headers

	BatchesSent            uint64 // attempts counted
	BatchesRetried         uint64 // attempts after the first
	BatchesSplit           uint64 // that a broker found too large
	BatchBytesSent         uint64 // as sent, after compression
	BatchBytesUncompressed uint64
	OutOfOrderAnswers      uint64 // OUT_OF_ORDER_SEQUENCE_NUMBER
	OutcomesResolved       uint64 // batches whose outcome was unknown and became known
	EpochsRaised           uint64 // partitions that went on under a new epoch

	RequestsSent      uint64
	ResponsesReceived uint64
	ConnectionsOpened uint64
	ConnectionsFailed uint64
	ConnectionsLost   uint64
	ThrottledMs       uint64

	RecordsPending    uint64 // gauge: accepted, and the outcome not known
	ReportsUnread     uint64 // gauge: outcomes known, on the way to their callbacks
	RequestsInFlight  uint64 // gauge
	BufferBytesUsed   uint64 // gauge: of buffer.memory
	BufferBytesTotal  uint64
	BufferBytesStaged uint64 // gauge: of BufferBytesUsed, for records whose topic or partition is not known yet
}

// Counters returns what the producer has done. It does not block, and works on a closed producer as well.
func (p *Producer) Counters() (Counters, error) {
	counters, err := p.core.counters()
	runtime.KeepAlive(p)
	return counters, err
}

func (c *core) counters() (Counters, error) {
	if last := c.lastCounters.Load(); last != nil {
		return *last, nil
	}
	read := native.NewCounters()
	defer native.DeleteCounters(read)
	if status := native.Get_counters(c.handle, read); status != statusOK {
		if last := c.lastCounters.Load(); last != nil { // it has just ended
			return *last, nil
		}
		return Counters{}, errorOf(status, 0)
	}
	return Counters{
		RecordsAccepted:        read.GetRecords_accepted(),
		RecordsDelivered:       read.GetRecords_delivered(),
		RecordsNotDelivered:    read.GetRecords_not_delivered(),
		RecordsUnknown:         read.GetRecords_unknown(),
		RecordsUnacknowledged:  read.GetRecords_unacknowledged(),
		BytesAccepted:          read.GetBytes_accepted(),
		BatchesSent:            read.GetBatches_sent(),
		BatchesRetried:         read.GetBatches_retried(),
		BatchesSplit:           read.GetBatches_split(),
		BatchBytesSent:         read.GetBatch_bytes_sent(),
		BatchBytesUncompressed: read.GetBatch_bytes_uncompressed(),
		OutOfOrderAnswers:      read.GetOut_of_order_answers(),
		OutcomesResolved:       read.GetOutcomes_resolved(),
		EpochsRaised:           read.GetEpochs_raised(),
		RequestsSent:           read.GetRequests_sent(),
		ResponsesReceived:      read.GetResponses_received(),
		ConnectionsOpened:      read.GetConnections_opened(),
		ConnectionsFailed:      read.GetConnections_failed(),
		ConnectionsLost:        read.GetConnections_lost(),
		ThrottledMs:            read.GetThrottled_ms(),
		RecordsPending:         read.GetRecords_pending(),
		ReportsUnread:          read.GetReports_unread(),
		RequestsInFlight:       read.GetRequests_in_flight(),
		BufferBytesUsed:        read.GetBuffer_bytes_used(),
		BufferBytesTotal:       read.GetBuffer_bytes_total(),
		BufferBytesStaged:      read.GetBuffer_bytes_staged(),
	}, nil
}
