#!/usr/bin/env python3
"""command_test.py [VERSION ...]: the command `sendoff` against real Apache Kafka: produce a file, be told to end in
the middle of its input, perf."""
import array
import fcntl
import json
import signal
import subprocess
import sys
import termios

import checks
import java_tools
import lines
import processes
from embedded_test import keyed
from kafka.cluster import Cluster

LINES = 20_000
PARTITIONS = 12


def check_file(cluster: Cluster, place) -> None:
    cluster.create_topic("file", PARTITIONS)
    source = lines.make_input(LINES, 5)
    result = processes.run([checks.sendoff_command(), "produce", "-b", cluster.bootstrap, "-t", "file", "-k", "|",
                            "-X", "compression.type=lz4", keyed(source, place)])
    checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
    found = java_tools.verify(cluster.bootstrap, "file", source)
    checks.expect(found["right"] and found["read"] == LINES, f"Kafka's consumer found {found}")


def unread_bytes(pipe) -> int:
    """What was written to a pipe and not read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def check_signal(cluster: Cluster, place, number: int) -> None:
    """The input never ends; a linger of a minute keeps the records back until the signal comes."""
    topic = f"signal-{number}"
    cluster.create_topic(topic, PARTITIONS)
    source = lines.make_input(1000, 5)
    child = processes.start([checks.sendoff_command(), "produce", "-b", cluster.bootstrap, "-t", topic, "-k", "|",
                             "-X", "linger.ms=60000"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write(keyed(source, place).read_bytes())
    child.stdin.flush()
    processes.wait_until(lambda: unread_bytes(child.stdin) == 0, 60, "all lines are read")
    child.send_signal(number)
    status = child.wait(120)
    errors = child.stderr.read().decode()
    child.stdin.close()
    processes.end(child)
    checks.expect(status == 128 + number, f"exit status {status}: {errors}")
    found = java_tools.verify(cluster.bootstrap, topic, source)
    checks.expect(found["right"] and found["read"] == 1000, f"Kafka's consumer found {found}")


def check_perf(cluster: Cluster) -> None:
    cluster.create_topic("perf", PARTITIONS)
    result = processes.run([checks.sendoff_command(), "perf", "-b", cluster.bootstrap, "-t", "perf", "--records", LINES,
                            "--size", "100", "--json"])
    checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
    found = json.loads(result.stdout)
    checks.expect(found["records"] == found["delivered"] == LINES and found["failed"] == 0, f"printed {found}")
    latency = found["latency_us"]
    ordered = [latency[key] for key in ("p50", "p95", "p99", "p99_9", "max")]
    checks.expect(0 < ordered[0] and ordered == sorted(ordered), f"latencies {latency}")
    positive = ("seconds", "records_per_second", "megabytes_per_second", "cpu_ns_per_record", "rss_mb")
    checks.expect(all(found[key] > 0 for key in positive), f"printed {found}")


def main() -> None:
    run = checks.Checks()
    for version in sys.argv[1:] or ["4.3.0"]:
        with checks.Workplace("command") as place, Cluster(version, place / "kafka") as cluster:
            with run.check(f"{version}: sendoff produce sends a file"):
                check_file(cluster, place)
            for number in (signal.SIGTERM, signal.SIGINT):
                with run.check(f"{version}: sendoff produce flushes and closes at {number.name}"):
                    check_signal(cluster, place, number)
            with run.check(f"{version}: sendoff perf delivers and says how"):
                check_perf(cluster)
    run.finish()


if __name__ == "__main__":
    main()
