"""R8: ten thousand topics of one partition: what the sender needs of memory, and whether each topic gets its turn."""
import struct
import time

import checks
from rig import Plan, Rig, Sending

ENTRY = struct.Struct("<qiiBBBxI")
BUFFER_BYTES = 32 << 20
MEMORY_BYTES_MAX = 200 << 20
# Reports of one topic come twice a second; how late they are depends on the machine, that they come does not.
PAUSE_SECONDS_MAX = 30


def plans_r8(options) -> list[Plan]:
    return [Plan("", options.records, options.rate, topics=options.topics, partitions=1, replication=1,
                 settings={"buffer.memory": BUFFER_BYTES})]


def peak_bytes(pid: int) -> int:
    """The most memory that the process has had, 0 once it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return 1024 * int(next((line.split()[1] for line in status if line.startswith("VmHWM:")), 0))
    except OSError:
        return 0


def act_r8(rig: Rig, sendings: list[Sending], options) -> str:
    sending, peak = sendings[0], 0
    rig.wait_whole(sending.topic_names, 300)
    sending.limit(sending.plan.records)
    while sending.sender.is_running():
        peak = max(peak, peak_bytes(sending.sender.child.pid))
        time.sleep(0.1)
    sending.sender.finish()
    longest = longest_pause_seconds(sending, options.topics)
    note = f"{options.topics} topics, {peak >> 20} MiB at most, a topic waits {longest:.1f} s at most between reports"
    checks.expect(0 < peak < BUFFER_BYTES + MEMORY_BYTES_MAX and longest < PAUSE_SECONDS_MAX, note)
    return note


def longest_pause_seconds(sending: Sending, topics: int) -> float:
    last: dict[int, int] = {}
    longest = 0
    for number, entry in enumerate(ENTRY.iter_unpack(sending.ledger.read_bytes())):
        topic = number % topics
        longest = max(longest, entry[6] - last.get(topic, entry[6]))
        last[topic] = entry[6]
    return longest / 1000
