"""A Kafka broker in Python, one node, made to answer falsely: it keeps what it is sent by Kafka's rules for
idempotent producers, builds its answers from parts that a test may replace, and hands each to a script first."""
import contextlib
import socket
import struct
import threading

PRODUCE, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 3, 18, 22
# The one version of each that is spoken: all flexible, so that tagged fields can be anywhere.
VERSIONS = {PRODUCE: 9, METADATA: 9, API_VERSIONS: 3, INIT_PRODUCER_ID: 2}
OUT_OF_ORDER, UNSUPPORTED_VERSION = 45, 35
NO_TAGS = b"\0"
UNKNOWN_TAGS = b"\2" + b"\xe8\7\3abc" + b"\xa0\x8d\6\0"


def varint(value: int) -> bytes:
    """Unsigned."""
    data = b""
    while value > 0x7f:
        data += bytes([value & 0x7f | 0x80])
        value >>= 7
    return data + bytes([value])


def text(value: str) -> bytes:
    return varint(len(value) + 1) + value.encode()


def array(items: list) -> bytes:
    return varint(len(items) + 1) + b"".join(items)


def frame(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if size < 0 or self.at + size > len(self.data):
            raise ValueError("the client sent a message that ends too soon")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, form: str) -> int:
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def data_field(self) -> bytes:
        return self.take(self.varint() - 1)

    def skip_tags(self) -> None:
        for _ in range(self.varint()):
            self.varint()
            self.take(self.varint())


class Partition:
    """The values in order, and what is remembered of its producers: the next sequence, and the last batches."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.producers: dict = {}

    def append(self, batch: bytes) -> tuple:
        """Error code and base offset."""
        reader = Reader(batch)
        reader.take(43)
        producer_id, epoch, sequence, count = (reader.number(form) for form in "qhii")
        expected, recent = self.producers.get((producer_id, epoch), (0, {}))
        if sequence in recent:
            return 0, recent[sequence]
        if sequence != expected:
            return OUT_OF_ORDER, -1
        base_offset = len(self.values)
        for _ in range(count):
            record = Reader(reader.take(reader.zigzag()))
            record.take(1)
            record.zigzag(), record.zigzag()
            record.take(max(record.zigzag(), 0))
            self.values.append(record.take(record.zigzag()))
        recent = dict([*recent.items(), (sequence, base_offset)][-5:])
        self.producers[producer_id, epoch] = sequence + count, recent
        return 0, base_offset


class Answer:
    """One answer before it is sent. fields are the parts its body is built from; a script may replace any, or send what
    it likes on the connection instead."""

    def __init__(self, connection: "Connection", api: int, correlation_id: int, fields: dict) -> None:
        self.connection, self.api, self.correlation_id, self.fields = connection, api, correlation_id, fields

    def content(self) -> bytes:
        """Header and body, without the frame's length."""
        tags = b"" if self.api == API_VERSIONS else self.fields.get("header_tags", NO_TAGS)
        return struct.pack(">i", self.correlation_id) + tags + BUILDERS[self.api](self.fields)

    def frame(self) -> bytes:
        return frame(self.content())


def produce_body(fields: dict) -> bytes:
    tags = fields.get("tags", NO_TAGS)
    topics = []
    for name, partitions in fields["topics"]:
        rows = [struct.pack(">ihqqq", index, error, offset, -1, 0) + b"\1\0" + tags
                for index, error, offset in partitions]
        topics.append(text(name) + fields.get("partitions", array)(rows) + tags)
    return fields.get("array", array)(topics) + struct.pack(">i", fields.get("throttle_ms", 0)) + tags


def metadata_body(fields: dict) -> bytes:
    tags = fields.get("tags", NO_TAGS)
    brokers = [struct.pack(">i", node) + text(host) + struct.pack(">i", port) + b"\0" + tags
               for node, host, port in fields["brokers"]]
    topics = []
    for name, partitions in fields["topics"]:
        rows = [struct.pack(">hiii", 0, index, leader, 0) + (varint(2) + struct.pack(">i", 1)) * 2 + b"\1" + tags
                for index, leader in partitions]
        topics.append(struct.pack(">h", 0) + text(name) + b"\0" + fields.get("partitions", array)(rows) +
                      struct.pack(">i", -1) + tags)
    return (struct.pack(">i", 0) + array(brokers) + text("scripted") + struct.pack(">i", 1) +
            fields.get("array", array)(topics) + struct.pack(">i", -1) + tags)


def api_versions_body(fields: dict) -> bytes:
    tags = fields.get("tags", NO_TAGS)
    if fields["error"] == UNSUPPORTED_VERSION:
        return struct.pack(">hihhh", UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, VERSIONS[API_VERSIONS])
    rows = [struct.pack(">hhh", api, low, high) + tags for api, low, high in fields["ranges"]]
    return struct.pack(">h", fields["error"]) + fields.get("array", array)(rows) + struct.pack(">i", 0) + tags


def init_producer_id_body(fields: dict) -> bytes:
    body = struct.pack(">ihqh", 0, fields["error"], fields["producer_id"], fields["epoch"])
    return body + fields.get("tags", NO_TAGS)


BUILDERS = {PRODUCE: produce_body, METADATA: metadata_body, API_VERSIONS: api_versions_body,
            INIT_PRODUCER_ID: init_producer_id_body}


class Connection:
    def __init__(self, broker: "Broker", client: socket.socket) -> None:
        self.broker, self.client = broker, client
        self.is_silent = False   # answers nothing any more
        self.is_closed = False   # by the broker
        self.was_ended_by_client = False

    def send(self, data: bytes) -> None:
        self.client.sendall(data)

    def run(self) -> None:
        with contextlib.suppress(ConnectionError, OSError), self.client:
            self.broker.script.on_connection(self)
            while True:
                size = self._receive(4)
                if size is None:
                    break
                request = self._receive(struct.unpack(">i", size)[0])
                if request is None:
                    break
                self._handle(Reader(request))
        self.was_ended_by_client = not self.is_closed

    def close(self) -> None:
        """By the broker."""
        self.is_closed = True
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_RDWR)

    def _receive(self, size: int):
        data = b""
        while len(data) < size:
            with contextlib.suppress(ConnectionResetError):
                piece = self.client.recv(size - len(data))
                if piece:
                    data += piece
                    continue
            return None
        return data

    def _handle(self, reader: Reader) -> None:
        api, version, correlation_id = (reader.number(form) for form in "hhi")
        reader.take(max(reader.number("h"), 0))
        reader.skip_tags()
        with self.broker.lock:
            fields = self.broker.handle(api, version, reader)
        answer = Answer(self, api, correlation_id, fields)
        if self.is_silent:
            return
        if not self.broker.script.on_answer(answer):
            self.send(answer.frame())


class Broker:
    """Used as a context; threads of its own. script: see hostile_test.Script; partition: a class like Partition."""

    def __init__(self, script, topic: str, partitions: int, partition=Partition) -> None:
        self.script, self.topic = script, topic
        self.partitions = [partition() for _ in range(partitions)]
        self.lock = threading.Lock()
        self.connections: list[Connection] = []
        self.faults: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self) -> "Broker":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(self, client)
            self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()

    def handle(self, api: int, version: int, reader: Reader) -> dict:
        """The fields of the true answer."""
        if api == API_VERSIONS:
            known = version <= VERSIONS[API_VERSIONS]
            ranges = [(key, high, high) for key, high in VERSIONS.items()]
            return {"error": 0 if known else UNSUPPORTED_VERSION, "ranges": ranges}
        if api not in VERSIONS or version != VERSIONS[api]:
            self.faults.append(f"the client sent version {version} of API {api}")
        if api == METADATA:
            leaders = [(index, 1) for index in range(len(self.partitions))]
            return {"brokers": [(1, "127.0.0.1", self.port)], "topics": [(self.topic, leaders)]}
        if api == INIT_PRODUCER_ID:
            return {"error": 0, "producer_id": 77, "epoch": 0}
        return {"topics": self._produce(reader)}

    def _produce(self, reader: Reader) -> list:
        reader.take(max(reader.varint() - 1, 0))
        reader.take(6)
        topics = []
        for _ in range(reader.varint() - 1):
            name, rows = reader.data_field().decode(), []
            for _ in range(reader.varint() - 1):
                index = reader.number("i")
                rows.append((index, *self.partitions[index].append(reader.data_field())))
                reader.skip_tags()
            reader.skip_tags()
            topics.append((name, rows))
        return topics
