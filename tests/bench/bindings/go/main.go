// sendoff_go_bench BOOTSTRAP TOPIC RECORDS BYTES [name=value ...]: the Go package's producer, records counted by their
// delivery callbacks. The text is payload.h's.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"sendoff.org/sendoff"
)

const (
	payloadBytes = 1 << 20
	stride       = 7919
	warmUpShare  = 10
)

func payload() []byte {
	words := []string{`"user":`, `"order":`, `"price":`, `"status":"ok"`, `"time":`, `"region":"eu"`, "{", "}", ",",
		`"id":`, `"trace":`, "null", "true", `"items":[`, "]", `"note":"retry"`}
	state := uint32(1)
	random := func() uint32 {
		state = state*1103515245 + 12345
		return (state >> 16) & 0x7fff
	}
	text := make([]byte, 0, payloadBytes+32)
	for len(text) < payloadBytes {
		text = append(text, words[random()&15]...)
		for number, digit := random(), 0; digit < 4; number, digit = number/10, digit+1 {
			text = append(text, byte('0'+number%10))
		}
	}
	return text[:payloadBytes]
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}

func settings(arguments []string) map[string]string {
	settings := make(map[string]string)
	for _, argument := range arguments {
		name, value, _ := strings.Cut(argument, "=")
		settings[name] = value
	}
	return settings
}

func main() {
	bootstrap, topic, count, bytes := os.Args[1], os.Args[2], number(os.Args[3]), number(os.Args[4])
	producer, err := sendoff.NewProducer(sendoff.Config{Brokers: []string{bootstrap}, Settings: settings(os.Args[5:])})
	if err != nil {
		panic(err)
	}
	defer producer.Close()
	text := payload()
	var delivered, failed atomic.Int64
	callback := func(delivery sendoff.Delivery) {
		if delivery.Err == nil {
			delivered.Add(1)
		} else {
			failed.Add(1)
		}
	}
	ctx := context.Background()
	send := func(count int) {
		for i := range count {
			at := i * stride % (len(text) - bytes)
			if err := producer.Produce(ctx, &sendoff.Record{Topic: topic, Value: text[at : at+bytes]}, callback); err != nil {
				panic(err)
			}
		}
		if err := producer.Flush(ctx); err != nil {
			panic(err)
		}
	}
	send(count / warmUpShare)
	delivered.Store(0)
	cpuBegun, begun := cpuSeconds(), time.Now()
	send(count)
	seconds, cpu := time.Since(begun).Seconds(), cpuSeconds()-cpuBegun
	fmt.Printf("{\"client\": \"sendoff-go %s\", \"records\": %d, \"delivered\": %d, \"failed\": %d, \"seconds\": %.3f, "+
		"\"records_per_second\": %.0f, \"megabytes_per_second\": %.1f, \"cpu_ns_per_record\": %.1f}\n",
		sendoff.Version(), count, delivered.Load(), failed.Load(), seconds, float64(count)/seconds,
		float64(count)*float64(bytes)/seconds/1e6, cpu/float64(count)*1e9)
	if delivered.Load() != int64(count) {
		os.Exit(1)
	}
}
