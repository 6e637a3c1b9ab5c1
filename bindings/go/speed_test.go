package sendoff_test

import (
	"context"
	"testing"

	"sendoff.org/sendoff"
)

func TestProduceAllocatesNothing(t *testing.T) {
	producer, topic := newProducer(t, embedded(t), "buffer.memory", "268435456"), newTopic()
	value, ctx := make([]byte, 100), context.Background()
	headers := []sendoff.Header{{"trace", []byte("0123456789abcdef")}}
	callback := func(sendoff.Delivery) {}
	produce := func(record *sendoff.Record) {
		if err := producer.Produce(ctx, record, callback); err != nil {
			t.Fatal(err)
		}
	}
	const count = 50_000
	for range count { // so that the table of callbacks has its size
		produce(&sendoff.Record{Topic: topic, Value: value})
	}
	must(t, producer.Flush(ctx))
	for name, record := range map[string]func(){
		"a record":              func() { produce(&sendoff.Record{Topic: topic, Value: value}) },
		"a record with headers": func() { produce(&sendoff.Record{Topic: topic, Key: value, Headers: headers}) },
	} {
		// Everything is counted, also what the drain does for callbacks, and divided by the runs: less than one in all.
		allocations := testing.AllocsPerRun(count/4, record)
		must(t, producer.Flush(ctx))
		if allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

func BenchmarkProduce(b *testing.B) {
	producer, topic := newProducer(b, embedded(b), "buffer.memory", "67108864"), newTopic()
	value, ctx := make([]byte, 100), context.Background()
	callback := func(sendoff.Delivery) {}
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		if err := producer.Produce(ctx, &sendoff.Record{Topic: topic, Value: value}, callback); err != nil {
			b.Fatal(err)
		}
	}
	must(b, producer.Flush(ctx))
}
