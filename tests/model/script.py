"""Scripts: what a client and its brokers do, step by step, without saying what comes of it. See README.md."""
import dataclasses
import pathlib
import re

BATCH = re.compile(r"^(?P<producer>[A-Z]|-) (?P<sequence>\d+)\+(?P<count>\d+)(?P<options>( \w+=-?\w+)*)$")
NODES = 3
EVENTS = ("stop", "kill", "start", "lead", "pause", "resume", "sleep")


@dataclasses.dataclass(frozen=True)
class Part:
    """One batch to one partition. at_seconds: its timestamp, from the beginning of the script."""
    producer: str
    sequence: int
    count: int
    epoch: int = 0
    at_seconds: int = 0
    partition: int = 0
    bytes: int = 4


@dataclasses.dataclass(frozen=True)
class Send:
    line: str
    parts: tuple[Part, ...]
    acks: int = -1
    node: int = 0  # 0: the leader
    timeout_ms: int = 30000


@dataclasses.dataclass(frozen=True)
class Event:
    """What happens to all scripts of a group together: a node stops, time passes."""
    line: str
    kind: str
    number: int


@dataclasses.dataclass(frozen=True)
class Remake:
    """The topic is deleted and made again."""
    line: str


@dataclasses.dataclass(frozen=True)
class Describe:
    """The leader is asked what it knows of producers."""
    line: str


@dataclasses.dataclass
class Script:
    name: str
    replicas: int = 1
    min_in_sync: int = 1
    first: int = 1  # the node that leads when the script begins
    partitions: int = 1
    states: bool = True  # also run against Kafka's ProducerStateManager
    steps: list = dataclasses.field(default_factory=list)

    @property
    def nodes(self) -> list[int]:
        """Those with a copy, the preferred leader first."""
        return [1 + (self.first - 1 + number) % NODES for number in range(self.replicas)]

    @property
    def is_described(self) -> bool:
        """After each send, too: not where producers expire at a moment of the broker's choice."""
        sends = [step for step in self.steps if isinstance(step, Send)]
        return not any(part.at_seconds for step in sends for part in step.parts)

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(step for step in self.steps if isinstance(step, Event))


def read(path: pathlib.Path) -> list[Script]:
    scripts: list[Script] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        try:
            if line.startswith("script "):
                scripts.append(_header(line))
            else:
                scripts[-1].steps.extend(_steps(line))
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{path.name}:{number}: {line}: {error}") from error
    return scripts


def _header(line: str) -> Script:
    words = line.split()
    options = dict(word.split("=") for word in words[2:])
    states = options.pop("states", "yes") == "yes"
    return Script(words[1], states=states, **{name: int(value) for name, value in options.items()})


def _steps(line: str) -> list:
    verb, _, rest = line.partition(" ")
    if verb == "remake":
        return [Remake(line)]
    if verb == "describe":
        return [Describe(line)]
    if verb in EVENTS:
        return [Event(line, verb, int(rest))]
    if verb == "restart":
        kinds = ({"clean": "stop", "kill": "kill"}[rest], "start", "lead")
        return [Event(line, kind, 1) for kind in kinds]
    if verb == "send":
        return [_send(line, rest)]
    if verb == "each":  # "each 0-7 A N0+10": a batch for each number, which stands for N
        bounds, _, form = rest.partition(" ")
        first, last = map(int, bounds.split("-"))
        forms = [form.replace("N", str(number)) for number in range(first, last + 1)]
        return [_send(f"send {text}", text) for text in forms]
    raise ValueError("no such step")


def _send(line: str, text: str) -> Send:
    parts, request = [], {"acks": -1, "node": 0, "timeout_ms": 30000}
    for piece in text.split(" & "):
        match = BATCH.match(piece.strip())
        if not match:
            raise ValueError("not a batch")
        options = {name: int(value) for name, value in (o.split("=") for o in match["options"].split())}
        if "timeout" in options:
            options["timeout_ms"] = 1000 * options.pop("timeout")
        request |= {name: options.pop(name) for name in request if name in options}
        if "at" in options:
            options["at_seconds"] = options.pop("at")
        parts.append(Part(match["producer"], int(match["sequence"]), int(match["count"]), **options))
    return Send(line, tuple(parts), **request)
