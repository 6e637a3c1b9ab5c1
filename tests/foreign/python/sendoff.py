"""Sendoff from Python by ctypes: the library as it is, with nothing to compile.

Reports are taken from the queue, so that no function of Python is ever called from a thread of the library: such a call
would need the interpreter, which may be gone or busy by then."""
import ctypes
import select
from ctypes import POINTER, byref, c_char_p, c_int32, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p

OK, CLOSED = 0, -1005
DELIVERED = 1


class Report(ctypes.Structure):
    """sendoff_report: what became of a record."""
    _fields_ = [("opaque", c_uint64), ("offset", c_int64), ("timestamp_ms", c_int64), ("latency_us", c_int64),
                ("topic", c_uint32), ("partition", c_int32), ("status", c_int32), ("broker", c_int32),
                ("attempts", c_uint16), ("outcome", c_uint8), ("flags", c_uint8), ("zero", c_uint8 * 12)]


class Record(ctypes.Structure):
    """sendoff_record; what is not named is 0, which asks for nothing."""
    _fields_ = [("size", c_uint32), ("set", c_uint32), ("topic", c_char_p), ("topic_id", c_uint32),
                ("partition", c_int32), ("key", c_char_p), ("key_bytes", c_size_t), ("value", c_char_p),
                ("value_bytes", c_size_t), ("headers", c_void_p), ("header_count", c_size_t),
                ("timestamp_ms", c_int64), ("opaque", c_uint64), ("callback", c_void_p), ("user", c_void_p)]


# Handles are opaque: pointers that only the library looks behind.
_FUNCTIONS = {
    "status_name": (c_char_p, c_int32),
    "config_create": (c_int32, POINTER(c_void_p)),
    "config_set": (c_int32, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t),
    "config_destroy": (None, c_void_p),
    "create": (c_int32, c_void_p, c_void_p, POINTER(c_void_p), c_char_p, c_size_t),
    "send": (c_int32, c_void_p, POINTER(Record)),
    "poll": (c_int32, c_void_p, POINTER(Report), c_size_t, c_int64, POINTER(c_size_t)),
    "report_descriptor": (c_int32, c_void_p, POINTER(c_int32)),
    "close": (c_int32, c_void_p, c_int64),
    "destroy": (None, c_void_p),
}
_library = ctypes.CDLL("libsendoff.so.1")
for _name, (_result, *_arguments) in _FUNCTIONS.items():
    _function = getattr(_library, f"sendoff_{_name}")
    _function.restype, _function.argtypes = _result, _arguments


class Error(Exception):
    """A status that is not OK."""


def _check(status: int, message: bytes = b"") -> None:
    if status != OK:
        name = _library.sendoff_status_name(status)
        raise Error(f"{name.decode()} {message.decode()}".strip())


class Producer:
    """A producer for Kafka: `with Producer({"bootstrap.servers": "..."}) as producer:` closes it at the end."""

    def __init__(self, settings: dict) -> None:
        config, error = c_void_p(), ctypes.create_string_buffer(256)
        self._handle = c_void_p()
        _check(_library.sendoff_config_create(byref(config)))
        try:
            for name, value in ({"delivery.report.mode": "queue"} | settings).items():
                status = _library.sendoff_config_set(config, name.encode(), str(value).encode(), error, len(error))
                _check(status, error.value)
            _check(_library.sendoff_create(config, None, byref(self._handle), error, len(error)), error.value)
        finally:
            _library.sendoff_config_destroy(config)

    def send(self, topic: str, value: bytes, key: bytes | None = None, opaque: int = 0) -> None:
        """Accepts a record: everything is copied, and one report will follow."""
        record = Record(size=ctypes.sizeof(Record), topic=topic.encode(), opaque=opaque,
                        key=key, key_bytes=len(key or b""), value=value, value_bytes=len(value))
        _check(_library.sendoff_send(self._handle, byref(record)))

    def reports(self):
        """Yields reports as they come, until the producer is closed and all are read."""
        descriptor, reports, count = c_int32(), (Report * 64)(), c_size_t()
        _check(_library.sendoff_report_descriptor(self._handle, byref(descriptor)))
        while True:
            select.select([descriptor.value], [], [])
            status = _library.sendoff_poll(self._handle, reports, len(reports), 0, byref(count))
            if status == CLOSED:
                return
            _check(status)
            yield from reports[:count.value]

    def close(self, timeout_ms: int = -1) -> None:
        """Sends what was accepted; what is still unsent when the time is up is given up, and raises."""
        _check(_library.sendoff_close(self._handle, timeout_ms))

    def __enter__(self) -> "Producer":
        return self

    def __exit__(self, *_error) -> None:
        self.close()
        _library.sendoff_destroy(self._handle)
