"""R7: a topic that is deleted and made again while records go to it, and that gains partitions meanwhile.

`TopicChurner` asks for the ends of each incarnation, reads to them, and deletes it. So a record that is reported
delivered has to be in the incarnation that was alive then, unless the report came after that question, and its offset
is beyond what was read, where no other record has been reported: it is unread, and counted. No record may be in two
incarnations, nor in one that was made after its report."""
import collections
import dataclasses
import pathlib
import struct
import subprocess
import zlib

import checks
import java_tools
import processes
from rig import WRONG, Plan, Rig, Sending

ENTRY = struct.Struct("<qiiBBBxI")
DELIVERED, DELIVERED_OFFSET_UNKNOWN, NOT_DELIVERED, UNKNOWN = 1, 2, 3, 4
# An answer that was on its way when the topic was made again may be read after that.
LATE_MS = 5000
# Two times are cut to milliseconds before they are added.
ROUNDING_MS = 3
SENDING_SECONDS_MAX = 3600
PAUSE_MS_MAX = 30000  # a hang while there is a topic; the longest pause is told, since it depends on the machine


def plans_r7(options) -> list[Plan]:
    return [Plan("", SENDING_SECONDS_MAX * options.rate, options.rate, partitions=0, may_expire=True,
                 settings={"metadata.max.age.ms": 2000})]


def act_r7(rig: Rig, sendings: list[Sending], options) -> str:
    sending = sendings[0]
    output = rig.folder / f"{sending.prefix}.incarnations"
    churner = processes.start(java_tools.command("TopicChurner", [rig.cluster.direct, sending.prefix, options.loops,
                                                                  options.run, output]),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace")
    said = [churner.stdout.readline()]
    sending.limit(sending.plan.records)
    while said[-1] not in ("last\n", ""):
        said.append(churner.stdout.readline())
    checks.expect(said[-1], "TopicChurner ended early")
    sending.stop()
    sending.sender.finish()
    churner.stdin.write("\n")
    churner.stdin.close()
    checks.expect(churner.wait(120) == 0, "TopicChurner failed")
    return f"{options.loops} incarnations of {options.run} s"


@dataclasses.dataclass
class Life:
    """Unix times in ms. What was written before ending is among what was read. read: up to where each partition was."""
    creating: int
    created: int
    ending: int
    deleting: int
    deleted: int
    read: dict = dataclasses.field(default_factory=dict)


class Readings:
    """What TopicChurner wrote: the records in the order of reading, as (incarnation, partition, offset, key, value)."""

    def __init__(self, path: pathlib.Path) -> None:
        self.records: list[tuple[int, int, int, str, str]] = []
        self.lives: list[Life] = []
        positions = []
        for line in path.read_text("latin-1").splitlines():
            kind, _, rest = line.partition(" ")
            words = rest.split(" ", 4 if kind == "record" else -1)
            if kind == "record":
                self.records.append((*map(int, words[:3]), words[3], words[4]))
            elif kind == "read":
                positions.append(tuple(map(int, words)))
            else:
                self.lives.append(Life(*map(int, words[1:])))
        for incarnation, partition, position in positions:
            self.lives[incarnation].read[partition] = position


class Verification:
    """The ledger against the readings; found has the verifier's names and those of outcomes."""

    def __init__(self, sending: Sending, readings: Readings) -> None:
        self.sending, self.readings = sending, readings
        self.ledger = list(ENTRY.iter_unpack(sending.ledger.read_bytes()))
        self.started_ms = sending.sender.summary["started_ms"]
        names = (*WRONG, "wrong_incarnation", "unread", "read", "accepted", "delivered", "not_delivered", "unknown")
        self.found = collections.Counter({name: 0 for name in names})
        self.seen: set[int] = set()
        self.last_of: dict[tuple[int, int], int] = {}
        self.unread: set[tuple[int, int, int]] = set()

    def run(self) -> dict:
        for record in self.readings.records:
            self._examine(*record)
        for number, entry in enumerate(self.ledger):
            if entry[3]:
                self._conclude(number, entry)
        empty = [number for number in range(len(self.readings.lives))
                 if not any(record[0] == number for record in self.readings.records)]
        checks.expect(not empty, f"nothing was delivered to the incarnations {empty}")
        self.found["longest_pause_ms"] = self._longest_pause_ms()
        lives = self.readings.lives
        absent_ms = max((later.created - life.deleting for life, later in zip(lives, lives[1:])), default=0)
        checks.expect(self.found["longest_pause_ms"] < absent_ms + PAUSE_MS_MAX, f"reports stopped: {dict(self.found)}")
        wrong = sum(self.found[name] for name in (*WRONG, "wrong_incarnation"))
        return dict(self.found) | {"right": wrong == 0}

    def _longest_pause_ms(self) -> int:
        times = sorted(entry[6] for entry in self.ledger if entry[3])
        return max(later - sooner for sooner, later in zip(times, times[1:]))

    def _examine(self, incarnation: int, partition: int, offset: int, key: str, value: str) -> None:
        self.found["read"] += 1
        text, _, checksum = value.rpartition(" crc=")
        fields = dict(word.split("=", 1) for word in text.split(" ") if "=" in word)
        if checksum != f"{zlib.crc32(text.encode('latin-1')):08x}" or fields.get("key") != key:
            self.found["corrupt"] += 1
            return
        number = int(fields["id"])
        _, reported_partition, _, accepted, _, outcome, reported_ms = self.ledger[number]
        if int(fields["run"], 16) != self.sending.run or not accepted or outcome == NOT_DELIVERED:
            self.found["phantom"] += 1
            return
        self.found["misrouted"] += fields["topic"] != self.sending.prefix
        self.found["duplicated"] += number in self.seen
        self.seen.add(number)
        self.found["inverted"] += self.last_of.get((incarnation, partition), -1) >= number
        self.last_of[incarnation, partition] = number
        life = self.readings.lives[incarnation]
        if outcome in (DELIVERED, DELIVERED_OFFSET_UNKNOWN):
            self.found["misrouted"] += reported_partition != partition
            self.found["misreported"] += outcome == DELIVERED and self.ledger[number][0] != offset
            self.found["wrong_incarnation"] += self.started_ms + reported_ms < life.creating

    def _conclude(self, number: int, entry: tuple) -> None:
        offset, partition, _, _, reports, outcome, reported_ms = entry
        self.found["accepted"] += 1
        self.found["reports_missing"] += reports == 0
        self.found["reports_doubled"] += reports > 1
        self.found["not_delivered"] += outcome == NOT_DELIVERED
        self.found["unknown"] += outcome == UNKNOWN
        if outcome not in (DELIVERED, DELIVERED_OFFSET_UNKNOWN):
            return
        self.found["delivered"] += 1
        if number in self.seen:
            return
        at_ms = self.started_ms + reported_ms
        places = [(incarnation, partition, offset) for incarnation, life in enumerate(self.readings.lives)
                  if life.ending <= at_ms + ROUNDING_MS and at_ms <= life.deleted + LATE_MS
                  and (outcome == DELIVERED_OFFSET_UNKNOWN or offset >= life.read.get(partition, 0))]
        self.found["unread" if places else "lost"] += 1
        if places and outcome == DELIVERED:
            self.found["misreported"] += places[-1] in self.unread
            self.unread.add(places[-1])


def verify_r7(rig: Rig, sending: Sending) -> None:
    sending.found = Verification(sending, Readings(rig.folder / f"{sending.prefix}.incarnations")).run()
