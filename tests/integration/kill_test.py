#!/usr/bin/env python3
"""kill_test.py [--version V ...] [--codec C ...] [--lines N] [--rate R] [--nodes N]
Lines of text, keyed, to 12 partitions, while the broker is killed and restarted three times; then Kafka's own consumer
reads them back: complete, in order, nothing twice, where the reports said. A kill counts only if the broker owed
answers: at the second it is frozen first until it certainly does, at the others the batches that had to be sent again
say so. A run without any batch retried, OUT_OF_ORDER answer or outcome resolved has proved nothing, and fails."""
import argparse
import json
import subprocess
import threading

import checks
import java_tools
import lines
import processes
from kafka.cluster import VERSIONS, Cluster

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
KILLS = 3
ATTEMPTS = 8
PARTITIONS = 12
TIMEOUT_SECONDS = 900


class Sender:
    """kill_sender at work, and the newest line of progress that it printed."""

    def __init__(self, arguments: list) -> None:
        self.child = processes.start([checks.program("kill_sender"), *arguments], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        self.sent = self.pending = self.in_flight = self.retried = self.delivered = 0
        self.lines_read = 0
        self.summary: dict = {}
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            if line.startswith("{"):
                self.summary = json.loads(line)
            else:
                self.sent, self.pending, self.in_flight, self.retried, self.delivered = map(int, line.split()[1:])
                self.lines_read += 1

    def wait_for(self, condition, what: str) -> None:
        def met() -> bool:
            checks.expect(self.child.poll() is None, f"the sender ended before: {what}")
            return condition()
        processes.wait_until(met, 120, what, interval_seconds=0.002)

    def finish(self) -> None:
        status = self.child.wait(TIMEOUT_SECONDS)
        self.reader.join()
        errors = self.child.stderr.read().strip()
        checks.expect(self.summary, f"the sender ended with {status}: {errors}")
        checks.expect(status == 0, f"the sender ended with {status}: {self.summary} {errors}")


def kill_while_owing(cluster: Cluster, node: int, sender: Sender, freeze: bool) -> bool:
    """Kills and restarts; true if the broker owed answers when it was killed."""
    sender.wait_for(lambda: sender.in_flight > 0, "answers are owed")
    if freeze:
        cluster.pause(node)
        at_pause = sender.lines_read
        sender.wait_for(lambda: sender.lines_read > at_pause + 2 and sender.in_flight > 0,
                        "answers are owed by a frozen broker")
    retried = sender.retried
    cluster.kill(node)
    cluster.restart(node)
    delivered = sender.delivered
    sender.wait_for(lambda: sender.delivered > delivered, "the sender goes on after a restart")
    return freeze or sender.retried > retried


def send_and_kill(cluster: Cluster, sender: Sender, line_count: int) -> int:
    """Spreads the kills evenly over the lines; returns how many it took until enough fell while answers were owed."""
    counted = attempts = 0
    while counted < KILLS:
        checks.expect(attempts < ATTEMPTS, f"only {counted} of {attempts} kills fell while answers were owed")
        due = line_count * (counted + 1) // (KILLS + 2)
        sender.wait_for(lambda: sender.sent >= due, f"line {due} is sent")
        counted += kill_while_owing(cluster, attempts % len(cluster.nodes), sender, freeze=counted % 2 == 1)
        attempts += 1
    return attempts


def check_run(cluster: Cluster, check, place, codec: str, line_count: int, rate: int) -> None:
    topic = f"lines-{codec}"
    cluster.create_topic(topic, PARTITIONS)
    source = lines.make_input(line_count, line_count % 97)
    reports = place / f"{topic}.reports"
    sender = Sender([cluster.bootstrap, topic, source, reports, rate, f"compression.type={codec}"])
    attempts = send_and_kill(cluster, sender, line_count)
    sender.finish()
    summary = sender.summary
    proof = {name: summary[name] for name in ("batches_retried", "out_of_order_answers", "outcomes_resolved")}
    check.note = " ".join(f"{name}={value}" for name, value in proof.items()) + f" kills={attempts}"
    found = java_tools.verify(cluster.bootstrap, topic, source, reports)
    checks.expect(found["right"] and found["read"] == line_count, f"Kafka's consumer found {found}")
    checks.expect(any(proof.values()), "no kill did anything")
    reports.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", action="append", choices=VERSIONS)
    parser.add_argument("--codec", action="append", choices=CODECS)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    parser.add_argument("--nodes", type=int, default=1)
    arguments = parser.parse_args()
    run = checks.Checks()
    for version in arguments.version or VERSIONS:
        for codec in arguments.codec or CODECS:
            with run.check(f"{version}, {codec}: {arguments.lines} lines survive {KILLS} kills") as check, \
                    checks.Workplace("kill") as place, Cluster(version, place / "kafka", arguments.nodes) as cluster:
                check_run(cluster, check, place, codec, arguments.lines, arguments.rate)
    run.finish()


if __name__ == "__main__":
    main()
