package sendoff_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sendoff.org/sendoff"
)

// programs are what the test binary can be instead of tests; see TestMain.
var programs = map[string]func(){
	"leak":   func() { childProduces(); collectGarbage() },
	"return": func() { childProduces() },
	"signal": childWaitsForASignal,
	"stop":   childTakesCloseOnSignalBack,
	"memory": childMeasuresMemory,
}

// childProduces sends a record that lingers, and forgets the producer.
func childProduces() *sendoff.Producer {
	producer, err := sendoff.NewProducer(configOf(os.Getenv("BROKER"), "linger.ms", "100000",
		"delivery.timeout.ms", "200000"))
	exitOn(err)
	exitOn(producer.Produce(context.Background(), &sendoff.Record{Topic: os.Getenv("TOPIC"), Value: []byte("kept")},
		func(sendoff.Delivery) { fmt.Println("delivered") }))
	return producer
}

func collectGarbage() {
	for range 100 {
		runtime.GC()
		time.Sleep(20 * time.Millisecond)
	}
}

func childWaitsForASignal() {
	producer := childProduces()
	producer.CloseOnSignal(longEnough)
	fmt.Println("ready")
	time.Sleep(longEnough)
	runtime.KeepAlive(producer)
}

func childTakesCloseOnSignalBack() {
	producer := childProduces()
	producer.CloseOnSignal(longEnough)()
	exitOn(syscall.Kill(os.Getpid(), syscall.SIGTERM))
	time.Sleep(longEnough)
	runtime.KeepAlive(producer)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func child(name, broker, topic string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childProgram+"="+name, "BROKER="+broker, "TOPIC="+topic)
	return command
}

func TestAForgottenProducerIsReportedAndClosed(t *testing.T) {
	eachBroker(t, func(t *testing.T, broker string) {
		topic := newTopic()
		command := child("leak", broker, topic)
		var problems bytes.Buffer
		command.Stderr = &problems
		output, err := command.Output()
		must(t, err)
		report := problems.String()
		if !strings.Contains(report, "never closed") || !strings.Contains(report, "leak_test.go:") ||
			!strings.Contains(report, "pending=1") {
			t.Errorf("the report is %q", report)
		}
		if string(output) != "delivered\n" {
			t.Errorf("the program printed %q", output)
		}
		if lines := consume(t, broker, topic, "%s"); len(lines) != 1 || lines[0] != "kept" {
			t.Errorf("read back %q", lines)
		}
	})
}

func TestGarbageCollectionClosesAProducerInThisProcess(t *testing.T) {
	var log logged
	topic := newTopic()
	var delivered atomic.Bool
	func() {
		config := configOf(embedded(t), "linger.ms", "100000", "delivery.timeout.ms", "200000")
		config.Logger = log.logger()
		producer, err := sendoff.NewProducer(config)
		must(t, err)
		must(t, producer.Produce(deadline(t), &sendoff.Record{Topic: topic},
			func(sendoff.Delivery) { delivered.Store(true) }))
	}()
	until(t, "the forgotten producer is closed", func() bool {
		runtime.GC()
		return delivered.Load()
	})
	if !strings.Contains(log.String(), "never closed") {
		t.Errorf("the log is %q", log.String())
	}
}

func TestAClosedProducerIsNoLeak(t *testing.T) {
	var log logged
	func() {
		config := configOf(embedded(t))
		config.Logger = log.logger()
		producer, err := sendoff.NewProducer(config)
		must(t, err)
		must(t, producer.Close())
	}()
	collected := make(chan struct{})
	runtime.AddCleanup(new([64]byte), func(done chan struct{}) { close(done) }, collected)
	until(t, "garbage is collected", func() bool {
		runtime.GC()
		select {
		case <-collected:
			return true
		default:
			return false
		}
	})
	if strings.Contains(log.String(), "never closed") {
		t.Errorf("the log is %q", log.String())
	}
}

// What the package's documentation says: Go runs nothing when a program ends, so what lingers then is lost.
func TestReturningFromMainWithoutCloseLosesWhatLingers(t *testing.T) {
	topic := newTopic()
	producer := newProducer(t, embedded(t))
	_, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: topic, Value: []byte("of another producer")})
	must(t, err)
	output, err := child("return", embedded(t), topic).Output()
	must(t, err)
	if lines := consume(t, embedded(t), topic, "%s"); len(lines) != 1 || len(output) != 0 {
		t.Fatalf("read back %q, printed %q: the documentation of the package has to change", lines, output)
	}
}

func TestCloseOnSignalDeliversAndTheSignalEndsTheProcess(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			topic := newTopic()
			command := child("signal", embedded(t), topic)
			output, err := command.StdoutPipe()
			must(t, err)
			must(t, command.Start())
			lines := make(chan string, 2)
			go func() {
				var text [64]byte
				for {
					count, err := output.Read(text[:])
					if err != nil {
						close(lines)
						return
					}
					lines <- string(text[:count])
				}
			}()
			wait(t, lines, "the program is ready")
			must(t, command.Process.Signal(signal))
			if line := wait(t, lines, "the record is delivered"); line != "delivered\n" {
				t.Errorf("the program printed %q", line)
			}
			wait(t, lines, "the program ends")
			err = command.Wait()
			status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != signal {
				t.Errorf("the program ended with %v", err)
			}
			if lines := consume(t, embedded(t), topic, "%s"); len(lines) != 1 {
				t.Errorf("read back %q", lines)
			}
		})
	}
}

func TestCloseOnSignalCanBeTakenBack(t *testing.T) {
	producer := newProducer(t, embedded(t))
	producer.CloseOnSignal(time.Second)() // the first makes a goroutine of os/signal's, which stays
	goroutines := runtime.NumGoroutine()
	for range 10 {
		producer.CloseOnSignal(time.Second)()
	}
	until(t, "their goroutines have ended", func() bool { return runtime.NumGoroutine() <= goroutines })
	_, err := producer.ProduceSync(deadline(t), &sendoff.Record{Topic: newTopic()})
	must(t, err)
}

func TestASignalAfterCloseOnSignalWasTakenBackIsNotSwallowed(t *testing.T) {
	for range 5 {
		command := child("stop", embedded(t), "stop")
		err := command.Run()
		status, ok := command.ProcessState.Sys().(syscall.WaitStatus)
		if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
			t.Fatalf("the program ended with %v", err)
		}
	}
}

const (
	memoryFirst = 1_000_000
	memoryLast  = 5_000_000
)

// childMeasuresMemory prints the resident memory after a million and after five million records, in KiB.
func childMeasuresMemory() {
	// So little that all of it is in use early, whatever the pace of the callbacks.
	producer, err := sendoff.NewProducer(configOf(os.Getenv("BROKER"), "buffer.memory", "4194304"))
	exitOn(err)
	var delivered atomic.Int64
	record := sendoff.Record{Topic: os.Getenv("TOPIC"), Value: make([]byte, 100)}
	for i := 1; i <= memoryLast; i++ {
		exitOn(producer.Produce(context.Background(), &record, func(delivery sendoff.Delivery) {
			if delivery.Err == nil {
				delivered.Add(1)
			}
		}))
		if i == memoryFirst || i == memoryLast {
			exitOn(producer.Flush(context.Background()))
			fmt.Println(residentKiB(), delivered.Load())
		}
	}
	exitOn(producer.Close())
}

func residentKiB() int {
	status, err := os.ReadFile("/proc/self/status")
	exitOn(err)
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	size, err := strconv.Atoi(strings.Fields(rest)[0])
	exitOn(err)
	return size
}

func TestMemoryIsSteadyOver5MillionRecords(t *testing.T) {
	broker := exec.Command(brokerOf(t, "SENDOFF_TEST_NULL_BROKER"), "1") // keeps nothing
	output, err := broker.StdoutPipe()
	must(t, err)
	must(t, broker.Start())
	t.Cleanup(func() {
		if err := broker.Process.Kill(); err == nil {
			_ = broker.Wait() // of a process that was just killed
		}
	})
	var port int
	_, err = fmt.Fscan(output, &port)
	must(t, err)
	measured, err := child("memory", fmt.Sprintf("127.0.0.1:%d", port), "memory").Output()
	must(t, err)
	var first, last, deliveredFirst, deliveredLast int
	_, err = fmt.Sscan(string(measured), &first, &deliveredFirst, &last, &deliveredLast)
	must(t, err)
	t.Logf("%d KiB after %d records, %d KiB after %d", first, deliveredFirst, last, deliveredLast)
	if deliveredFirst != memoryFirst || deliveredLast != memoryLast {
		t.Errorf("%d and %d were delivered", deliveredFirst, deliveredLast)
	}
	if last > first+first/4+8192 {
		t.Errorf("memory grew from %d to %d KiB", first, last)
	}
}
