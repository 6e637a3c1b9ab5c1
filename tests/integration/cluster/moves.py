"""R6: leaders move, a quarter of the partitions each time."""
import subprocess

import checks
import java_tools
import processes
from rig import Plan, Rig, Sending

INTERVAL_MS = 500
DELAY_MS = (0, 40)  # of answers: so that some are owed at each move
PARTITIONS = 16


def plans_r6(options) -> list[Plan]:
    return [Plan("", options.records, options.rate, partitions=PARTITIONS)]


def act_r6(rig: Rig, sendings: list[Sending], options) -> str:
    topics = ",".join(name for sending in sendings for name in sending.topic_names)
    rig.tell("delay", *DELAY_MS)
    mover = processes.start(java_tools.command("LeaderMover", [rig.cluster.direct, topics, options.moves, INTERVAL_MS,
                                                               options.seed]),
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    for sending in sendings:
        sending.limit(sending.plan.records // options.moves)
    changes = moved = 0
    others = []
    for line in mover.stdout:
        if not line.strip().isdigit():
            others.append(line)
            continue
        changes, moved = changes + 1, moved + int(line)
        for sending in sendings:
            sending.limit(sending.plan.records * (changes + 1) // options.moves)
    checks.expect(mover.wait() == 0, f"LeaderMover: {''.join(others[-20:])}")
    rig.tell("delay", 0, 0)
    checks.expect(changes == options.moves and moved >= changes, f"{moved} leaders moved in {changes} changes")
    return f"{changes} changes moved {moved} leaders"
