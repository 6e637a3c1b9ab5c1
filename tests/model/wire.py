"""The requests that scripts need, in versions without flexible fields where there are any, written and read by hand.
Frames are without their length."""
import dataclasses
import struct

PRODUCE, LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS = 0, 2, 3, 19, 20
ELECT_LEADERS, DESCRIBE_PRODUCERS = 43, 61
CLIENT = b"model"


def _checksum_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _checksum_table()


def _checksum(data: bytes) -> int:
    """CRC-32C."""
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def _varint(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@dataclasses.dataclass(frozen=True)
class Batch:
    """A record batch of magic 2; producer_id -1: of nobody."""
    producer_id: int
    epoch: int
    sequence: int
    count: int
    timestamp_ms: int
    value_bytes: int = 4

    def encode(self) -> bytes:
        records = b"".join(self._record(index) for index in range(self.count))
        covered = struct.pack(">hiqqqhii", 0, self.count - 1, self.timestamp_ms, self.timestamp_ms, self.producer_id,
                              self.epoch, self.sequence, self.count) + records
        return struct.pack(">qiibI", 0, 9 + len(covered), -1, 2, _checksum(covered)) + covered

    def _record(self, index: int) -> bytes:
        body = b"\0" + _varint(0) + _varint(index) + _varint(-1) + _varint(self.value_bytes)
        body += b"v" * self.value_bytes + _varint(0)
        return _varint(len(body)) + body


class Reader:
    def __init__(self, frame: bytes) -> None:
        self.frame, self.at = frame, 4  # behind the correlation id

    def take(self, form: str):
        value = struct.unpack_from(">" + form, self.frame, self.at)
        self.at += struct.calcsize(">" + form)
        return value[0] if len(value) == 1 else value

    def text(self) -> str | None:
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.frame[self.at - size:self.at].decode()

    def count(self) -> int:
        """Of what comes in a flexible array or string."""
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - 1

    def tags(self):
        """The number of each tag, to be read by who asks for it."""
        for _ in range(self.count() + 1):
            tag = self.count() + 1
            self.count()  # its size
            yield tag

    def skip(self, size: int) -> None:
        self.at += max(0, size)

    def numbers(self) -> list[int]:
        return [self.take("i") for _ in range(self.take("i"))]


def _count(count: int) -> bytes:
    """Of what follows in a flexible array or string."""
    count += 1
    out = bytearray()
    while count >= 0x80:
        out.append(count & 0x7F | 0x80)
        count >>= 7
    out.append(count)
    return bytes(out)


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _header(api: int, version: int) -> bytes:
    return struct.pack(">hhih", api, version, 1, len(CLIENT)) + CLIENT


def _of_partitions(topic: str, partitions: list[bytes]) -> bytes:
    return struct.pack(">i", 1) + _text(topic) + struct.pack(">i", len(partitions)) + b"".join(partitions)


def produce(topic: str, batches: dict[int, bytes], acks: int, timeout_ms: int = 30000) -> bytes:
    parts = [struct.pack(">ii", partition, len(batch)) + batch for partition, batch in batches.items()]
    return _header(PRODUCE, 7) + struct.pack(">hhi", -1, acks, timeout_ms) + _of_partitions(topic, parts)


def read_produce(frame: bytes) -> dict[int, tuple[int, int, int]]:
    """(error, base offset, log append time) by partition."""
    reader = Reader(frame)
    answers = {}
    for _ in range(reader.take("i")):
        reader.text()
        for _ in range(reader.take("i")):
            partition, error, base_offset, append_time, _start = reader.take("ihqqq")
            answers[partition] = (error, base_offset, append_time)
    return answers


def produce_flexible(topic: str, batches: dict[int, bytes], acks: int, timeout_ms: int) -> bytes:
    """Version 12, whose answers name the leader (KIP-951)."""
    parts = b"".join(struct.pack(">i", partition) + _count(len(batch)) + batch + b"\0"
                     for partition, batch in batches.items())
    body = b"\0" + struct.pack(">hi", acks, timeout_ms) + _count(1) + _count(len(topic)) + topic.encode()
    return _header(PRODUCE, 12) + b"\0" + body + _count(len(batches)) + parts + b"\0\0"


@dataclasses.dataclass(frozen=True)
class Hint:
    """The leader that an answer names, and the nodes whose addresses it brings."""
    leader: int
    nodes: tuple[int, ...]


def read_produce_flexible(frame: bytes) -> tuple[dict[int, tuple[int, int, int]], Hint]:
    """What read_produce returns, and the hint (of the last partition)."""
    reader = Reader(frame)
    reader.take("b")
    answers, leader, nodes = {}, -1, []
    for _ in range(reader.count()):
        reader.skip(reader.count())
        for _ in range(reader.count()):
            partition, error, base_offset, append_time, _start = reader.take("ihqqq")
            answers[partition] = (error, base_offset, append_time)
            for _ in range(reader.count()):
                reader.take("i")
                reader.skip(reader.count())
                reader.take("b")
            reader.skip(reader.count())
            for tag in reader.tags():
                _expect_known(tag)
                leader, _epoch, _tags = reader.take("iib")
        reader.take("b")
    reader.take("i")
    for tag in reader.tags():
        _expect_known(tag)
        for _ in range(reader.count()):
            nodes.append(reader.take("i"))
            reader.skip(reader.count())
            reader.take("i")
            reader.skip(reader.count())
            reader.take("b")
    return answers, Hint(leader, tuple(sorted(nodes)))


def _expect_known(tag: int) -> None:
    if tag != 0:
        raise ValueError(f"an answer has a tag that is not known: {tag}")


def list_ends(topic: str, partitions: int) -> bytes:
    parts = [struct.pack(">iq", partition, -1) for partition in range(partitions)]
    return _header(LIST_OFFSETS, 1) + struct.pack(">i", -1) + _of_partitions(topic, parts)


def read_ends(frame: bytes) -> list[tuple[int, int]]:
    """(error, offset), in order of partitions."""
    reader = Reader(frame)
    answers = {}
    for _ in range(reader.take("i")):
        reader.text()
        for _ in range(reader.take("i")):
            partition, error, _timestamp, offset = reader.take("ihqq")
            answers[partition] = (error, offset)
    return [answers[partition] for partition in sorted(answers)]


def metadata(topic: str) -> bytes:
    return _header(METADATA, 4) + struct.pack(">i", 1) + _text(topic) + b"\0"


@dataclasses.dataclass(frozen=True)
class Leadership:
    error: int
    leader: int
    in_sync: tuple[int, ...]


def read_metadata(frame: bytes) -> dict[int, Leadership]:
    """By partition; empty when the topic is not known."""
    reader = Reader(frame)
    reader.take("i")
    for _ in range(reader.take("i")):
        reader.take("i")
        reader.text()
        reader.take("i")
        reader.text()
    reader.text()
    reader.take("i")
    found = {}
    for _ in range(reader.take("i")):
        reader.take("h")
        reader.text()
        reader.take("b")
        for _ in range(reader.take("i")):
            error, partition, leader = reader.take("hii")
            reader.numbers()
            found[partition] = Leadership(error, leader, tuple(sorted(reader.numbers())))
    return found


def create_topic(topic: str, partitions: int, nodes: list[int], settings: dict[str, str]) -> bytes:
    body = struct.pack(">i", 1) + _text(topic) + struct.pack(">ihi", -1, -1, partitions)
    for partition in range(partitions):
        body += struct.pack(f">ii{len(nodes)}i", partition, len(nodes), *nodes)
    body += struct.pack(">i", len(settings)) + b"".join(_text(k) + _text(v) for k, v in settings.items())
    return _header(CREATE_TOPICS, 2) + body + struct.pack(">ib", 10000, 0)


def delete_topic(topic: str) -> bytes:
    return _header(DELETE_TOPICS, 1) + struct.pack(">i", 1) + _text(topic) + struct.pack(">i", 10000)


def read_topic_error(frame: bytes) -> int:
    """Of an answer to either of the two."""
    reader = Reader(frame)
    reader.take("i")
    reader.take("i")
    reader.text()
    return reader.take("h")


def elect_preferred(topic: str, partition: int) -> bytes:
    return (_header(ELECT_LEADERS, 1) + struct.pack(">bi", 0, 1) + _text(topic) +
            struct.pack(">iii", 1, partition, 10000))


@dataclasses.dataclass(frozen=True, order=True)
class Producer:
    """What a leader remembers of a producer."""
    producer_id: int
    epoch: int
    last_sequence: int
    last_timestamp_ms: int


def describe_producers(topic: str, partitions: int) -> bytes:
    """Flexible: counts are one more than they say, and tags follow."""
    body = b"\0" + _count(1) + _count(len(topic)) + topic.encode() + _count(partitions)
    body += struct.pack(f">{partitions}i", *range(partitions)) + bytes([0, 0])
    return _header(DESCRIBE_PRODUCERS, 0) + body


def read_producers(frame: bytes) -> dict[int, tuple[int, list[Producer]]]:
    """(error, producers) by partition."""
    reader = Reader(frame)
    reader.take("bi")
    answers = {}
    for _ in range(reader.count()):
        reader.skip(reader.count())
        for _ in range(reader.count()):
            partition, error = reader.take("ih")
            reader.skip(reader.count())
            producers = []
            for _ in range(reader.count()):
                *known, _coordinator_epoch, _transaction_start, _tags = reader.take("qiiqiqb")
                producers.append(Producer(*known))
            answers[partition] = (error, sorted(producers))
            reader.take("b")
        reader.take("b")
    return answers
