package sendoff

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"

	"sendoff.org/sendoff/internal/native"
)

// waitSlice is how long the library waits for the network at a time, and so how late the end of a context is seen.
const waitSlice = 50 * time.Millisecond

// Connect waits until a broker has answered or ctx ends, for programs that want to know at their start that names,
// ports and protocol are right; Produce does not need it. When ctx ends, the error wraps that of the context and is
// ErrTimedOut, with the last failure to connect as its text.
func (p *Producer) Connect(ctx context.Context) error {
	defer runtime.KeepAlive(p)
	buffer := make([]byte, errorBufferBytes)
	return p.core.waitInSlices(ctx, "connect", func(milliseconds int64) error {
		if status := native.Connect(p.core.handle, milliseconds, buffer); status != statusOK {
			return errorWithDetail(status, buffer)
		}
		return nil
	})
}

// PartitionInfo is a partition as the cluster last described it.
type PartitionInfo struct {
	Partition   int32
	Leader      int32 // id of the broker that takes its records, -1 if there is none
	LeaderEpoch int32 // -1 if it is not known
	Replicas    int   // how many brokers keep it
	InSync      int   // how many of them have all of it
	Offline     int   // how many of them cannot be reached
	Err         error // why the cluster could not say more, or nil
}

// Partitions returns the partitions of a topic, ordered by number. It asks the cluster if it has to, and waits until
// it is answered or ctx ends. Errors: ErrUnknownTopicOrPartition and others of the cluster, ErrInvalidTopic,
// ErrClosed, or one that wraps that of the context. A topic that does not exist is made if the brokers are set to.
func (p *Producer) Partitions(ctx context.Context, topic string) ([]PartitionInfo, error) {
	defer runtime.KeepAlive(p)
	if strings.Contains(topic, "\x00") {
		return nil, ErrInvalidTopic
	}
	var partitions uintptr
	err := p.core.waitInSlices(ctx, "partitions of "+topic, func(milliseconds int64) error {
		if status := native.Partitions_for(p.core.handle, topic, milliseconds, &partitions); status != statusOK {
			return errorOf(status, 0)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer native.Partitions_destroy(partitions)
	return partitionInfos(partitions)
}

func partitionInfos(partitions uintptr) ([]PartitionInfo, error) {
	var count uint32
	if status := native.Partitions_count(partitions, &count); status != statusOK {
		return nil, errorOf(status, 0)
	}
	partition := native.NewPartition()
	defer native.DeletePartition(partition)
	infos := make([]PartitionInfo, 0, count)
	for index := range count {
		if status := native.Partitions_get(partitions, index, partition); status != statusOK {
			return nil, errorOf(status, 0)
		}
		info := PartitionInfo{
			Partition:   partition.GetNumber(),
			Leader:      partition.GetLeader(),
			LeaderEpoch: partition.GetLeader_epoch(),
			Replicas:    int(partition.GetReplica_count()),
			InSync:      int(partition.GetIn_sync_count()),
			Offline:     int(partition.GetOffline_count()),
		}
		if status := partition.GetStatus(); status != statusOK {
			info.Err = errorOf(status, 0)
		}
		infos = append(infos, info)
	}
	return infos, nil
}

// waitInSlices makes a call of the library's that waits, a little at a time, until it does not time out or ctx ends.
func (c *core) waitInSlices(ctx context.Context, what string, call func(milliseconds int64) error) error {
	slice := waitSlice
	if c.drain.isCurrent() {
		return ErrInCallback
	}
	for {
		if deadline, ok := ctx.Deadline(); ok {
			slice = max(0, min(waitSlice, time.Until(deadline)))
		}
		err := call(slice.Milliseconds())
		if err == nil || !isTimeout(err) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", contextError(ctx, what), err)
		}
	}
}

func isTimeout(err error) bool {
	failure, ok := err.(*Error)
	return ok && failure.Code == statusTimedOut
}
