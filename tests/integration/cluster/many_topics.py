"""R8: ten thousand topics of one partition: what the sender needs of memory, and whether each topic gets its turn.

Records go to the topics in turn: a round has one for each. How long a topic waits for a report is the brokers' doing,
who for a while may not answer at all under so many logs. But whatever they do, a record that waits is overtaken by no
more records of its leader than the sender had in its buffer when it came, and took in until that was empty."""
import struct
import time

import checks
from kills import NO_TIMEOUT
from rig import Plan, Rig, Sending

ENTRY = struct.Struct("<qiiBBBxI")
BUFFER_BYTES = 32 << 20
MEMORY_BYTES_MAX = 200 << 20
RECORD_BYTES = 200  # about; load.h


def plans_r8(options) -> list[Plan]:
    return [Plan("", options.records, options.rate, topics=options.topics, partitions=1, replication=1,
                 settings=NO_TIMEOUT | {"buffer.memory": BUFFER_BYTES})]


def peak_bytes(pid: int) -> int:
    """The most memory that the process has had, 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return 1024 * int(next((line.split()[1] for line in status if line.startswith("VmHWM:")), 0))
    except OSError:
        return 0


def act_r8(rig: Rig, sendings: list[Sending], options) -> str:
    sending, peak = sendings[0], 0
    rounds_max = 2 * BUFFER_BYTES // (RECORD_BYTES * options.topics)
    checks.expect(options.records > rounds_max * options.topics, "too few records for a topic to be left behind")
    rig.wait_whole(sending.topic_names, 300)
    states = rig.describe(sending.topic_names)
    leaders = [states[name][0].leader for name in sending.topic_names]
    sending.limit(sending.plan.records)
    while sending.sender.is_running():
        peak = max(peak, peak_bytes(sending.sender.child.pid))
        time.sleep(0.1)
    sending.sender.finish()
    reported_ms = [entry[6] for entry in ENTRY.iter_unpack(sending.ledger.read_bytes())]
    rounds = rounds_behind(reported_ms, leaders)
    note = (f"{options.topics} topics, {peak >> 20} MiB at most, a topic is {rounds} rounds behind others at most, of "
            f"{rounds_max}, and waits {longest_pause_ms(reported_ms, options.topics) / 1000:.1f} s for a report")
    checks.expect(0 < peak < BUFFER_BYTES + MEMORY_BYTES_MAX and rounds <= rounds_max, note)
    return note


def rounds_behind(reported_ms: list[int], leaders: list[int]) -> int:
    """How far the last record that its leader had answered was ahead of one that waited still, at most."""
    topics = len(leaders)
    behind, last = 0, dict.fromkeys(leaders, 0)
    for record in sorted(range(len(reported_ms)), key=reported_ms.__getitem__):
        leader = leaders[record % topics]
        last[leader] = max(last[leader], record)
        behind = max(behind, (last[leader] - record) // topics)
    return behind


def longest_pause_ms(reported_ms: list[int], topics: int) -> int:
    """Between two reports of a topic."""
    return max(later - sooner for sooner, later in zip(reported_ms, reported_ms[topics:]))
