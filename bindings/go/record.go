package sendoff

import (
	"encoding/binary"
	"math"
	"time"
)

// Record is what Produce sends. Topic must be set; everything else is optional. Produce copies what it needs before it
// returns, so a record and its slices may be used again at once.
type Record struct {
	Topic string

	// Key and Value are bytes as they are. nil is Kafka's null, which deletes the key in a compacted topic (a
	// tombstone); a slice that is empty but not nil is an empty value. They are not the same.
	Key, Value []byte

	// Headers in their order; keys may repeat.
	Headers []Header

	// Partition names the partition. The zero value leaves the choice to the partitioner, by the key if there is one.
	Partition Partition

	// Timestamp of the record, kept to the millisecond and not before 1970. The zero value means now.
	Timestamp time.Time
}

// Header is one header of a record. A nil Value is Kafka's null, which is not the same as an empty one.
type Header struct {
	Key   string
	Value []byte
}

// Partition is the choice of a partition: of the partitioner if it is the zero value, else as given to ToPartition.
type Partition struct {
	number int32
	named  bool
}

// ToPartition names a partition of a topic, counted from 0.
func ToPartition(number int32) Partition {
	return Partition{number: number, named: true}
}

// Number returns the partition, and false if the partitioner is to choose it.
func (p Partition) Number() (int32, bool) {
	return p.number, p.named
}

// appendHeaders appends the packed form of headers: the size and bytes of the key, then of the value; null has size -1.
// It returns a status, not OK if one is too large.
func appendHeaders(packed []byte, headers []Header) ([]byte, int32) {
	for _, header := range headers {
		if len(header.Key) > math.MaxInt32 || len(header.Value) > math.MaxInt32 {
			return nil, statusRecordTooLarge
		}
		packed = binary.NativeEndian.AppendUint32(packed, uint32(len(header.Key)))
		packed = append(packed, header.Key...)
		size := uint32(len(header.Value))
		if header.Value == nil {
			size = math.MaxUint32
		}
		packed = binary.NativeEndian.AppendUint32(packed, size)
		packed = append(packed, header.Value...)
	}
	return packed, statusOK
}
