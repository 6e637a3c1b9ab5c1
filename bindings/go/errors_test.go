package sendoff_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

func TestSettingsThatAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "wrong.properties")
	must(t, os.WriteFile(file, []byte("bootstrap.servers=127.0.0.1:1\nlinger.ms=never\n"), 0o600))
	for _, each := range []struct {
		name   string
		config sendoff.Config
		is     error
		says   string
	}{
		{"bad value", configOf("127.0.0.1:1", "linger.ms", "soon"), sendoff.ErrInvalidSetting, "linger.ms"},
		{"unknown name", configOf("127.0.0.1:1", "linger.mss", "5"), sendoff.ErrUnknownSetting, "linger.mss"},
		{"no brokers", sendoff.Config{}, sendoff.ErrInvalidSetting, "bootstrap.servers"},
		{"bad file", sendoff.Config{File: file}, sendoff.ErrInvalidSetting, "wrong.properties"},
		{"reports elsewhere", configOf("127.0.0.1:1", "delivery.report.mode", "none"), sendoff.ErrInvalidSetting,
			"callback"},
		{"signals elsewhere", configOf("127.0.0.1:1", "shutdown.signals", "SIGINT"), sendoff.ErrInvalidSetting,
			"CloseOnSignal"},
		{"zero byte", configOf("127.0.0.1:1", "client.id", "a\x00b"), sendoff.ErrInvalidSetting, "zero byte"},
		{"zero byte in a file's name", sendoff.Config{File: file + "\x00"}, sendoff.ErrInvalidSetting, "zero byte"},
	} {
		t.Run(each.name, func(t *testing.T) {
			producer, err := sendoff.NewProducer(each.config)
			if !errors.Is(err, each.is) || !strings.Contains(err.Error(), each.says) {
				t.Fatalf("%v, %v", producer, err)
			}
		})
	}
}

func TestSettingsFromAFileAreOverruledBySettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "producer.properties")
	must(t, os.WriteFile(file, []byte("bootstrap.servers=127.0.0.1:1\nbuffer.memory=1000000\n"), 0o600))
	producer, err := sendoff.NewProducer(sendoff.Config{
		File:     file,
		Brokers:  []string{embedded(t)},
		ClientID: "tests",
		Settings: map[string]string{"buffer.memory": "2000000", "a.future.setting": "1", "unknown.settings": "warn"},
	})
	must(t, err)
	_, err = producer.ProduceSync(deadline(t), &sendoff.Record{Topic: newTopic()})
	must(t, err)
	counters, err := producer.Counters()
	must(t, err)
	if counters.BufferBytesTotal < 1_900_000 || counters.BufferBytesTotal > 2_000_000 { // whole pages of it
		t.Errorf("buffer.memory is %d", counters.BufferBytesTotal)
	}
	must(t, producer.Close())
}

func TestRecordsThatAreRefused(t *testing.T) {
	producer, topic := newProducer(t, embedded(t)), newTopic()
	must(t, producer.Connect(deadline(t)))
	_, err := producer.Partitions(deadline(t), topic)
	must(t, err)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, each := range []struct {
		name   string
		ctx    context.Context
		record sendoff.Record
		is     error
	}{
		{"too large", deadline(t), sendoff.Record{Topic: topic, Value: make([]byte, 2_000_000)}, sendoff.ErrRecordTooLarge},
		{"no such partition", deadline(t), sendoff.Record{Topic: topic, Partition: sendoff.ToPartition(99)},
			sendoff.ErrPartitionOutOfRange},
		{"negative partition", deadline(t), sendoff.Record{Topic: topic, Partition: sendoff.ToPartition(-1)},
			sendoff.ErrPartitionOutOfRange},
		{"bad topic", deadline(t), sendoff.Record{Topic: "no blanks"}, sendoff.ErrInvalidTopic},
		{"no topic", deadline(t), sendoff.Record{}, sendoff.ErrInvalidTopic},
		{"very long topic", deadline(t), sendoff.Record{Topic: strings.Repeat("a", 1<<20)}, sendoff.ErrInvalidTopic},
		{"zero byte in topic", deadline(t), sendoff.Record{Topic: "a\x00b"}, sendoff.ErrInvalidTopic},
		{"before 1970", deadline(t), sendoff.Record{Topic: topic, Timestamp: time.UnixMilli(-5)}, sendoff.ErrInvalidArgument},
		{"canceled", canceled, sendoff.Record{Topic: topic}, context.Canceled},
	} {
		t.Run(each.name, func(t *testing.T) {
			err := producer.Produce(each.ctx, &each.record, func(delivery sendoff.Delivery) {
				t.Errorf("refused, and yet %+v", delivery)
			})
			if !errors.Is(err, each.is) {
				t.Fatalf("the error is %v", err)
			}
			var failure *sendoff.Error
			if errors.As(err, &failure) && !failure.NotDelivered() {
				t.Errorf("%v is not known to be not delivered", failure)
			}
		})
	}
	must(t, producer.Flush(deadline(t)))
}

func TestARefusalByTheBrokerIsTheDeliverysError(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer := newProducer(t, broker, "max.request.size", "20000000", "buffer.memory", "64000000")
		deliveries, err := producer.ProduceSync(deadline(t),
			&sendoff.Record{Topic: newTopic(), Value: make([]byte, 5_000_000)})
		var failure *sendoff.Error
		if !errors.Is(err, sendoff.ErrMessageTooLarge) || !errors.As(err, &failure) {
			t.Fatalf("the error is %v", err)
		}
		if failure.Name() != "MESSAGE_TOO_LARGE" || failure.Retriable() || failure.Fatal() || !failure.NotDelivered() ||
			deliveries[0].Outcome != sendoff.NotDelivered || failure.Error() == "" {
			t.Errorf("%+v: %v", deliveries[0], failure)
		}
	})
}

func TestAnUnknownTopicFailsItsRecords(t *testing.T) {
	producer := newProducer(t, brokerOf(t, "SENDOFF_TEST_KAFKA"), "allow.auto.create.topics", "false",
		"topic.metadata.propagation.max.ms", "300")
	_, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: newTopic()})
	if !errors.Is(err, sendoff.ErrUnknownTopicOrPartition) {
		t.Fatalf("the error is %v", err)
	}
}

func TestDeliveryTimesOut(t *testing.T) {
	producer := newProducer(t, silentBroker(t), "delivery.timeout.ms", "500", "request.timeout.ms", "300",
		"linger.ms", "0")
	deliveries, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: "silent"})
	if !errors.Is(err, sendoff.ErrDeliveryTimedOut) || deliveries[0].Outcome != sendoff.NotDelivered {
		t.Fatalf("%+v: %v", deliveries[0], err)
	}
}

func TestContextsEndWaits(t *testing.T) {
	producer := newProducer(t, silentBroker(t), "buffer.memory", "65536")
	ended := func(t *testing.T, call func(ctx context.Context) error) error {
		t.Helper()
		reason := errors.New("for a reason")
		ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, reason)
		defer cancel()
		err := call(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, reason) {
			t.Fatalf("the error is %v", err)
		}
		return err
	}
	t.Run("Connect", func(t *testing.T) {
		if err := ended(t, producer.Connect); !errors.Is(err, sendoff.ErrTimedOut) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("Partitions", func(t *testing.T) {
		ended(t, func(ctx context.Context) error { _, err := producer.Partitions(ctx, "silent"); return err })
	})
	t.Run("ProduceSync", func(t *testing.T) {
		ended(t, func(ctx context.Context) error {
			deliveries, err := producer.ProduceSync(ctx, &sendoff.Record{Topic: "silent"})
			if first := deliveries[0]; first.Outcome != sendoff.OutcomeUnknown || first.Topic != "silent" ||
				first.Partition != -1 || first.Offset != -1 || first.Err != err {
				t.Errorf("the delivery is %+v", first)
			}
			return err
		})
	})
	t.Run("Flush", func(t *testing.T) { ended(t, producer.Flush) })
	t.Run("Produce", func(t *testing.T) {
		ended(t, func(ctx context.Context) error {
			for {
				err := producer.Produce(ctx, &sendoff.Record{Topic: "silent", Value: make([]byte, 5000)}, nil)
				if err != nil {
					return err
				}
			}
		})
	})
	abandonedIsClosed(t, producer)
}

// abandonedIsClosed ends a producer with records that cannot be delivered, so that the close at the test's end is
// quick.
func abandonedIsClosed(t *testing.T, producer *sendoff.Producer) {
	t.Helper()
	abandon(t, producer)
	if err := producer.Produce(deadline(t), &sendoff.Record{Topic: "silent"}, nil); !errors.Is(err, sendoff.ErrClosed) {
		t.Errorf("produce after close: %v", err)
	}
}

func TestAFullBufferIsRefusedAfterMaxBlock(t *testing.T) {
	producer := newProducer(t, silentBroker(t), "buffer.memory", "65536", "max.block.ms", "20")
	var err error
	for err == nil {
		err = producer.Produce(deadline(t), &sendoff.Record{Topic: "silent", Value: make([]byte, 5000)}, nil)
	}
	var failure *sendoff.Error
	if !errors.Is(err, sendoff.ErrBufferFull) || !errors.As(err, &failure) || !failure.Retriable() ||
		!failure.NotDelivered() {
		t.Fatalf("the error is %v", err)
	}
	abandonedIsClosed(t, producer)
}

func TestAFullBufferIsWaitedFor(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker, "buffer.memory", "100000", "linger.ms", "100000",
			"delivery.timeout.ms", "200000"), newTopic()
		for range 2000 {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Value: make([]byte, 1000)}, nil))
		}
		must(t, producer.Flush(deadline(t)))
		counters, err := producer.Counters()
		must(t, err)
		if counters.RecordsDelivered != 2000 {
			t.Errorf("counters: %+v", counters)
		}
	})
}

func TestErrorsOfOtherCodesDiffer(t *testing.T) {
	err := error(&sendoff.Error{Code: 6})
	if errors.Is(err, sendoff.ErrClosed) || errors.Is(sendoff.ErrClosed, err) || errors.Is(err, os.ErrClosed) {
		t.Error("is every error the same?")
	}
	if text := err.Error(); !strings.Contains(text, "NOT_LEADER_OR_FOLLOWER") {
		t.Errorf("the text is %q", text)
	}
}
