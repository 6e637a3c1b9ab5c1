#!/usr/bin/env python3
"""stress_test.py [--rounds N] [--seed S]: 32 threads use one producer in every way at once while one of them closes it;
each accepted record has exactly one report. With each way to deliver reports, and with a buffer so small that sends
wait."""
import argparse

import checks
import processes
from small_broker import EmbeddedBroker

WAYS = {"reports on the sender thread": ("callback",), "reports by a dispatcher": ("dispatcher",),
        "reports by queue": ("queue",), "reports by queue, a small buffer": ("queue", "buffer.memory=1000000"),
        "a small buffer, zstd": ("callback", "buffer.memory=1000000", "compression.type=zstd")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    run = checks.Checks()
    with checks.Workplace("stress") as place, EmbeddedBroker(place, {"stress": 12}) as broker:
        for name, (mode, *settings) in WAYS.items():
            with run.check(f"32 threads, {name}") as check:
                result = processes.run([checks.program("stress"), broker.bootstrap, "stress", options.rounds,
                                        options.seed, mode, *settings])
                checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
                check.note = f"{result.stdout.strip()} records"
        with run.check("32 threads, no broker") as check:
            result = processes.run([checks.program("stress"), "127.0.0.1:1", "stress", options.rounds, options.seed,
                                    "callback"])
            checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
            check.note = f"{result.stdout.strip()} records"
    run.finish()


if __name__ == "__main__":
    main()
