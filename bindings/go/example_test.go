package sendoff_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"sendoff.org/sendoff"
)

func ExampleNewProducer() {
	_, err := sendoff.NewProducer(sendoff.Config{
		Brokers:  []string{"localhost:9092"},
		Settings: map[string]string{"compression.type": "zip"},
	})
	fmt.Println(errors.Is(err, sendoff.ErrInvalidSetting))
	// Output: true
}

func ExampleProducer_Produce() {
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{os.Getenv("SENDOFF_TEST_EMBEDDED")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close() // waits for the callback

	record := &sendoff.Record{Topic: "example", Key: []byte("key"), Value: []byte("value")}
	err = producer.Produce(context.Background(), record, func(delivery sendoff.Delivery) {
		fmt.Println(delivery.Topic, delivery.Outcome, delivery.Err)
	})
	if err != nil {
		fmt.Println(err) // the record was not accepted, and there will be no callback
	}
	// Output: example delivered <nil>
}

func ExampleProducer_ProduceSync() {
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{os.Getenv("SENDOFF_TEST_EMBEDDED")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	deliveries, err := producer.ProduceSync(ctx,
		&sendoff.Record{Topic: "example", Value: []byte("one")},
		&sendoff.Record{Topic: "example", Value: []byte("two")})
	fmt.Println(len(deliveries), err)
	// Output: 2 <nil>
}

func ExampleProducer_CloseOnSignal() {
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{os.Getenv("SENDOFF_TEST_EMBEDDED")}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close()
	defer producer.CloseOnSignal(10 * time.Second)() // Ctrl-C loses nothing from here on
	fmt.Println("serving")
	// Output: serving
}

func ExampleTokenProvider() {
	issuer := func(context.Context) (token string, expires time.Time, err error) { // for instance an HTTP call
		return "eyJhbGciOiJub25lIn0.e30.", time.Now().Add(time.Hour), nil
	}
	producer, err := sendoff.NewProducer(sendoff.Config{
		Brokers: []string{"localhost:9093"},
		Settings: map[string]string{
			"security.protocol": "SASL_SSL",
			"sasl.mechanism":    "OAUTHBEARER",
		},
		TokenProvider: func(ctx context.Context) (sendoff.Token, error) {
			token, expires, err := issuer(ctx)
			return sendoff.Token{Value: token, Expires: expires}, err
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close()
}
