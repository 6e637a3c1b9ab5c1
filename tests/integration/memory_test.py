#!/usr/bin/env python3
"""memory_test.py [--version V] [--records N]: records into a broker that is stopped and continued again and again.
Anonymous memory may grow by buffer.memory and 8 MiB, counted from before the producer was created, and every record is
delivered."""
import argparse
import json
import subprocess
import threading
import time

import checks
import processes
from kafka.cluster import VERSIONS, Cluster

MEBIBYTE = 1 << 20
ALLOWANCE_BYTES = 8 * MEBIBYTE
RECORD_BYTES = 100
PAUSE_SECONDS = 2.0
RUN_SECONDS = 2.0
SETTINGS = ("max.block.ms=120000", "delivery.timeout.ms=600000")


def stop_and_continue(cluster: Cluster, child: subprocess.Popen) -> int:
    """Until the program ends; returns how often."""
    pauses = 0
    while child.poll() is None:
        cluster.pause()
        time.sleep(PAUSE_SECONDS)
        cluster.resume()
        pauses += 1
        deadline = time.monotonic() + RUN_SECONDS
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
    return pauses


def measure(cluster: Cluster, topic: str, records: int) -> tuple[dict, int]:
    command = [checks.program("memory_use"), cluster.bootstrap, topic, records, RECORD_BYTES, *SETTINGS]
    child = processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(child.stdout), daemon=True)
    reader.start()
    pauses = stop_and_continue(cluster, child)
    reader.join()
    errors = child.stderr.read().strip()
    checks.expect(child.returncode == 0, f"exit status {child.returncode}: {errors} {printed[-1:]}")
    return json.loads(printed[-1]), pauses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default="4.3.0", choices=VERSIONS)
    parser.add_argument("--records", type=int, default=10_000_000)
    arguments = parser.parse_args()
    run = checks.Checks()
    name = f"{arguments.records} records into a broker that is stopped and continued: memory is bounded"
    with run.check(name) as check, \
            checks.Workplace("memory") as place, Cluster(arguments.version, place / "kafka") as cluster:
        cluster.create_topic("memory", 12, retention_bytes=64 * MEBIBYTE, segment_bytes=16 * MEBIBYTE)
        found, pauses = measure(cluster, "memory", arguments.records)
        grown = found["peak"] - found["before"]
        check.note = (f"grown by {grown / MEBIBYTE:.1f} MiB with buffer.memory of "
                      f"{found['buffer'] / MEBIBYTE:.0f} MiB, {pauses} pauses")
        checks.expect(found["delivered"] == arguments.records, f"{found['delivered']} records delivered")
        checks.expect(grown <= found["buffer"] + ALLOWANCE_BYTES, "that is too much")
        checks.expect(pauses > 0, "the broker was never stopped")
    run.finish()


if __name__ == "__main__":
    main()
