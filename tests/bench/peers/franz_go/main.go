// franz_go BOOTSTRAP TOPIC RECORDS BYTES CODEC [CERTIFICATE]: franz-go's producer, records counted by their promises.
// With a certificate to trust it speaks TLS. The text is payload.h's.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	payloadBytes = 1 << 20
	stride       = 7919
	warmUpShare  = 10
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

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

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/twmb/franz-go" {
				return module.Version
			}
		}
	}
	return ""
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}

func trusting(path string) *tls.Config {
	pem, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		panic(path + " holds no certificate")
	}
	return &tls.Config{RootCAs: authorities}
}

func main() {
	bootstrap, topic, count, bytes, codec := os.Args[1], os.Args[2], number(os.Args[3]), number(os.Args[4]), os.Args[5]
	options := []kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.DefaultProduceTopic(topic),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.MaxBufferedRecords(1_000_000), kgo.MaxBufferedBytes(64 << 20),
		kgo.ProducerBatchCompression(codecs[codec])}
	if len(os.Args) > 6 {
		options = append(options, kgo.DialTLSConfig(trusting(os.Args[6])))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		panic(err)
	}
	defer client.Close()
	text := payload()
	var delivered, failed atomic.Int64
	promise := func(_ *kgo.Record, err error) {
		if err == nil {
			delivered.Add(1)
		} else {
			failed.Add(1)
		}
	}
	send := func(count int) {
		for i := 0; i < count; i++ {
			at := i * stride % (len(text) - bytes)
			client.Produce(context.Background(), &kgo.Record{Value: text[at : at+bytes]}, promise)
		}
		if err := client.Flush(context.Background()); err != nil {
			panic(err)
		}
	}
	send(count / warmUpShare)
	delivered.Store(0)
	cpuBegun, begun := cpuSeconds(), time.Now()
	send(count)
	seconds, cpu := time.Since(begun).Seconds(), cpuSeconds()-cpuBegun
	fmt.Printf("{\"client\": \"franz-go %s\", \"records\": %d, \"delivered\": %d, \"failed\": %d, \"seconds\": %.3f, "+
		"\"records_per_second\": %.0f, \"megabytes_per_second\": %.1f, \"cpu_ns_per_record\": %.1f}\n",
		version(), count, delivered.Load(), failed.Load(), seconds, float64(count)/seconds,
		float64(count)*float64(bytes)/seconds/1e6, cpu/float64(count)*1e9)
	if delivered.Load() != int64(count) {
		os.Exit(1)
	}
}
