"""What must be found: each kind of damage, all at once and counted; then whole runs through a proxy that stamps
batches anew when they come again, or alters bytes, in ways that brokers take for good."""
import struct
import types
import zlib

import checks
import java_tools
from incarnations import Life, Verification
from many_topics import rounds_behind
from rig import WRONG, Plan, Rig, Sending

ROWS, RUN = 400, 77
DELIVERED, NOT_DELIVERED = 1, 3
FOREVER = 2**63 - 1
ENTRY = struct.Struct("<qiiBBBxI")  # offset, partition, status, accepted, reports, outcome, reported_ms


def row(topic: str, number: int, run: int = RUN) -> bytes:
    text = f"run={run:08x} topic={topic} key=user-{number % 7:05d} n={number // 7} id={number} pad=x".encode()
    return text + b" crc=%08x" % zlib.crc32(text)


def entry(offset: int, reports: int = 1, outcome: int = DELIVERED, reported_ms: int = 0) -> list:
    return [offset, 0, 0, 1, reports, outcome, reported_ms]


class Sample:
    """Rows for a topic of one partition, where a row's place is its offset, and the ledger to them."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows = [row(topic, number) for number in range(ROWS)]
        self.ledger = [entry(number) for number in range(ROWS)]

    def damage(self) -> dict:
        """Does each kind of damage and returns what has to be counted."""
        last = len(self.ledger)
        self.ledger[10][0] += 1  # another offset
        self.ledger[20][4], self.ledger[30][4] = 0, 2
        self.ledger[40][5] = NOT_DELIVERED  # but present
        self.ledger[50][1] = 1  # reported in another partition
        self.ledger += [entry(last + 1), entry(last), entry(last + 2), entry(last + 7)]
        self.rows += [row(self.topic, last + 1), row(self.topic, last),  # the wrong way round
                      row("elsewhere", last + 2), row(self.topic, 60),  # in the wrong topic; again
                      row(self.topic, 70)[:-1] + b"g", row(self.topic, 80, RUN + 1), row(self.topic, last + 4)]
        return {"misreported": 1, "reports_missing": 1, "reports_doubled": 1, "inverted": 1, "lost": 1,
                "misrouted": 2, "duplicated": 1, "corrupt": 1, "phantom": 3}

    def verify(self, rig: Rig) -> dict:
        rig.cluster.create_topic(self.topic, 1)
        source, ledger = rig.folder / f"{self.topic}.rows", rig.folder / f"{self.topic}.ledger"
        source.write_bytes(b"".join(line + b"\n" for line in self.rows))
        ledger.write_bytes(b"".join(ENTRY.pack(*each) for each in self.ledger))
        java_tools.produce_lines(rig.cluster.direct, self.topic, source)
        return java_tools.verify_ledger(rig.cluster.direct, self.topic, 1, RUN, ledger)


class Churned:
    """A topic that was deleted at 1000 ms, when its end had been asked for at 900, and made again; half of the records
    are of each incarnation, one for each of 2000 ms."""

    def __init__(self, rig: Rig) -> None:
        self.path = rig.folder / "churned.ledger"
        self.lives = [Life(0, 1, 900, 990, 1000, {0: 900}), Life(1001, 1002, FOREVER, FOREVER, FOREVER, {0: 1000})]
        self.ledger = [entry(number % 1000, reported_ms=number + 2) for number in range(2000)]
        self.records = [[number // 1000, 0, number % 1000, f"user-{number % 7:05d}", row("churned", number).decode()]
                        for number in range(2000) if number % 1000 < 900 or number >= 1000]

    def damage(self) -> dict:
        self.ledger[950][0] = 951  # where another one is reported
        self.ledger[100][0] += 1
        self.ledger[200][4], self.ledger[300][4] = 0, 2
        self.ledger[400][5] = NOT_DELIVERED  # but present
        self.ledger[500][1] = 1  # reported in another partition
        self.ledger[1600][6] = 999  # before there was its incarnation
        self.records[700:702] = reversed(self.records[700:702])
        del self.records[1200]  # of the second incarnation, which was read to its end
        del self.records[10]
        self.records.append(self.records[20])
        self.records[30][4] = self.records[30][4].replace("pad=x", "pad=y")  # which is lost by that, too
        return {"lost": 3, "duplicated": 1, "inverted": 2, "misrouted": 1, "corrupt": 1, "phantom": 1,
                "misreported": 2, "reports_missing": 1, "reports_doubled": 1, "wrong_incarnation": 1}

    def verify(self) -> dict:
        self.path.write_bytes(b"".join(ENTRY.pack(*each) for each in self.ledger))
        sending = types.SimpleNamespace(ledger=self.path, prefix="churned", run=RUN,
                                        sender=types.SimpleNamespace(summary={"started_ms": 0}))
        readings = types.SimpleNamespace(records=self.records, lives=self.lives)
        return Verification(sending, readings).run()


def check_churned(rig: Rig) -> None:
    found = Churned(rig).verify()
    checks.expect(found["right"] and found["unread"] == 100 and found["delivered"] == 2000, f"whole, but {found}")
    churned = Churned(rig)
    expected = churned.damage()
    found = churned.verify()
    counted = {name: found[name] for name in expected}
    checks.expect(not found["right"] and counted == expected, f"found {counted} instead of {expected}")


def check_turns() -> None:
    """Of ten topics in a hundred rounds one gets no turn while others get theirs."""
    fair = list(range(1000))
    starved = [at + 1000 if at % 10 == 3 else at for at in fair]
    found = [rounds_behind(times, [1, 2] * 5) for times in (fair, starved)]
    checks.expect(found == [0, 99], f"found {found}")


def run_through(rig: Rig, label: str, faults: dict, options) -> tuple[Sending, dict]:
    """A run whose sender is right and whose proxies are not."""
    before = rig.tally()
    for command, number in faults.items():
        rig.tell(command, number)
    sending = rig.start("canary", Plan(label, options.records, options.rate))
    sending.limit(options.records)
    sending.sender.finish(must_succeed=False)
    for command in faults:
        rig.tell(command, 0)
    sending.verify()
    return sending, {name: value - before[name] for name, value in rig.tally().items()}


def check(run: checks.Checks, rig: Rig, options) -> None:
    with run.check("canary: the verifier accepts what is whole"):
        found = Sample("whole").verify(rig)
        checks.expect(found["right"] and found["read"] == ROWS, f"found {found}")
    with run.check("canary: the verifier sees each kind of damage, and counts it"):
        sample = Sample("damaged")
        expected = sample.damage()
        found = sample.verify(rig)
        counted = {name: found[name] for name in WRONG}
        checks.expect(not found["right"] and counted == expected, f"found {counted} instead of {expected}")
    with run.check("canary: each kind of damage is seen in a topic that was deleted and made again"):
        check_churned(rig)
    with run.check("canary: a topic that gets no turn is seen"):
        check_turns()
    with run.check("canary: batches stamped anew when they come again are duplicates") as check_restamp:
        sending, done = run_through(rig, "restamped", {"restamp": 1, "drop": 20}, options)
        check_restamp.note = f"{done['restamped']} batches restamped, found {sending.found}"
        checks.expect(done["restamped"] > 0 and sending.found["duplicated"] > 0 and not sending.is_right(),
                      "no duplicate was seen")
    with run.check("canary: altered bytes are corrupt records") as check_alter:
        sending, done = run_through(rig, "altered", {"alter": 10}, options)
        check_alter.note = f"{done['altered']} batches altered, found {sending.found}"
        checks.expect(done["altered"] > 0 and sending.found["corrupt"] == done["altered"] and not sending.is_right(),
                      "corrupt records are not those that were altered")
