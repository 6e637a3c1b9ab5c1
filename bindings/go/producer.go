package sendoff

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strconv"

	"sendoff.org/sendoff/internal/native"
)

// Producer sends records to a Kafka cluster. Every method may be called from any goroutine at any time, also from a
// delivery callback, and several at once.
//
// A Producer has one goroutine that runs its delivery callbacks, one that hands on log lines, one that calls the
// TokenProvider if there is one, and one thread of the C library's that does all its network work. Close ends them.
type Producer struct {
	core    *core
	cleanup runtime.Cleanup
}

// NewProducer makes a producer. It never waits for the network; Connect does. The error of a wrong setting names the
// setting and what is allowed, and is ErrInvalidSetting or ErrUnknownSetting.
func NewProducer(config Config) (*Producer, error) {
	nativeConfig, err := config.build()
	if err != nil {
		return nil, err
	}
	defer nativeConfig.free()
	maxBlock, err := nativeConfig.duration("max.block.ms")
	if err != nil {
		return nil, err
	}
	var handle uintptr
	buffer := make([]byte, errorBufferBytes)
	if status := native.Open(uintptr(nativeConfig), &handle, buffer); status != statusOK {
		return nil, errorWithDetail(status, buffer)
	}
	logger := config.Logger
	if logger == nil {
		logger = slog.Default()
	}
	made := &core{
		handle:   handle,
		logger:   logger,
		maxBlock: maxBlock,
		created:  caller(),
		closing:  make(chan struct{}),
		ended:    make(chan struct{}),
	}
	if err := made.start(config.TokenProvider); err != nil {
		native.Destroy(handle)
		return nil, err
	}
	producer := &Producer{core: made}
	producer.cleanup = runtime.AddCleanup(producer, (*core).reportLeak, made)
	return producer, nil
}

// Produce accepts one record to be sent, and copies it. If it returns nil, the record is accepted, and callback is
// called exactly once, when its outcome is known; a nil callback leaves it to Counters. If it returns an error, the
// record was not accepted and callback is not called.
//
// Produce waits only for memory (buffer.memory), at most max.block.ms and until ctx ends; then the error is
// ErrBufferFull, or wraps that of the context. It never waits for the network, and inside of a callback not at all.
// ctx ends no more than this wait: an accepted record is sent. Other errors: ErrClosed, ErrRecordTooLarge,
// ErrPartitionOutOfRange, ErrInvalidTopic, ErrInvalidArgument.
//
// Callbacks run one after the other on a goroutine of the producer's own, in the order of a partition's records. One
// that takes long holds up other callbacks and in the end, by the memory that waits for them, Produce; never the
// network. One that panics is logged and harms nothing else.
func (p *Producer) Produce(ctx context.Context, record *Record, callback func(Delivery)) error {
	err := p.core.produce(ctx, record, callback)
	runtime.KeepAlive(p)
	return err
}

// ProduceSync sends records and waits until the outcome of all of them is known or ctx ends. It does not wait for
// linger.ms. There is one Delivery for each record, in their order, and the error is nil if all were delivered, else
// that of the first that was not.
//
// A record that was not accepted has the outcome NotDelivered and the error that Produce would have returned. One that
// was accepted and whose outcome is not known when ctx ends has OutcomeUnknown and an error that wraps that of the
// context; it goes on being sent. Inside of a callback the error is ErrInCallback, and nothing is sent.
func (p *Producer) ProduceSync(ctx context.Context, records ...*Record) ([]Delivery, error) {
	deliveries, err := p.core.produceSync(ctx, records)
	runtime.KeepAlive(p)
	return deliveries, err
}

// Flush sends what was accepted without waiting for linger.ms, and waits until every record that was accepted before it
// has had its callback, or ctx ends; then the error wraps that of the context. What became of the records is for their
// callbacks to say. Inside of a callback the error is ErrInCallback.
func (p *Producer) Flush(ctx context.Context) error {
	if p.core.drain.isCurrent() {
		return ErrInCallback
	}
	err := p.core.flush(ctx)
	runtime.KeepAlive(p)
	return err
}

// start begins to take reports and events, and to give tokens.
func (c *core) start(provider TokenProvider) error {
	c.slots.init()
	c.topics.init()
	if err := c.drain.init(c); err != nil {
		return err
	}
	if err := c.startTokens(provider); err != nil {
		return errors.Join(err, c.drain.descriptor.Close())
	}
	go c.drain.run()
	go c.handOnEvents()
	return nil
}

// caller is the place in the program that called NewProducer.
func caller() string {
	const ofTheCallersCaller = 2
	_, file, line, ok := runtime.Caller(ofTheCallersCaller)
	if !ok {
		return "unknown"
	}
	return file + ":" + strconv.Itoa(line)
}
