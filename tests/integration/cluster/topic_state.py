"""Who leads a topic's partitions and which replicas are in sync, asked of a broker by a metadata request."""
import dataclasses
import socket
import struct

METADATA, VERSION = 3, 1


@dataclasses.dataclass(frozen=True)
class Partition:
    leader: int  # -1: none
    replicas: tuple
    in_sync: tuple


class _Answer:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def numbers(self, form: str) -> tuple:
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def text(self) -> str:
        size = max(0, self.number("h"))
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def many(self, read) -> list:
        return [read() for _ in range(self.number("i"))]


def describe(port: int, topics: list[str]) -> dict[str, dict[int, Partition]]:
    """The partitions by topic and number, as the broker at that port sees them. A topic that it does not know has
    none. Raises OSError if there is no answer."""
    names = b"".join(struct.pack(">h", len(topic)) + topic.encode() for topic in topics)
    body = struct.pack(">hhih4si", METADATA, VERSION, 1, 4, b"test", len(topics)) + names
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.settimeout(5)
        link.sendall(struct.pack(">i", len(body)) + body)
        answer = _Answer(_read(link, struct.unpack(">i", _read(link, 4))[0]))
    answer.number("i")
    answer.many(lambda: (answer.number("i"), answer.text(), answer.number("i"), answer.text()))
    answer.number("i")
    return dict(answer.many(lambda: _read_topic(answer)))


def _read_topic(answer: _Answer) -> tuple[str, dict[int, Partition]]:
    answer.number("h")
    name = answer.text()
    answer.number("b")
    return name, dict(answer.many(lambda: _read_partition(answer)))


def _read_partition(answer: _Answer) -> tuple[int, Partition]:
    _error, index, leader = answer.numbers("hii")
    replicas, in_sync = (tuple(answer.many(lambda: answer.number("i"))) for _ in range(2))
    return index, Partition(leader, replicas, in_sync)


def _read(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise ConnectionResetError("the broker closed the connection")
        data += part
    return data
