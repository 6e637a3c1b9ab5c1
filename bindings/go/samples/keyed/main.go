// keyed BROKERS TOPIC: keys, headers, timestamps and tombstones, and what to do about a record that fails.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"sendoff.org/sendoff"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: keyed BROKERS TOPIC")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(brokers, topic string) (err error) {
	producer, err := sendoff.NewProducer(sendoff.Config{
		Brokers:  []string{brokers},
		Settings: map[string]string{"compression.type": "zstd", "linger.ms": "10"},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, producer.Close()) }()

	records := []*sendoff.Record{
		{
			Topic:     topic,
			Key:       []byte("order-1"),
			Value:     []byte(`{"state":"paid"}`),
			Headers:   []sendoff.Header{{Key: "trace", Value: []byte("4bf92f35")}},
			Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
		{Topic: topic, Key: []byte("order-2"), Value: nil}, // a tombstone: deletes the key in a compacted topic
	}
	for _, record := range records {
		if err := producer.Produce(context.Background(), record, report); err != nil {
			return err
		}
	}
	return nil // Close waits for both callbacks
}

// report runs on the producer's own goroutine, one call after the other.
func report(delivery sendoff.Delivery) {
	var failure *sendoff.Error
	switch {
	case delivery.Err == nil:
		fmt.Printf("%s: offset %d\n", delivery.Outcome, delivery.Offset)
	case errors.As(delivery.Err, &failure) && failure.NotDelivered():
		fmt.Printf("send again: %v\n", failure)
	default:
		fmt.Printf("may be there, to send again may write it twice: %v\n", delivery.Err)
	}
}
