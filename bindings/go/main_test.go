package sendoff_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

// longEnough is a deadline for what happens at once unless something is broken.
const longEnough = 60 * time.Second

// childProgram names the program that the test binary is to be, instead of running tests.
const childProgram = "SENDOFF_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if name := os.Getenv(childProgram); name != "" {
		programs[name]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var topicsMade atomic.Int64

// newTopic is a topic that no other test uses.
func newTopic() string {
	return fmt.Sprintf("go-%d-%d", os.Getpid(), topicsMade.Add(1))
}

// embedded is the address of Sendoff's own broker.
func embedded(t testing.TB) string {
	return brokerOf(t, "SENDOFF_TEST_EMBEDDED")
}

// eachBroker runs a test against the embedded broker and against Apache Kafka.
func eachBroker(t *testing.T, test func(t *testing.T, broker string)) {
	t.Run("embedded", func(t *testing.T) { test(t, embedded(t)) })
	t.Run("kafka", func(t *testing.T) { test(t, brokerOf(t, "SENDOFF_TEST_KAFKA")) })
}

func brokerOf(t testing.TB, variable string) string {
	broker := os.Getenv(variable)
	if broker == "" {
		t.Fatalf("%s is not set: run the tests under bindings/with-brokers", variable)
	}
	return broker
}

// silentBroker is an address that takes connections and never answers.
func silentBroker(t testing.TB) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { connection.Close() })
		}
	}()
	return listener.Addr().String()
}

// newProducer makes a producer that is closed when the test ends; settings are pairs of a name and a value.
func newProducer(t testing.TB, broker string, settings ...string) *sendoff.Producer {
	t.Helper()
	producer, err := sendoff.NewProducer(configOf(broker, settings...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), longEnough)
		defer cancel()
		if err := producer.CloseContext(ctx); err != nil && !errors.Is(err, sendoff.ErrAborted) {
			t.Errorf("close at the end of the test: %v", err)
		}
	})
	return producer
}

func configOf(broker string, settings ...string) sendoff.Config {
	config := sendoff.Config{Brokers: []string{broker}, Settings: map[string]string{}}
	for i := 0; i < len(settings); i += 2 {
		config.Settings[settings[i]] = settings[i+1]
	}
	return config
}

// abandon closes a producer whose records cannot be delivered.
func abandon(t testing.TB, producer *sendoff.Producer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := producer.CloseContext(ctx); err == nil {
		t.Error("records were aborted, and close did not say so")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deadline is a context that ends long after everything should have happened.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
	t.Cleanup(cancel)
	return ctx
}

// wait waits until a channel is closed or has something.
func wait[T any](t testing.TB, channel <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-channel:
		return value
	case <-time.After(longEnough):
		t.Fatalf("not within %v: %s", longEnough, what)
		panic("unreachable")
	}
}

// until polls a condition.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for begun := time.Now(); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > longEnough {
			t.Fatalf("not within %v: %s", longEnough, what)
		}
	}
}

// consume reads a topic from its beginning to its end with kcat: one line a record.
func consume(t testing.TB, broker, topic, format string) []string {
	t.Helper()
	command := exec.CommandContext(deadline(t), "kcat", "-C", "-b", broker, "-t", topic, "-o", "beginning", "-e", "-q",
		"-f", format+"\n")
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("kcat: %v: %s", err, problems.String())
	}
	text := strings.TrimSuffix(string(output), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// logged is a handler of logs that keeps what it gets.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func numbered(i int) []byte {
	return strconv.AppendInt(nil, int64(i), 10)
}
