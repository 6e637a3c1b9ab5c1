// A program of release 1.0 over what SWIG made of that release's header: program BOOTSTRAP TOPIC.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"time"

	"old.example/program/native"
)

const (
	records  = 100
	patience = time.Minute
)

func main() {
	producer := open(map[string]string{"bootstrap.servers": os.Args[1], "delivery.report.mode": "queue"})
	var topic uint32
	expect("topic", native.Topic(producer, os.Args[2], &topic))
	for i := range records {
		call := native.Call{Topic: topic, Opaque: uint64(i)}
		native.Send(producer, &call, nil, fmt.Append(nil, "go-", i), nil)
		expect("send", call.Status)
	}
	native.CutLinger(producer) // does not wait, and so may say TIMED_OUT
	delivered := takeReports(producer)
	counters := native.NewCounters()
	expect("get_counters", native.Get_counters(producer, counters))
	fmt.Printf("%d accepted, %d delivered\n", counters.GetRecords_accepted(), delivered)
	native.DeleteCounters(counters)
	expect("close", native.Close(producer, patience.Milliseconds()))
	native.Destroy(producer)
}

func open(settings map[string]string) (producer uintptr) {
	var config uintptr
	message := make([]byte, 256)
	expect("config_create", native.Config_create(&config))
	defer native.Config_destroy(config)
	for name, value := range settings {
		if native.Config_set(config, name, value, message) != int32(native.OK) {
			log.Fatalf("%s", bytes.TrimRight(message, "\x00"))
		}
	}
	if native.Open(config, &producer, message) != int32(native.OK) {
		log.Fatalf("%s", bytes.TrimRight(message, "\x00"))
	}
	return producer
}

// takeReports returns how many of the records were delivered, once each has its report.
func takeReports(producer uintptr) (delivered int) {
	var reports [16]native.Report
	deadline := time.Now().Add(patience)
	for reported := 0; reported < records; {
		count, status := native.Poll(producer, reports[:])
		if status == int32(native.TIMED_OUT) && time.Now().Before(deadline) {
			time.Sleep(time.Millisecond)
			continue
		}
		expect("poll", status)
		for i, report := range reports[:count] {
			if int(report.Outcome) == native.OUTCOME_DELIVERED && report.Opaque == uint64(reported+i) {
				delivered++
			}
		}
		reported += count
	}
	return delivered
}

func expect(call string, status int32) {
	if status != int32(native.OK) {
		log.Fatalf("%s: %s", call, native.Status_name(status))
	}
}
