package sendoff

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// retryInterval is how often a record that waits for memory is tried again although no report was taken: memory also
// becomes free when the network lets go of what was reported before.
const retryInterval = 100 * time.Millisecond

// headersOnStack is the size of packed headers up to which they need no memory of their own.
const headersOnStack = 512

// core is the state of a producer. The goroutines of a producer hold its core and never the Producer itself, so that
// a Producer that its program has forgotten is garbage.
type core struct {
	handle   uintptr
	logger   *slog.Logger
	maxBlock time.Duration
	slots    slotTable
	topics   topics
	drain    drain
	created  string // where, for the report of a leak

	stopTokens context.CancelFunc // for the program's TokenProvider; nil without one

	beginClosing sync.Once
	closing      chan struct{} // closed when the close begins
	ended        chan struct{} // closed when the last callback has run and nothing is left
	aborted      bool          // once ended: whether records were aborted

	eventsTaken  sync.Mutex
	lastCounters atomic.Pointer[Counters] // once ended
}

// produce accepts one record, or says why not.
func (c *core) produce(ctx context.Context, record *Record, callback func(Delivery)) error {
	if ctx.Err() != nil {
		return contextError(ctx, "produce")
	}
	topic := c.topics.last.Load()
	if topic == nil || topic.name != record.Topic {
		var err error
		if topic, err = c.topics.find(c.handle, record.Topic); err != nil {
			return err
		}
	}
	status := c.try(topic.id, record, callback)
	if status == statusOK {
		return nil
	}
	if !isFull(status) {
		return refusal(status)
	}
	return c.produceWaiting(ctx, topic.id, record, callback)
}

// try hands one record to the library, which never waits, and returns its status.
func (c *core) try(topic uint32, record *Record, callback func(Delivery)) int32 {
	if len(record.Headers) == 0 {
		return c.tryPacked(topic, record, nil, callback)
	}
	var onStack [headersOnStack]byte
	packed, status := appendHeaders(onStack[:0], record.Headers)
	if status != statusOK {
		return status
	}
	return c.tryPacked(topic, record, packed, callback)
}

// tryPacked keeps the callback before it hands the record over, since the report may be there before the call
// returns.
func (c *core) tryPacked(topic uint32, record *Record, headers []byte, callback func(Delivery)) int32 {
	number, epoch, ok := c.slots.acquire(callback)
	if !ok {
		return statusClosed
	}
	call := native.Call{Topic: topic, Partition: record.Partition.number, Opaque: number}
	if record.Partition.named {
		call.Set = native.SetPartition
	}
	if !record.Timestamp.IsZero() {
		call.Set |= native.SetTimestamp
		call.TimestampMs = record.Timestamp.UnixMilli()
	}
	native.Send(c.handle, &call, record.Key, record.Value, headers)
	if call.Status != statusOK {
		c.slots.release(number)
	} else if c.slots.currentEpoch.Load() != epoch {
		c.cutLinger() // a flush that waits for this record came before the library had it
	}
	return call.Status
}

// produceWaiting tries again whenever memory may have become free, until max.block.ms has passed.
func (c *core) produceWaiting(ctx context.Context, topic uint32, record *Record, callback func(Delivery)) error {
	deadline := time.Now().Add(c.maxBlock)
	cannotWait := c.drain.isCurrent() // memory becomes free only after the callback that this is in
	for {
		change := c.slots.awaitChange() // before the try, so that no change is missed
		status := c.try(topic, record, callback)
		if status == statusOK {
			return nil
		}
		if !isFull(status) {
			return refusal(status)
		}
		left := time.Until(deadline)
		if left <= 0 || cannotWait {
			return refusal(status)
		}
		c.cutLinger() // what lingers holds memory
		if err := c.waitForChange(ctx, change, min(left, retryInterval)); err != nil {
			return err
		}
	}
}

func (c *core) waitForChange(ctx context.Context, change <-chan struct{}, atMost time.Duration) error {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-change:
	case <-timer.C:
	case <-c.closing:
	case <-ctx.Done():
		return contextError(ctx, "produce: waiting for buffer.memory")
	}
	return nil
}

// flush waits until every record that was accepted before it has had its callback.
func (c *core) flush(ctx context.Context) error {
	settled := c.slots.seal()
	if settled == nil {
		return nil
	}
	c.cutLinger()
	return c.waitUntilSettled(ctx, settled)
}

func (c *core) waitUntilSettled(ctx context.Context, settled <-chan struct{}) error {
	select {
	case <-settled:
		return nil
	case <-c.ended:
		select {
		case <-settled: // both are there when the last callback has run
			return nil
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		return contextError(ctx, "flush")
	}
}

// cutLinger sends what was accepted without waiting for more, and does not wait for it: "timed out" is as good as OK.
// It fails only once the producer is closed, when nothing lingers.
func (c *core) cutLinger() {
	native.CutLinger(c.handle)
}
