// service BROKERS TOPIC: sends a record every 100 ms until SIGINT or SIGTERM, and loses none of them by it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"sendoff.org/sendoff"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: service BROKERS TOPIC")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, brokers, topic string) error {
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{brokers}, ClientID: "service"})
	if err != nil {
		return err
	}
	defer producer.Close()
	if err := producer.Connect(ctx); err != nil { // to know at once if the brokers' names are wrong
		return err
	}
	fmt.Println("ready")
	var delivered atomic.Int64
	sent := produceUntil(ctx, producer, topic, &delivered)

	closing, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := producer.CloseContext(closing); err != nil {
		return err
	}
	fmt.Printf("%d sent, %d delivered\n", sent, delivered.Load())
	return nil
}

func produceUntil(ctx context.Context, producer *sendoff.Producer, topic string, delivered *atomic.Int64) int {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for sent := 0; ; sent++ {
		record := &sendoff.Record{Topic: topic, Value: fmt.Appendf(nil, "tick %d", sent)}
		err := producer.Produce(ctx, record, func(delivery sendoff.Delivery) {
			if delivery.Err == nil {
				delivered.Add(1)
			}
		})
		if err != nil {
			return sent
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return sent + 1
		}
	}
}
