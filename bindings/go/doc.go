// Package sendoff is a producer for Apache Kafka. What Produce accepted is sent: each accepted record gets exactly
// one Delivery, which says whether it was delivered, was not, or may have been.
//
//	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{"localhost:9092"}})
//	if err != nil {
//		return err
//	}
//	defer producer.Close()
//
//	err = producer.Produce(ctx, &sendoff.Record{Topic: "orders", Value: value}, func(delivery sendoff.Delivery) {
//		if delivery.Err != nil {
//			log.Print(delivery.Err)
//		}
//	})
//
// # Closing
//
// Close waits until everything that was accepted has had its callback, so a program that defers it loses nothing.
//
// Go runs nothing of a program that returns from main, calls os.Exit or log.Fatal, or is ended by a signal. What is
// under way then is lost, without a word: call Close before. CloseOnSignal does it for SIGINT and SIGTERM.
//
// A Producer that is forgotten in a program that goes on is found by the garbage collector: it is reported to the
// Logger as an error, with the place where it was made, and is then closed; what it had accepted is delivered.
//
// # Errors
//
// Errors are *Error, with Kafka's code and name, or wrap the error of the context that ended a wait. errors.Is
// compares them with ErrClosed and its like.
//
// # Settings
//
// Config.Settings has all of Kafka's names, and the safe values are their defaults: idempotence, acks=all, and five
// requests in flight in order.
//
// # TLS and logins
//
// By Kafka's settings security.protocol, ssl.* and sasl.*. Config.TokenProvider gives tokens for OAUTHBEARER, and
// ReloadCredentials loads other certificates and passwords while the producer goes on. What is secret is not shown
// where a Config or a Token is printed or logged.
//
// # Linking
//
// The module carries the C library for linux/amd64 in one archive that needs nothing but libc; a C compiler has to be
// there, as for all cgo. With the build tag "dynamic" it links an installed libsendoff instead, found by pkg-config.
package sendoff
