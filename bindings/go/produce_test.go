package sendoff_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

func TestDelivers100000RecordsAndTheyAreReadBack(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		const count = 100_000
		producer, topic := newProducer(t, broker), newTopic()
		var delivered, failed atomic.Int64
		for i := range count {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Key: numbered(i % 100), Value: numbered(i)},
				func(delivery sendoff.Delivery) {
					if delivery.Err == nil && delivery.Offset >= 0 && delivery.Topic == topic && delivery.Attempts >= 1 {
						delivered.Add(1)
					} else {
						failed.Add(1)
					}
				}))
		}
		must(t, producer.Flush(deadline(t)))
		if delivered.Load() != count || failed.Load() != 0 {
			t.Fatalf("%d delivered, %d failed", delivered.Load(), failed.Load())
		}
		lines := consume(t, broker, topic, "%s")
		seen := make([]bool, count)
		for _, line := range lines {
			number, err := strconv.Atoi(line)
			must(t, err)
			seen[number] = true
		}
		if len(lines) != count || slices.Contains(seen, false) {
			t.Fatalf("%d of %d records were read back", len(lines), count)
		}
	})
}

func TestDeliveriesOfAPartitionComeInOrder(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		var offsets, sent []int64
		for i := range 5000 {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic, Partition: sendoff.ToPartition(1)},
				func(delivery sendoff.Delivery) {
					offsets, sent = append(offsets, delivery.Offset), append(sent, int64(i))
				}))
		}
		must(t, producer.Flush(deadline(t)))
		if len(offsets) != 5000 || !slices.IsSorted(offsets) || !slices.IsSorted(sent) {
			t.Fatalf("%d deliveries, offsets in order: %v, records in order: %v", len(offsets),
				slices.IsSorted(offsets), slices.IsSorted(sent))
		}
	})
}

func TestNullIsNotEmpty(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		records := []*sendoff.Record{
			{Topic: topic, Key: nil, Value: []byte("no key")},
			{Topic: topic, Key: []byte("tombstone"), Value: nil},
			{Topic: topic, Key: []byte("empty"), Value: []byte{}},
			{Topic: topic, Key: []byte{}, Value: []byte("empty key")},
		}
		for _, record := range records {
			record.Partition = sendoff.ToPartition(2)
		}
		_, err := producer.ProduceSync(deadline(t), records...)
		must(t, err)
		expected := []string{"-1 6 no key", "9 -1 ", "5 0 ", "0 9 empty key"}
		if lines := consume(t, broker, topic, "%K %S %s"); !slices.Equal(lines, expected) {
			t.Fatalf("read back %q", lines)
		}
	})
}

func TestHeadersRepeatAndMayBeNull(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		headers := []sendoff.Header{{"trace", []byte("a")}, {"trace", []byte("b")}, {"null", nil}, {"empty", []byte{}}}
		long := []sendoff.Header{{"long", bytes.Repeat([]byte("x"), 5000)}} // more than has room on the stack
		to := sendoff.ToPartition(0)
		_, err := producer.ProduceSync(deadline(t),
			&sendoff.Record{Topic: topic, Partition: to, Value: []byte("v"), Headers: headers},
			&sendoff.Record{Topic: topic, Partition: to, Value: []byte("w"), Headers: long})
		must(t, err)
		expected := []string{"v trace=a,trace=b,null=NULL,empty=", "w long=" + strings.Repeat("x", 5000)}
		if lines := consume(t, broker, topic, "%s %h"); !slices.Equal(lines, expected) {
			t.Fatalf("read back %.200q", lines)
		}
	})
}

func TestTimestampAndPartitionAreTheRecords(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		when := time.UnixMilli(1_600_000_000_123)
		begun := time.Now().Add(-time.Minute)
		deliveries, err := producer.ProduceSync(deadline(t),
			&sendoff.Record{Topic: topic, Partition: sendoff.ToPartition(2), Timestamp: when},
			&sendoff.Record{Topic: topic, Partition: sendoff.ToPartition(0)})
		must(t, err)
		if first := deliveries[0]; first.Partition != 2 || !first.Timestamp.Equal(when) ||
			first.Outcome != sendoff.Delivered {
			t.Errorf("the first is %+v", first)
		}
		if second := deliveries[1]; second.Partition != 0 || second.Timestamp.Before(begun) || second.Latency <= 0 {
			t.Errorf("the second is %+v", second)
		}
		lines := consume(t, broker, topic, "%p %T")
		if len(lines) != 2 || !slices.Contains(lines, "2 1600000000123") {
			t.Errorf("read back %q", lines)
		}
	})
}

func TestKeysDecideThePartition(t *testing.T) {
	producer, topic := newProducer(t, embedded(t)), newTopic()
	partitions := map[string]int32{}
	for range 3 {
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			deliveries, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: topic, Key: []byte(key)})
			must(t, err)
			partition, known := partitions[key]
			if known && partition != deliveries[0].Partition {
				t.Fatalf("key %s went to partition %d and %d", key, partition, deliveries[0].Partition)
			}
			partitions[key] = deliveries[0].Partition
		}
	}
	if _, named := (sendoff.Partition{}).Number(); named {
		t.Error("the zero Partition names one")
	}
}

func TestLargeValues(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		const size = 1_000_000
		value := bytes.Repeat([]byte("0123456789"), size/10)
		var records []*sendoff.Record
		for range 20 {
			records = append(records, &sendoff.Record{Topic: topic, Value: value})
		}
		_, err := producer.ProduceSync(deadline(t), records...)
		must(t, err)
		lines := consume(t, broker, topic, "%s")
		if len(lines) != len(records) || lines[7] != string(value) {
			t.Fatalf("%d values were read back", len(lines))
		}
	})
}

func TestARecordMayBeUsedAgainAtOnce(t *testing.T) {
	producer, topic := newProducer(t, embedded(t)), newTopic()
	record := sendoff.Record{Topic: topic, Value: make([]byte, 1), Partition: sendoff.ToPartition(0)}
	for _, letter := range []byte("abcdefgh") {
		record.Value[0] = letter
		must(t, producer.Produce(deadline(t), &record, nil))
	}
	must(t, producer.Flush(deadline(t)))
	if read := strings.Join(consume(t, embedded(t), topic, "%s"), ""); read != "abcdefgh" {
		t.Fatalf("read back %s", read)
	}
}

func TestManyTopics(t *testing.T) {
	producer := newProducer(t, embedded(t))
	var names []string
	var records []*sendoff.Record
	for range 20 {
		names = append(names, newTopic())
	}
	for i := range 200 {
		records = append(records, &sendoff.Record{Topic: names[i%len(names)], Value: numbered(i)})
	}
	deliveries, err := producer.ProduceSync(deadline(t), records...)
	must(t, err)
	for i, delivery := range deliveries {
		if delivery.Topic != names[i%len(names)] {
			t.Fatalf("record %d went to %s", i, delivery.Topic)
		}
	}
}

func TestWithoutAcknowledgementsNothingCountsAsFailed(t *testing.T) {
	producer := newProducer(t, embedded(t), "acks", "0", "enable.idempotence", "false")
	deliveries, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: newTopic()})
	must(t, err)
	if deliveries[0].Outcome != sendoff.OutcomeUnknown || deliveries[0].Err != nil {
		t.Fatalf("the delivery is %+v", deliveries[0])
	}
}

func TestFlushWaitsForCallbacksAndNotForLinger(t *testing.T) {
	producer := newProducer(t, embedded(t), "linger.ms", "100000", "delivery.timeout.ms", "200000")
	topic := newTopic()
	must(t, producer.Flush(deadline(t))) // of nothing
	for range 3 {
		var called atomic.Int64
		for range 10 {
			must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic}, func(sendoff.Delivery) { called.Add(1) }))
		}
		must(t, producer.Flush(deadline(t)))
		if called.Load() != 10 {
			t.Fatalf("%d callbacks had run", called.Load())
		}
	}
}

func TestConnectPartitionsAndCounters(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		producer, topic := newProducer(t, broker), newTopic()
		must(t, producer.Connect(deadline(t)))
		_, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: topic, Value: []byte("12345")})
		must(t, err)
		partitions, err := producer.Partitions(deadline(t), topic)
		must(t, err)
		if len(partitions) != 3 {
			t.Fatalf("partitions: %+v", partitions)
		}
		for i, partition := range partitions {
			if partition.Partition != int32(i) || partition.Leader < 0 || partition.Replicas != 1 || partition.Err != nil {
				t.Errorf("partition %d: %+v", i, partition)
			}
		}
		must(t, producer.Close())
		counters, err := producer.Counters()
		must(t, err)
		if counters.RecordsAccepted != 1 || counters.RecordsDelivered != 1 || counters.BytesAccepted != 5 {
			t.Errorf("counters: %+v", counters)
		}
	})
}

func TestSettingsAreListed(t *testing.T) {
	settings, err := sendoff.Settings()
	must(t, err)
	at := slices.IndexFunc(settings, func(setting sendoff.Setting) bool { return setting.Name == "compression.type" })
	if at < 0 {
		t.Fatal("compression.type is not among them")
	}
	if found := settings[at]; found.Type != "enumeration" || found.Default != "none" || !found.PerTopic ||
		found.Text == "" ||
		!strings.Contains(found.Allowed, "zstd") {
		t.Errorf("compression.type: %+v", found)
	}
	if version := sendoff.Version(); !strings.Contains(version, ".") {
		t.Errorf("version %q", version)
	}
	features := sendoff.Features()
	for _, codec := range []string{"gzip", "lz4", "snappy", "zstd"} {
		if !slices.Contains(features, codec) {
			t.Errorf("%s is not among %v", codec, features)
		}
	}
}
