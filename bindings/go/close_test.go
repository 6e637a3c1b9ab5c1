package sendoff_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

func TestCloseDeliversWhatWasAccepted(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, err := sendoff.NewProducer(configOf(broker, "linger.ms", "100000", "delivery.timeout.ms", "200000"))
		must(t, err)
		var closer io.Closer = producer
		topic := newTopic()
		var delivered atomic.Int64
		for i := range 1000 {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Value: numbered(i)},
				func(delivery sendoff.Delivery) {
					if delivery.Err == nil {
						delivered.Add(1)
					}
				}))
		}
		must(t, closer.Close())
		if delivered.Load() != 1000 {
			t.Fatalf("%d of 1000 were delivered before Close returned", delivered.Load())
		}
		if lines := consume(t, broker, topic, "%s"); len(lines) != 1000 {
			t.Fatalf("%d of 1000 were read back", len(lines))
		}
	})
}

func TestCloseTwiceAndUseAfterClose(t *testing.T) {
	producer := newProducer(t, embedded(t))
	must(t, producer.Close())
	must(t, producer.Close())
	must(t, producer.CloseContext(deadline(t)))
	must(t, producer.Flush(deadline(t)))
	called := false
	err := producer.Produce(deadline(t), &sendoff.Record{Topic: newTopic()}, func(sendoff.Delivery) { called = true })
	if !errors.Is(err, sendoff.ErrClosed) || called {
		t.Errorf("produce: %v, callback called: %v", err, called)
	}
	deliveries, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: newTopic()})
	if !errors.Is(err, sendoff.ErrClosed) || deliveries[0].Outcome != sendoff.NotDelivered {
		t.Errorf("produce synchronously: %+v, %v", deliveries, err)
	}
	if err := producer.Connect(deadline(t)); !errors.Is(err, sendoff.ErrClosed) {
		t.Errorf("connect: %v", err)
	}
	if _, err := producer.Partitions(deadline(t), newTopic()); !errors.Is(err, sendoff.ErrClosed) {
		t.Errorf("partitions: %v", err)
	}
}

func TestCloseContextAbortsWhatIsLeft(t *testing.T) {
	producer := newProducer(t, silentBroker(t))
	var aborted atomic.Int64
	for range 10 {
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: "silent"}, func(delivery sendoff.Delivery) {
			if errors.Is(delivery.Err, sendoff.ErrAborted) && delivery.Outcome == sendoff.NotDelivered {
				aborted.Add(1)
			}
		}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	counters, err := producer.Counters()
	must(t, err)
	if counters.BufferBytesStaged == 0 || counters.BufferBytesStaged != counters.BufferBytesUsed {
		t.Errorf("%d of %d bytes are staged", counters.BufferBytesStaged, counters.BufferBytesUsed)
	}
	err = producer.CloseContext(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "10 records") {
		t.Errorf("the error is %v", err)
	}
	until(t, "callbacks of aborted records", func() bool { return aborted.Load() == 10 })
}

func TestCloseSaysThatAnotherCloseAborted(t *testing.T) {
	producer := newProducer(t, silentBroker(t))
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: "silent"}, nil))
	closed := make(chan error, 1)
	go func() { closed <- producer.Close() }()
	abandon(t, producer)
	if err := wait(t, closed, "the close without a limit"); !errors.Is(err, sendoff.ErrAborted) {
		t.Errorf("the error is %v", err)
	}
}

func TestCloseInsideACallback(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker, "linger.ms", "200"), newTopic()
		closed := make(chan error, 1)
		var delivered atomic.Int64
		count := func(delivery sendoff.Delivery) {
			if delivery.Err == nil {
				delivered.Add(1)
			}
		}
		to := sendoff.ToPartition(0)
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Partition: to},
			func(delivery sendoff.Delivery) {
				count(delivery)
				must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Partition: to}, count))
				closed <- producer.Close()
			}))
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Partition: to}, count))
		must(t, wait(t, closed, "close inside of a callback returns"))
		must(t, producer.Close()) // from outside it waits
		if delivered.Load() != 3 {
			t.Fatalf("%d of 3 were delivered", delivered.Load())
		}
	})
}

func TestCallsThatWouldWaitForThemselvesAreRefused(t *testing.T) {
	producer, topic := newProducer(t, embedded(t)), newTopic()
	failures := make(chan error, 4)
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic}, func(sendoff.Delivery) {
		ctx := context.Background()
		failures <- producer.Flush(ctx)
		_, err := producer.ProduceSync(ctx, &sendoff.Record{Topic: topic})
		failures <- err
		failures <- producer.Connect(ctx)
		_, err = producer.Partitions(ctx, topic)
		failures <- err
	}))
	for range cap(failures) {
		if err := wait(t, failures, "calls inside of a callback return"); !errors.Is(err, sendoff.ErrInCallback) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestProduceInsideACallbackDoesNotWaitForMemory(t *testing.T) {
	producer, topic := newProducer(t, embedded(t), "buffer.memory", "65536"), newTopic()
	refused := make(chan error, 1)
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic}, func(sendoff.Delivery) {
		for {
			err := producer.Produce(context.Background(), &sendoff.Record{Topic: topic, Value: make([]byte, 5000)}, nil)
			if err != nil {
				refused <- err
				return
			}
		}
	}))
	if err := wait(t, refused, "produce inside of a callback is refused"); !errors.Is(err, sendoff.ErrBufferFull) {
		t.Fatalf("the error is %v", err)
	}
}

func TestAPanicInACallbackHarmsNothingElse(t *testing.T) {
	var log logged
	config := configOf(embedded(t))
	config.Logger = log.logger()
	producer, err := sendoff.NewProducer(config)
	must(t, err)
	topic := newTopic()
	var delivered atomic.Int64
	for i := range 1000 {
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic}, func(sendoff.Delivery) {
			delivered.Add(1)
			switch i {
			case 3, 500, 999:
				panic("of the test")
			case 4, 700:
				runtime.Goexit() // as testing.T.FailNow does
			}
		}))
	}
	must(t, producer.Flush(deadline(t)))
	must(t, producer.Close())
	if delivered.Load() != 1000 {
		t.Errorf("%d of 1000 callbacks ran", delivered.Load())
	}
	text := log.String()
	if panics := strings.Count(text, "panicked"); panics != 3 || !strings.Contains(text, "of the test") ||
		!strings.Contains(text, "close_test.go") || strings.Count(text, "ended its goroutine") != 2 {
		t.Errorf("%d panics were logged: %s", panics, text)
	}
}

func TestLeavingByPanicStillCloses(t *testing.T) {
	topic := newTopic()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		producer, err := sendoff.NewProducer(configOf(embedded(t), "linger.ms", "100000", "delivery.timeout.ms", "200000"))
		must(t, err)
		defer producer.Close()
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Value: []byte("kept")}, nil))
		panic("of the test")
	}()
	if lines := consume(t, embedded(t), topic, "%s"); len(lines) != 1 || lines[0] != "kept" {
		t.Fatalf("read back %q", lines)
	}
}

func TestABlockingCallbackDoesNotHoldUpTheNetwork(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		entered, leave := make(chan struct{}), make(chan struct{})
		var once sync.Once
		release := func() { once.Do(func() { close(leave) }) }
		defer release()
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Value: []byte("0")}, func(sendoff.Delivery) {
			close(entered)
			<-leave
		}))
		wait(t, entered, "the first callback")
		begun := time.Now()
		for i := range 1000 {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Value: numbered(i)}, nil))
		}
		until(t, "the brokers have the others", func() bool {
			counters, err := producer.Counters()
			must(t, err)
			return counters.RecordsDelivered == 1001
		})
		if lines := consume(t, broker, topic, "%s"); len(lines) != 1001 {
			t.Errorf("%d were read back while a callback blocked", len(lines))
		}
		time.Sleep(time.Until(begun.Add(5 * time.Second)))
		release()
		must(t, producer.Flush(deadline(t)))
	})
}

func TestACallbackThatIsStuckDoesNotHoldUpCloseContext(t *testing.T) {
	producer, err := sendoff.NewProducer(configOf(embedded(t)))
	must(t, err)
	entered, leave := make(chan struct{}), make(chan struct{})
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: newTopic()}, func(sendoff.Delivery) {
		close(entered)
		<-leave
	}))
	wait(t, entered, "the callback")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err = producer.CloseContext(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "callbacks of 1 records") {
		t.Errorf("the error is %v", err)
	}
	close(leave)
	must(t, producer.Close())
}

// stuckHandler is a handler of logs that does not return before it is told to.
type stuckHandler struct {
	slog.Handler
	entered, leave chan struct{}
	once           *sync.Once
}

func (h stuckHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h stuckHandler) Handle(context.Context, slog.Record) error {
	h.once.Do(func() { close(h.entered) })
	<-h.leave
	return nil
}

func TestALoggerThatIsStuckDoesNotHoldUpCloseContext(t *testing.T) {
	handler := stuckHandler{slog.DiscardHandler, make(chan struct{}), make(chan struct{}), new(sync.Once)}
	config := configOf("127.0.0.1:1")
	config.Logger = slog.New(handler)
	producer, err := sendoff.NewProducer(config)
	must(t, err)
	wait(t, handler.entered, "a log line")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := producer.CloseContext(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	close(handler.leave)
	must(t, producer.Close())
}

func TestManyGoroutinesSendWhileOneFlushesAndOneCloses(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		var accepted, called atomic.Int64
		var senders sync.WaitGroup
		for range 8 {
			senders.Add(1)
			go func() {
				defer senders.Done()
				for {
					err := producer.Produce(context.Background(), &sendoff.Record{Topic: topic, Value: []byte("v")},
						func(sendoff.Delivery) { called.Add(1) })
					if errors.Is(err, sendoff.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("produce: %v", err)
						return
					}
					if accepted.Add(1) > 100_000 { // enough to read back
						time.Sleep(time.Millisecond)
					}
				}
			}()
		}
		flushed := make(chan error, 1)
		go func() {
			for range 20 {
				if err := producer.Flush(context.Background()); err != nil {
					flushed <- err
					return
				}
			}
			flushed <- nil
		}()
		until(t, "records are accepted", func() bool { return accepted.Load() > 50_000 })
		must(t, wait(t, flushed, "flushes"))
		must(t, producer.CloseContext(deadline(t)))
		senders.Wait()
		if accepted.Load() != called.Load() {
			t.Fatalf("%d were accepted, %d callbacks ran", accepted.Load(), called.Load())
		}
		if lines := consume(t, broker, topic, "%s"); int64(len(lines)) != accepted.Load() {
			t.Fatalf("%d were accepted, %d read back", accepted.Load(), len(lines))
		}
	})
}

func TestManyProducersComeAndGo(t *testing.T) {
	topic := newTopic()
	goroutines := runtime.NumGoroutine()
	for range 50 {
		producer, err := sendoff.NewProducer(configOf(embedded(t)))
		must(t, err)
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic}, nil))
		must(t, producer.Close())
	}
	if lines := consume(t, embedded(t), topic, "%p"); len(lines) != 50 {
		t.Errorf("%d of 50 were read back", len(lines))
	}
	until(t, "their goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestLogLinesGoToTheLogger(t *testing.T) {
	var log logged
	config := configOf("127.0.0.1:1")
	config.Logger = log.logger()
	producer, err := sendoff.NewProducer(config)
	must(t, err)
	must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: "nowhere"}, nil))
	until(t, "a refused connection is logged", func() bool { return strings.Contains(log.String(), "127.0.0.1:1") })
	abandon(t, producer)
}
