/* How types map to Go. The calls that every record takes are written by hand at the end: SWIG would hand slices on in
 * structs that hold pointers, which cgo refuses for slices inside of larger objects, and would make their memory
 * escape to the heap. */
%typemap(gotype) int32_t, const int32_t & "int32"
%typemap(gotype) uint32_t, const uint32_t & "uint32"
%typemap(gotype) uint64_t, const uint64_t & "uint64"
%typemap(gotype) size_t, const size_t & "uint64"

/* Handles are numbers. */
%define %handle(TYPE)
%typemap(gotype) TYPE *, const TYPE * "uintptr"
%typemap(in) TYPE *, const TYPE * %{ $1 = ($1_ltype)$input; %}
%typemap(out) TYPE *, const TYPE * %{ $result = (uintptr_t)$1; %}
%typemap(goout) TYPE *, const TYPE * %{ $result = $1 %}
%typemap(gotype) TYPE ** "*uintptr"
%typemap(in) TYPE ** %{ $1 = ($1_ltype)$input; %}
%enddef
%handle(sendoff_config)
%handle(sendoff_producer)
%handle(sendoff_partitions)

/* What comes back through a pointer has C's width: Go's int and uint are wider. */
%define %result(TYPE, GO_TYPE)
%typemap(gotype) TYPE * "*GO_TYPE"
%typemap(in) TYPE * %{ $1 = ($1_ltype)$input; %}
%enddef
%result(int32_t, int32)
%result(uint32_t, uint32)
%result(size_t, uint64)

/* Text goes in as a copy, which is wiped: it may be a password. */
%typemap(freearg) const char * %{
  explicit_bzero($1, strlen($1));
  free($1);
%}

/* Text comes out into a slice. */
%define %buffer(POINTER, SIZE)
%typemap(gotype) (char *POINTER, size_t SIZE) "[]byte"
%typemap(in) (char *POINTER, size_t SIZE) %{ $1 = (char *)$input.array; $2 = (size_t)$input.len; %}
%enddef
%buffer(error, error_size)
%buffer(buffer, buffer_size)

/* Structs that begin with their size have it from the start. */
%define %sized(TYPE)
%ignore TYPE::size;
%ignore TYPE::zero;
%immutable;
%extend TYPE {
  TYPE() {
    TYPE *made = (TYPE *)calloc(1, sizeof(TYPE));
    if (made != NULL) made->size = sizeof(TYPE);
    return made;
  }
  ~TYPE() { free($self); }
}
%enddef
%sized(sendoff_counters)
%sized(sendoff_event)
%sized(sendoff_partition)
%sized(sendoff_setting)
%rename(number) sendoff_partition::partition;
%rename(value_type) sendoff_setting::type;
%rename(allowed) sendoff_setting::range;

/* By hand, or of no use here: callers wait in Go, never inside of the library. */
%ignore sendoff_flush;
%ignore sendoff_flush_result;
%ignore sendoff_poll;
%ignore sendoff_send_batch;
%ignore sendoff_send_flat;
%ignore sendoff_wait_for_space;
%ignore sendoff_wake;
%ignore sendoff_partitions_nodes;

%insert(cgo_comment_typedefs) %{
#include "sendoff/sendoff.h"

// What a call to send needs besides bytes. The status comes out here, since cgo looks for the stack twice to bring a
// result back.
struct sendoff_go_call {
  uint32_t topic, set;
  int32_t partition, status;
  int64_t timestamp_ms;
  uint64_t opaque;
};

static inline void sendoff_go_send(uintptr_t producer, struct sendoff_go_call *call, const unsigned char *key,
                                   size_t key_bytes, const unsigned char *value, size_t value_bytes,
                                   const unsigned char *headers, size_t headers_bytes) {
  call->status = sendoff_send_flat((sendoff_producer *)producer, call->topic, call->set | SENDOFF_SET_TRY,
                                   call->partition, call->timestamp_ms, key, key_bytes, value, value_bytes, headers,
                                   headers_bytes, call->opaque);
}

static inline int32_t sendoff_go_poll(uintptr_t producer, sendoff_report *reports, size_t capacity, size_t *count) {
  return sendoff_poll((sendoff_producer *)producer, reports, capacity, 0, count);
}

static inline int32_t sendoff_go_cut_linger(uintptr_t producer) {
  return sendoff_flush((sendoff_producer *)producer, 0, NULL);
}

#cgo noescape sendoff_go_send
#cgo nocallback sendoff_go_send
#cgo noescape sendoff_go_poll
#cgo nocallback sendoff_go_poll
%}

%insert(go_wrapper) %{
// Report is sendoff_report: 64 bytes without pointers.
type Report struct {
	Opaque      uint64
	Offset      int64
	TimestampMs int64
	LatencyUs   int64
	Topic       uint32
	Partition   int32
	Status      int32
	Broker      int32
	Attempts    uint16
	Outcome     uint8
	Flags       uint8
	_           [12]byte
}

// The bits of what is set in a record; see SENDOFF_SET_PARTITION and SENDOFF_SET_TIMESTAMP.
const (
	SetPartition = C.SENDOFF_SET_PARTITION
	SetTimestamp = C.SENDOFF_SET_TIMESTAMP
)

// Call is what Send needs besides bytes. Status is set by Send.
type Call struct {
	Topic, Set        uint32
	Partition, Status int32
	TimestampMs       int64
	Opaque            uint64
}

// Both are handed over as they are: neither of these compiles unless the sizes are C's.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(Report{})-C.sizeof_sendoff_report]
	_ = [1]struct{}{}[unsafe.Sizeof(Call{})-C.sizeof_struct_sendoff_go_call]
)

// Send is sendoff_send_flat with SENDOFF_SET_TRY: it never waits. A nil slice is null, any other is not.
func Send(producer uintptr, call *Call, key, value, headers []byte) {
	C.sendoff_go_send(C.uintptr_t(producer), (*C.struct_sendoff_go_call)(unsafe.Pointer(call)),
		(*C.uchar)(unsafe.SliceData(key)), C.size_t(len(key)),
		(*C.uchar)(unsafe.SliceData(value)), C.size_t(len(value)),
		(*C.uchar)(unsafe.SliceData(headers)), C.size_t(len(headers)))
}

// Poll is sendoff_poll with timeout 0: it takes reports that are there, and returns how many and the status.
func Poll(producer uintptr, reports []Report) (int, int32) {
	var count C.size_t
	status := C.sendoff_go_poll(C.uintptr_t(producer), (*C.sendoff_report)(unsafe.Pointer(unsafe.SliceData(reports))),
		C.size_t(len(reports)), &count)
	return int(count), int32(status)
}

// CutLinger is sendoff_flush with timeout 0: what was accepted is sent without lingering, and nothing waits.
func CutLinger(producer uintptr) int32 {
	return int32(C.sendoff_go_cut_linger(C.uintptr_t(producer)))
}
%}
