// hello BROKERS: sends one record and waits for it.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"sendoff.org/sendoff"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello BROKERS")
	}
	if err := run(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(brokers string) error {
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{brokers}})
	if err != nil {
		return err
	}
	defer producer.Close()

	record := &sendoff.Record{Topic: "greetings", Value: []byte("hello")}
	deliveries, err := producer.ProduceSync(context.Background(), record)
	if err != nil {
		return err
	}
	fmt.Printf("partition %d, offset %d\n", deliveries[0].Partition, deliveries[0].Offset)
	return nil
}
