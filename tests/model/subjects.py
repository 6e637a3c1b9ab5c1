"""What scripts are played to: the model, real brokers, and Kafka's own memory of producers."""
import contextlib
import pathlib
import socket
import struct
import subprocess
import sys
import time

import script
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
# pylint: disable=wrong-import-position
import checks  # noqa: E402
import processes  # noqa: E402
from kafka import cluster as kafka_cluster  # noqa: E402

VERSION = kafka_cluster.VERSIONS[0]
NODES = script.NODES
UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, NOT_LEADER, OFFSET_NOT_AVAILABLE = 3, 5, 6, 78
UNSETTLED = (UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, NOT_LEADER, OFFSET_NOT_AVAILABLE)
PRODUCER_IDS = 987654300  # no broker has given one out
TRIES = 2400
PAUSE_SECONDS = 0.05
PATIENCE_SECONDS = 120


def producer_id(name: str) -> int:
    return -1 if name == "-" else PRODUCER_IDS + ord(name)


def preferring(node: int, group: list[script.Script]) -> list[script.Script]:
    """Whose partitions the node leads after an election of preferred leaders."""
    return [played for played in group if played.first == node]


class Subject:
    """A script's topic is named after it; its time begins with its first step."""
    name = ""

    def __init__(self) -> None:
        self.begun_ms: dict[str, int] = {}

    def begin(self, played: script.Script) -> None:
        self.begun_ms.setdefault(played.name, self.now_ms())

    def encode(self, played: script.Script, part: script.Part) -> bytes:
        at_ms = self.begun_ms[played.name] + 1000 * part.at_seconds
        return wire.Batch(producer_id(part.producer), part.epoch, part.sequence, part.count, at_ms, part.bytes).encode()

    def describe(self, played: script.Script, answers: dict[int, tuple[int, int, int]] | None, ends: list[int]) -> str:
        """The outcome of a step as text; times count from the script's beginning."""
        if answers is None:
            told = "connection closed"
        else:
            told = ", ".join(
                f"error {error} offset {offset} time {'none' if at < 0 else (at - self.begun_ms[played.name]) // 1000}"
                for _, (error, offset, at) in sorted(answers.items())) or "no answer"
        return f"{told}; end {' '.join(map(str, ends))}"

    def knowledge(self, played: script.Script) -> str:
        """What is known of producers, as text."""
        told = []
        for partition, producers in enumerate(self.producers(played)):
            known = [f"{chr(one.producer_id - PRODUCER_IDS)} epoch {one.epoch} sequence {one.last_sequence}"
                     f" time {(one.last_timestamp_ms - self.begun_ms[played.name]) // 1000}" for one in producers]
            told.append(f"; knows in {partition}: {', '.join(known) or 'nobody'}")
        return "".join(told)

    def producers(self, played: script.Script) -> list[list[wire.Producer]]:
        """By partition, in order of their ids."""
        raise NotImplementedError

    def now_ms(self) -> int:
        raise NotImplementedError

    def make_topic(self, played: script.Script) -> None:
        raise NotImplementedError

    def remake(self, played: script.Script) -> None:
        raise NotImplementedError

    def send(self, played: script.Script, step: script.Send) -> str:
        raise NotImplementedError

    def event(self, step: script.Event, group: list[script.Script]) -> None:
        raise NotImplementedError


class Brokers(Subject):
    """Who understands requests. ask returns None when the connection was closed instead of an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.down: set[int] = set()

    def ask(self, node: int, request: bytes) -> bytes | None:
        raise NotImplementedError

    def tell(self, node: int, request: bytes) -> bool:
        """Waits for no answer; false when the connection is known to be closed."""
        raise NotImplementedError

    def pause(self) -> None:
        raise NotImplementedError

    def send(self, played: script.Script, step: script.Send) -> str:
        batches = {part.partition: self.encode(played, part) for part in step.parts}
        if step.node:
            return self._send_to(played, step, batches)
        request = wire.produce(played.name, batches, step.acks, step.timeout_ms)
        answers = self._tell(played, step, request) if step.acks == 0 else self._ask(played, step, request)
        return self.describe(played, answers, self._ends(played))

    def _send_to(self, played: script.Script, step: script.Send, batches: dict[int, bytes]) -> str:
        """To a node that need not lead: it may name the one that does."""
        answer = self.ask(step.node, wire.produce_flexible(played.name, batches, step.acks, step.timeout_ms))
        checks.expect(answer, f"{self.name} closed the connection")
        answers, hint = wire.read_produce_flexible(answer)
        return f"{self.describe(played, answers, self._ends(played))}; leader {hint.leader} nodes {hint.nodes}"

    def producers(self, played: script.Script) -> list[list[wire.Producer]]:
        for _ in range(TRIES):
            answer = self.ask(self.leader(played), wire.describe_producers(played.name, played.partitions))
            found = wire.read_producers(answer) if answer else {}
            if found and not any(error for error, _ in found.values()):
                return [found[partition][1] for partition in sorted(found)]
            self.pause()
        raise TimeoutError(f"{self.name}: the producers of {played.name} are not known")

    def leader(self, played: script.Script) -> int:
        """Of partition 0; all partitions of a topic have the same."""
        for _ in range(TRIES):
            for node in set(range(1, NODES + 1)) - self.down:
                found = self.leaderships(node, played)
                if found and found[0].leader > 0 and found[0].leader not in self.down:
                    return found[0].leader
            self.pause()
        raise TimeoutError(f"{self.name}: nobody leads {played.name}")

    def leaderships(self, node: int, played: script.Script) -> dict[int, wire.Leadership]:
        answer = self.ask(node, wire.metadata(played.name))
        return wire.read_metadata(answer) if answer else {}

    def _ask(self, played: script.Script, step: script.Send, request: bytes) -> dict | None:
        """A leader that has not heard of it yet is asked again."""
        for _ in range(TRIES):
            answer = self.ask(self.leader(played), request)
            if answer is None:
                return None
            answers = wire.read_produce(answer)
            if not any(error in UNSETTLED for error, _, _ in answers.values()):
                return answers
            self.pause()
        return answers

    def _tell(self, played: script.Script, step: script.Send, request: bytes) -> dict | None:
        """Without acknowledgements a broker can only close the connection; the next request on it shows that."""
        node = self.leader(played)
        is_open = self.tell(node, request) and self.ask(node, wire.list_ends(played.name, played.partitions))
        return {} if is_open else None

    def _ends(self, played: script.Script) -> list[int]:
        for _ in range(TRIES):
            answer = self.ask(self.leader(played), wire.list_ends(played.name, played.partitions))
            ends = wire.read_ends(answer) if answer else []
            if ends and not any(error for error, _ in ends):
                return [offset for _, offset in ends]
            self.pause()
        raise TimeoutError(f"{self.name}: the end of {played.name} is not known")


class Model(Brokers):
    """The model cluster in virtual time; fallacy: wrong on purpose (model_subject.c)."""
    name = "model"

    def __init__(self, fallacy: str = "") -> None:
        super().__init__()
        program = checks.built("tests/model/model_subject")
        self.child = processes.start([program, *([fallacy] if fallacy else [])], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)

    def command(self, line: str) -> str:
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        checks.expect(answer, f"the model ended at: {line[:60]}")
        return answer

    def end(self) -> None:
        self.child.stdin.close()
        status = self.child.wait(30)
        processes.end(self.child)
        checks.expect(status == 0, f"the model ended with {status}")

    def ask(self, node: int, request: bytes) -> bytes | None:
        answer = self.command(f"ask {node} {request.hex()}")
        return None if answer == "closed" else bytes.fromhex(answer.split()[1])

    def tell(self, node: int, request: bytes) -> bool:
        return self.command(f"tell {node} {request.hex()}") == "ok"

    def pause(self) -> None:
        self.command("sleep 50")

    def now_ms(self) -> int:
        return int(self.command("now"))

    def make_topic(self, played: script.Script) -> None:
        nodes = " ".join(map(str, played.nodes))
        self.command(f"topic {played.name} {played.partitions} {played.min_in_sync} {nodes}")

    def remake(self, played: script.Script) -> None:
        self.command(f"delete {played.name}")
        self.make_topic(played)

    def event(self, step: script.Event, group: list[script.Script]) -> None:
        if step.kind == "sleep":
            self.command(f"sleep {1000 * step.number}")
        elif step.kind == "lead":
            for played in preferring(step.number, group):
                for partition in range(played.partitions):
                    answer = self.command(f"lead {played.name} {partition} {step.number}")
                    checks.expect(answer == "ok", f"the model's node {step.number} may not lead {played.name}")
        else:
            self.command(f"{step.kind} {step.number}")
            if step.kind in ("start", "resume"):
                self.down.discard(step.number)
            else:
                self.down.add(step.number)


class Kafka(Brokers):
    """Three real nodes."""
    name = f"Kafka {VERSION}"

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__()
        # A node that stands still is not fenced while a script looks at what that does.
        settings = {"producer.id.expiration.check.interval.ms": 1000, "broker.session.timeout.ms": 10000}
        self.cluster = kafka_cluster.Cluster(VERSION, folder, nodes=NODES, settings=settings)
        self.links: dict[int, socket.socket] = {}

    def ask(self, node: int, request: bytes) -> bytes | None:
        try:
            self.tell(node, request)
            size = struct.unpack(">i", self._receive(node, 4))[0]
            return self._receive(node, size)
        except (OSError, EOFError):
            self._close(node)
            return None

    def tell(self, node: int, request: bytes) -> bool:
        if node not in self.links:
            port = self.cluster.nodes[node - 1].port
            self.links[node] = socket.create_connection(("127.0.0.1", port), timeout=40)
        self.links[node].sendall(struct.pack(">i", len(request)) + request)
        return True

    def pause(self) -> None:
        time.sleep(PAUSE_SECONDS)

    def now_ms(self) -> int:
        return int(1000 * time.time())

    def make_topic(self, played: script.Script) -> None:
        settings = {"min.insync.replicas": str(played.min_in_sync)}
        answer = self.ask(2, wire.create_topic(played.name, played.partitions, played.nodes, settings))
        error = wire.read_topic_error(answer) if answer else None
        checks.expect(error == 0, f"topic {played.name} is not made: {error}")
        self._wait_in_sync([played])

    def remake(self, played: script.Script) -> None:
        answer = self.ask(2, wire.delete_topic(played.name))
        checks.expect(answer and wire.read_topic_error(answer) == 0, f"topic {played.name} is not deleted")
        for node in range(1, NODES + 1):
            processes.wait_until(lambda node=node: self._is_gone(node, played), PATIENCE_SECONDS,
                                 f"{played.name} is gone")
        self.make_topic(played)

    def event(self, step: script.Event, group: list[script.Script]) -> None:
        if step.kind == "sleep":
            time.sleep(step.number)
        elif step.kind == "lead":
            self._lead(step.number, group)
        elif step.kind == "start":
            self.cluster.restart(step.number - 1)
            self.down.discard(step.number)
            self._wait_in_sync(group)
        elif step.kind == "pause":
            self.cluster.pause(step.number - 1)
            self.down.add(step.number)
        elif step.kind == "resume":
            self.cluster.resume(step.number - 1)
            self.down.discard(step.number)
            self._wait_in_sync(group)
        else:
            self._close(step.number)
            self.down.add(step.number)
            (self.cluster.kill if step.kind == "kill" else self.cluster.stop)(step.number - 1)
            self._wait_in_sync([played for played in group if played.replicas > 1])

    def _lead(self, node: int, group: list[script.Script]) -> None:
        for played in preferring(node, group):
            for partition in range(played.partitions):
                self.ask(2, wire.elect_preferred(played.name, partition))
            processes.wait_until(lambda played=played: self._leads_everywhere(node, played), PATIENCE_SECONDS,
                                 f"node {node} leads {played.name}")

    def _leads_everywhere(self, node: int, played: script.Script) -> bool:
        return all(self.leaderships(asked, played).get(partition) and
                   self.leaderships(asked, played)[partition].leader == node
                   for asked in range(1, NODES + 1) for partition in range(played.partitions))

    def _is_gone(self, node: int, played: script.Script) -> bool:
        return not any(found.leader > 0 for found in self.leaderships(node, played).values())

    def _wait_in_sync(self, group: list[script.Script]) -> None:
        """Until each node that is up knows a leader that is up, and exactly those that are up are in sync."""
        for played in group:
            up = tuple(sorted(set(played.nodes) - self.down))
            for node in set(range(1, NODES + 1)) - self.down:
                processes.wait_until(lambda node=node, played=played, up=up: self._is_in_sync(node, played, up),
                                     PATIENCE_SECONDS, f"node {node} sees {played.name} in sync on {up}")

    def _is_in_sync(self, node: int, played: script.Script, up: tuple[int, ...]) -> bool:
        found = self.leaderships(node, played)
        return len(found) == played.partitions and all(
            one.error == 0 and one.leader in up and one.in_sync == up for one in found.values())

    def _receive(self, node: int, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.links[node].recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _close(self, node: int) -> None:
        link = self.links.pop(node, None)
        if link is not None:
            with contextlib.suppress(OSError):
                link.close()


class States(Subject):
    """Kafka's ProducerStateManager (java/ProducerStates.java), in a time of its own."""
    name = "ProducerStateManager"

    def __init__(self, classes: str, folder: pathlib.Path) -> None:
        super().__init__()
        self.clock_ms = 1_700_000_000_000
        self.last_end = "clean"
        folder.mkdir()
        command = ["java", *kafka_cluster.TOOL_OPTIONS, "-Dlog4j.configuration=file:/dev/null", "-cp", classes,
                   "org.apache.kafka.storage.internals.log.ProducerStates", folder]
        self.log = folder / "states.log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.child = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)

    def command(self, line: str) -> str:
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline().strip()
        checks.expect(answer, f"ProducerStates ended, {self.log.read_text()}, at: {line[:60]}")
        return answer

    def producers(self, played: script.Script) -> list[list[wire.Producer]]:
        answers = [self.command(f"describe {played.name}-{partition}") for partition in range(played.partitions)]
        return [sorted(wire.Producer(*map(int, one.split(":"))) for one in answer.split()[1:]) for answer in answers]

    def now_ms(self) -> int:
        return self.clock_ms

    def make_topic(self, played: script.Script) -> None:
        for partition in range(played.partitions):
            checks.expect(self.command(f"end {played.name}-{partition}") == "0", f"{played.name} is not new")

    def remake(self, played: script.Script) -> None:
        for partition in range(played.partitions):
            self.command(f"drop {played.name}-{partition}")

    def send(self, played: script.Script, step: script.Send) -> str:
        answers = {}
        for part in step.parts:
            line = f"append {played.name}-{part.partition} {self.encode(played, part).hex()}"
            error, offset, at, _end = map(int, self.command(line).split())
            answers[part.partition] = (error, offset, at)
        ends = [int(self.command(f"end {played.name}-{partition}")) for partition in range(played.partitions)]
        if step.acks == 0:
            answers = None if any(error for error, _, _ in answers.values()) else {}
        return self.describe(played, answers, ends)

    def event(self, step: script.Event, group: list[script.Script]) -> None:
        if step.kind == "sleep":
            self.clock_ms += 1000 * step.number
            self.command(f"expire {self.clock_ms}")
        elif step.kind == "start":
            self.command(f"restart {self.last_end} {self.clock_ms}")
        elif step.kind in ("stop", "kill"):
            self.last_end = "clean" if step.kind == "stop" else "kill"


def compile_states(folder: pathlib.Path) -> str:
    """The class path of ProducerStates."""
    jars = kafka_cluster.fetch(VERSION)
    source = pathlib.Path(__file__).resolve().parent / "java" / "ProducerStates.java"
    result = processes.run(["javac", "-Xlint:all", "-Werror", "-proc:none", "-cp", jars, "-d", folder, source])
    checks.expect(result.returncode == 0, f"javac: {result.stdout}{result.stderr}")
    return f"{folder}:{jars}"
