#!/usr/bin/env python3
"""hostile_test.py [CASE...]: a broker that answers falsely, by scripted_broker.py. In each case something false comes
once (or as often as the case says), to a producer that is sending; then the broker behaves again. The log line must
be the one that fits, the connection must be closed by the client where the two no longer agree and nowhere else, and in
the end every record must be there once and reported once. A control, the same without what is false, must show none of
this: no log line of any case, no lost connection, no batch sent twice."""
import dataclasses
import pathlib
import re
import struct
import sys
import time

import checks
import lines
import processes
import scripted_broker as broker_parts
import sender_run
from scripted_broker import API_VERSIONS, INIT_PRODUCER_ID, METADATA, NO_TAGS, PRODUCE, UNKNOWN_TAGS, frame, varint

TOPIC, PARTITIONS, LINES, RUN = "hostile", 2, 300, 0x686f7374
RECEIVE_MAX_BYTES = 1000000
MEMORY_MAX_KIB = 96 * 1024
# Where the broker falls silent; elsewhere a busy machine must not be taken for that.
REQUEST_TIMEOUT_MS, SILENCE_MS = 30000, 1500
SETTINGS = {"buffer.memory": 8 << 20, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100,
            "retry.backoff.ms": 20, "retry.backoff.max.ms": 100,
            "delivery.timeout.ms": 60000, "linger.ms": 1, "receive.message.max.bytes": RECEIVE_MAX_BYTES,
            "batch.size": 2000}
AT_A_TIME = 6


@dataclasses.dataclass
class Case:
    """do gets an Answer, and returns whether it has sent all that is to be sent; it may change the fields instead.
    skip: so many true answers of that API come first."""
    name: str
    api: int
    do: object
    log: str = ""            # a pattern that the log must hold; "" where nothing is wrong
    loses: bool = True       # the client has to close the connection
    skip: int = 1
    count: int = 1
    fails: bool = False      # the batch ends without delivery
    partition: object = broker_parts.Partition


class Script:
    """Hits as many answers as the case says."""

    def __init__(self, case: Case) -> None:
        self.case, self.seen, self.hits = case, 0, 0
        self.marked: list = []

    def on_connection(self, connection) -> None:
        if self.case.api is None and self.hits < self.case.count:
            self._hit(connection)
            self.case.do(connection)

    def on_answer(self, answer) -> bool:
        if answer.api != self.case.api:
            return False
        self.seen += 1
        if self.seen <= self.case.skip or self.hits >= self.case.count:
            return False
        self._hit(answer.connection)
        return bool(self.case.do(answer))

    def _hit(self, connection) -> None:
        self.hits += 1
        self.marked.append(connection)


def sending(make):
    """Sends bytes made of the answer instead of it."""
    def do(answer) -> bool:
        answer.connection.send(make(answer))
        return True
    return do


def setting(**fields):
    """Changes fields of the answer; values that can be called get the true one."""
    def do(answer) -> bool:
        for name, value in fields.items():
            answer.fields[name] = value(answer.fields[name]) if callable(value) and name in answer.fields else value
        return False
    return do


def with_length(length):
    return sending(lambda answer: struct.pack(">i", length) + answer.content())


def with_correlation(change):
    def do(answer) -> bool:
        answer.correlation_id = change(answer.correlation_id)
        return False
    return do


def half_and_close(answer) -> bool:
    whole = answer.frame()
    answer.connection.send(whole[:len(whole) // 2])
    answer.connection.close()
    return True


def dribble(answer) -> bool:
    for byte in answer.frame():
        answer.connection.send(bytes([byte]))
        time.sleep(0.001)
    return True


def then_silence(make):
    """Sends bytes made of the answer, and then nothing on the connection any more."""
    def do(answer) -> bool:
        answer.connection.is_silent = True
        answer.connection.send(make(answer))
        return True
    return do


def endless_answers(answer) -> bool:
    data = frame(struct.pack(">i", answer.correlation_id) + bytes(1000)) * 100
    while True:   # until the client closes: that ends it by an exception
        answer.connection.send(data)


def endless_frame(answer) -> bytes:
    """As large as may be, and never whole."""
    return struct.pack(">ii", RECEIVE_MAX_BYTES, answer.correlation_id) + b"x" * (RECEIVE_MAX_BYTES - 100)


def in_rows(change):
    """Changes the rows of the partitions of a Produce answer."""
    return setting(topics=lambda topics: [(name, change(rows)) for name, rows in topics])


def of_count(encoded):
    """An array whose count is said to be another one."""
    return lambda items: encoded + b"".join(items)


def every(*conditions):
    return "|".join(conditions)


HUGE = b"\xff\xff\xff\xff\x07"
ENDLESS_VARINT = b"\xff" * 10
DISAGREES = "answer does not fit the request"
NOT_READ = "cannot be read"
TIMED_OUT = "no answer in time"
NO_ANSWER_DUE = every("while no request was waiting", "has correlation id")
NOT_UNDERSTOOD = every(DISAGREES, NO_ANSWER_DUE, "claims a size", "is larger than", "header is malformed")

CASES = [
    # The frame.
    Case("a length of zero", PRODUCE, with_length(0), "claims a size of 0 bytes"),
    Case("a negative length", PRODUCE, with_length(-5), "claims a size of -5 bytes"),
    Case("a length without room for a correlation id", PRODUCE, with_length(3), "claims a size of 3 bytes"),
    Case("a length over the limit", PRODUCE,
         with_length(RECEIVE_MAX_BYTES + 1), "is larger than receive.message.max.bytes"),
    Case("the largest length", PRODUCE, with_length(0x7fffffff), "is larger than receive.message.max.bytes"),
    Case("half an answer, then the end", PRODUCE, half_and_close, "closed", loses=False),
    Case("half an answer, then silence", PRODUCE, then_silence(lambda answer: answer.frame()[:20]), TIMED_OUT),
    Case("half an answer, then the others", PRODUCE, sending(lambda answer: answer.frame()[:20]), NOT_UNDERSTOOD),
    Case("silence", PRODUCE, then_silence(lambda answer: b""), TIMED_OUT),
    Case("a frame that never ends", PRODUCE, then_silence(endless_frame), TIMED_OUT),
    Case("frames without end", PRODUCE, endless_answers, every(DISAGREES, NO_ANSWER_DUE)),
    Case("byte by byte", PRODUCE, dribble, "", loses=False, count=3),
    Case("garbage", PRODUCE, sending(lambda answer: b"\x9c\1\2\3" * 50), "claims a size of -"),
    Case("the answer of a web server", PRODUCE,
         sending(lambda answer: b"HTTP/1.1 400 Bad Request\r\n\r\n"), "speaks HTTP"),
    # Whose answer it is.
    Case("an answer left out", PRODUCE, lambda answer: True, "has correlation id"),
    Case("a wrong correlation id", PRODUCE, with_correlation(lambda number: number + 1), "has correlation id"),
    Case("a negative correlation id", PRODUCE, with_correlation(lambda number: -number), "has correlation id"),
    Case("an answer twice", PRODUCE, sending(lambda answer: answer.frame() * 2), NO_ANSWER_DUE),
    Case("an answer that nobody asked for", PRODUCE,
         sending(lambda answer: answer.frame() + frame(struct.pack(">i", 0x7fffffff) + NO_TAGS)), NO_ANSWER_DUE),
    Case("an answer before any request", None,
         lambda connection: connection.send(frame(struct.pack(">i", 99) + bytes(20))),
         NO_ANSWER_DUE),
    # What a Produce answer says.
    Case("a Produce answer that ends too soon", PRODUCE,
         sending(lambda answer: frame(answer.content()[:-8])), DISAGREES),
    Case("a Produce answer without topics, by a null array", PRODUCE, setting(array=of_count(b"\0")), DISAGREES),
    Case("a Produce answer of two billion topics", PRODUCE, setting(array=of_count(HUGE)), DISAGREES),
    Case("a varint that never ends", PRODUCE, setting(array=of_count(ENDLESS_VARINT)), DISAGREES),
    Case("a Produce answer of two billion partitions", PRODUCE, setting(partitions=of_count(HUGE)), DISAGREES),
    Case("unknown tagged fields everywhere in a Produce answer", PRODUCE,
         setting(tags=UNKNOWN_TAGS, header_tags=UNKNOWN_TAGS), "", loses=False, count=5),
    Case("a partition left out", PRODUCE, in_rows(lambda rows: rows[1:]), DISAGREES),
    Case("a partition listed twice", PRODUCE, in_rows(lambda rows: rows + rows[:1]), DISAGREES),
    Case("a partition that was not asked for", PRODUCE, in_rows(lambda rows: rows + [(7, 0, 0)]), DISAGREES),
    Case("a partition of a negative number", PRODUCE,
         in_rows(lambda rows: [(-1, *row[1:]) for row in rows]), DISAGREES),
    Case("a topic that was not asked for", PRODUCE,
         setting(topics=lambda topics: topics + [("other", [(0, 0, 0)])]), DISAGREES),
    Case("an offset below zero", PRODUCE, in_rows(lambda rows: [(row[0], 0, -1000) for row in rows]), "", loses=False),
    Case("the largest offset", PRODUCE,
         in_rows(lambda rows: [(row[0], 0, 2 ** 63 - 1) for row in rows]), "", loses=False),
    Case("an error that nobody knows", PRODUCE,
         in_rows(lambda rows: [(row[0], 9999, -1) for row in rows]), "", loses=False,
         fails=True),
    Case("a negative pause", PRODUCE, setting(throttle_ms=-(2 ** 31)), "", loses=False),
    # Metadata.
    Case("Metadata that ends too soon", METADATA,
         sending(lambda answer: frame(answer.content()[:-8])), NOT_READ, skip=0),
    Case("Metadata of two billion topics", METADATA, setting(array=of_count(HUGE)), NOT_READ, skip=0),
    Case("Metadata of two billion partitions", METADATA, setting(partitions=of_count(HUGE)), NOT_READ, skip=0),
    Case("a broker at port 0", METADATA, setting(brokers=[(1, "127.0.0.1", 0)]), NOT_READ, skip=0),
    Case("a broker without a host", METADATA, setting(brokers=[(1, "", 9092)]), NOT_READ, skip=0),
    Case("a broker of a negative number", METADATA,
         setting(brokers=[(-7, "127.0.0.1", 9092)]), "without a usable address",
         loses=False, skip=0),
    Case("a partition beyond the last", METADATA, setting(topics=[(TOPIC, [(0, 1), (1000000, 1)])]), NOT_READ, skip=0),
    Case("a leader that is no broker", METADATA,
         setting(topics=[(TOPIC, [(0, 42), (1, 42)])]), "", loses=False, skip=0),
    Case("no broker at all", METADATA, setting(brokers=[], topics=[]), "", loses=False, skip=0),
    Case("unknown tagged fields everywhere in Metadata", METADATA,
         setting(tags=UNKNOWN_TAGS, header_tags=UNKNOWN_TAGS), "",
         loses=False, skip=0),
    # ApiVersions.
    Case("garbage as versions", API_VERSIONS, sending(lambda answer: frame(answer.content()[:4] + b"\xff" * 9)),
         "ApiVersions", skip=0),
    Case("two billion versions", API_VERSIONS,
         setting(array=of_count(HUGE), error=0), "ApiVersions response is malformed",
         skip=0),
    Case("ranges from above to below", API_VERSIONS,
         setting(error=0, ranges=[(0, 9, 3), (3, 9, 1)]), "offers no version",
         skip=0),
    Case("unknown tagged fields everywhere in ApiVersions", API_VERSIONS, setting(tags=UNKNOWN_TAGS), "", loses=False,
         skip=1),
    # InitProducerId.
    Case("a negative producer id", INIT_PRODUCER_ID, setting(producer_id=-3), NOT_READ, skip=0),
    Case("a negative epoch", INIT_PRODUCER_ID, setting(epoch=-3), NOT_READ, skip=0),
    Case("a producer id that ends too soon", INIT_PRODUCER_ID, sending(lambda answer: frame(answer.content()[:-6])),
         NOT_READ, skip=0),
]
CONTROL = Case("control: a broker that tells the truth", PRODUCE, lambda answer: False, loses=False)


class Forgetful(broker_parts.Partition):
    def append(self, batch: bytes) -> tuple:
        told = super().append(batch)
        self.values[50:51] = []
        return told


class Doubling(broker_parts.Partition):
    def append(self, batch: bytes) -> tuple:
        told = super().append(batch)
        self.values += self.values[:1] if len(self.values) < 50 else []
        return told


# Each must be found wanting, in these words.
CANARIES = [
    (Case("a record is lost", PRODUCE, lambda answer: False, loses=False, partition=Forgetful),
     "300 of 300 delivered, "),
    (Case("a record is there twice", PRODUCE, lambda answer: False, loses=False, partition=Doubling),
     "are there twice"),
    (Case("the log does not say it", PRODUCE, lambda answer: False, "claims a size of 0 bytes", loses=False),
     "the log does not say claims a size"),
    (Case("the connection stays open", PRODUCE, lambda answer: False), "the connection stays open"),
    (Case("a connection is lost", PRODUCE, with_length(0), loses=False), "a connection was lost"),
    (Case("a case that never comes", METADATA, lambda answer: False, loses=False, skip=1000000),
     "the case came 0 times"),
]


class Run:
    """One producer against one broker."""

    def __init__(self, case: Case, place: pathlib.Path, number: int) -> None:
        self.case, self.script = case, Script(case)
        self.broker = broker_parts.Broker(self.script, TOPIC, PARTITIONS, case.partition)
        self.broker.__enter__()
        timeout = {"request.timeout.ms": SILENCE_MS if case.log == TIMED_OUT else REQUEST_TIMEOUT_MS}
        settings = [f"{name}={value}" for name, value in (SETTINGS | timeout).items()]
        self.sender = sender_run.Sender([f"127.0.0.1:{self.broker.port}", TOPIC, lines.make_input(LINES, RUN),
                                         place / f"reports-{number}", 1000, *settings])
        self.peak_kib = 0
        self.is_running()

    def is_running(self) -> bool:
        """Looks at its memory, too."""
        try:
            status = pathlib.Path(f"/proc/{self.sender.child.pid}/status").read_text()
            found = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        except FileNotFoundError:
            found = None
        self.peak_kib = max(self.peak_kib, int(found[1]) if found else 0)
        return self.sender.is_running()

    def check(self) -> str:
        case = self.case
        try:
            self.sender.finish(must_succeed=False)
            log, summary = "".join(self.sender.errors), self.sender.summary
            told = f"{summary} {self.sender.errors[-4:]}"
            checks.expect(case is CONTROL or self.script.hits == case.count, f"the case came {self.script.hits} times")
            checks.expect(not self.broker.faults, f"{self.broker.faults}")
            checks.expect(not case.log or re.search(case.log, log), f"the log does not say {case.log}: {told}")
            self._check_connections(told)
            self._check_records(summary, told)
            checks.expect(0 < self.peak_kib <= MEMORY_MAX_KIB, f"it took {self.peak_kib} KiB")
        finally:
            processes.end(self.sender.child)
            self.broker.__exit__()
        return f"{summary['batches_retried']} retried, {summary['connections_lost']} lost, {self.peak_kib} KiB"

    def check_fails(self, words: str) -> str:
        try:
            self.check()
        except AssertionError as error:
            checks.expect(words in str(error), f"found as something else: {error}")
            return f"found: {str(error)[:60]}"
        raise AssertionError("it was not found")

    def _check_connections(self, told: str) -> None:
        if self.case.loses: # at the end every connection is closed, but none of those counts as lost
            checks.expect(self.sender.summary["connections_lost"] > 0, f"the connection stays open: {told}")
            processes.wait_until(lambda: all(connection.was_ended_by_client for connection in self.script.marked), 20,
                                 f"the client closes it: {told}")
        if not self.case.loses and self.case.do is not half_and_close:
            checks.expect(self.sender.summary["connections_lost"] == 0, f"a connection was lost: {told}")
        if self.case is CONTROL:
            log = "".join(self.sender.errors)
            for case in CASES:
                checks.expect(not case.log or not re.search(case.log, log),
                              f"\"{case.log}\" is in the log of the control: {told}")
            checks.expect(self.sender.summary["batches_retried"] == 0, f"something was sent twice: {told}")

    def _check_records(self, summary: dict, told: str) -> None:
        sent = lines.make_input(LINES, RUN).read_bytes().splitlines()
        kept = [value for partition in self.broker.partitions for value in partition.values]
        checks.expect(summary["accepted"] == LINES and summary["reported_twice"] == 0, f"the reports are wrong: {told}")
        checks.expect(len(set(kept)) == len(kept), f"{len(kept) - len(set(kept))} records are there twice: {told}")
        checks.expect(set(kept) <= set(sent), f"records are there that nobody sent: {told}")
        delivered = summary["delivered"] + summary["delivered_offset_unknown"]
        if self.case.fails:
            checks.expect(0 < summary["unknown"] + summary["not_delivered"] < LINES, f"nothing was refused: {told}")
            checks.expect(delivered + summary["unknown"] + summary["not_delivered"] == LINES,
                          f"reports are missing: {told}")
        else:
            checks.expect(delivered == LINES and len(kept) == LINES,
                          f"{delivered} of {LINES} delivered, {len(kept)} kept: {told}")
            checks.expect(summary["reported_out_of_order"] == 0, f"the reports are out of order: {told}")


def main() -> None:
    run = checks.Checks()
    canaries = {case.name: words for case, words in CANARIES}
    rows = [CONTROL, *CASES, *(case for case, _ in CANARIES)]
    wanted = [case for case in rows if not sys.argv[1:] or case.name in sys.argv[1:]]
    with checks.Workplace("hostile") as place:
        waiting, running = list(enumerate(wanted)), []
        while waiting or running:
            while waiting and len(running) < AT_A_TIME:
                number, case = waiting.pop(0)
                running.append(Run(case, place, number))
            for each in [each for each in running if not each.is_running()]:
                running.remove(each)
                words = canaries.get(each.case.name)
                with run.check(("canary: " if words else "") + each.case.name) as check:
                    check.note = each.check_fails(words) if words else each.check()
            time.sleep(0.01)
    run.finish()


if __name__ == "__main__":
    main()
