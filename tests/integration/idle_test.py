#!/usr/bin/env python3
"""idle_test.py: a producer with nothing to do, but with open connections, makes at most 5 context switches in
60 seconds."""
import pathlib
import re
import subprocess
import time

import checks
import processes
from small_broker import EmbeddedBroker

SECONDS = 60
SWITCHES = 5
SETTLE_SECONDS = 2


def context_switches(pid: int) -> int:
    """Of all threads, voluntary or not."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += sum(int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", (task / "status").read_text()))
    return total


def main() -> None:
    run = checks.Checks()
    with run.check(f"idle, at most {SWITCHES} context switches in {SECONDS} s") as check, \
            checks.Workplace("idle") as place, EmbeddedBroker(place, {"idle": 1}) as broker:
        child = processes.start([checks.program("idle"), broker.bootstrap, "idle"], stdout=subprocess.PIPE, text=True)
        checks.expect(child.stdout.readline() == "idle\n", "the program did not deliver its record")
        time.sleep(SETTLE_SECONDS)
        before = context_switches(child.pid)
        time.sleep(SECONDS)
        switches = context_switches(child.pid) - before
        checks.expect(child.poll() is None, "the program ended")
        processes.end(child)
        check.note = f"{switches} switches"
        checks.expect(switches <= SWITCHES, "that is too many")
    run.finish()


if __name__ == "__main__":
    main()
