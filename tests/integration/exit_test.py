#!/usr/bin/env python3
"""exit_test.py [embedded | VERSION ...]: programs that send 10,000 records and end without flush and close lose none. A
linger of a minute sees to it that everything is still in the producer when the program ends."""
import signal
import subprocess
import sys

import checks
import java_tools
import lines
import processes
from kafka.cluster import Cluster
from small_broker import EmbeddedBroker

RECORDS = 10_000
PARTITIONS = 12
CANARY_TOPIC = "canary"
SETTINGS = ("linger.ms=60000", "batch.size=1000000", "shutdown.timeout.ms=30000")
# How the program ends, settings of its own, its exit status, and whether it is told to by a signal.
WAYS = {"return from main": ("return", (), 0, None),
        "exit in another thread": ("thread", (), 0, None),
        "SIGTERM": ("signal", ("shutdown.signals=SIGTERM,SIGINT",), -signal.SIGTERM, signal.SIGTERM),
        "SIGINT": ("signal", ("shutdown.signals=SIGTERM,SIGINT",), -signal.SIGINT, signal.SIGINT)}


def send_and_exit(bootstrap: str, topic: str, source, way: tuple) -> None:
    how, settings, expected_status, number = way
    child = processes.start([checks.program("exit_without_close"), how, bootstrap, topic, source, *SETTINGS, *settings],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if number is not None:
            checks.expect(child.stdout.readline() == "sent\n", "the program did not send")
            child.send_signal(number)
        _, errors = child.communicate(timeout=60)
    finally:
        processes.end(child)
    checks.expect(child.returncode == expected_status, f"exit status {child.returncode}: {errors.strip()}")
    warnings = errors.strip().splitlines()
    checks.expect(len(warnings) == 1 and "close" in warnings[0], f"not one warning that names close: {warnings}")


def check_canary(run: checks.Checks, bootstrap: str) -> None:
    """Without time for the exit handler the same program loses records: it is the handler that saves them."""
    source = lines.make_input(RECORDS, 3)
    with run.check("embedded broker: without time at exit records are lost, and the test sees it"):
        command = [checks.program("exit_without_close"), "return", bootstrap, CANARY_TOPIC, source, *SETTINGS,
                   "shutdown.timeout.ms=0"]
        result = processes.run(command)
        checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
        found = java_tools.verify(bootstrap, CANARY_TOPIC, source)
        checks.expect(found["lost"] > 0 and f"{found['lost']} " in result.stderr, f"{found}: {result.stderr.strip()}")


def check_ways(run: checks.Checks, broker_name: str, bootstrap: str, create_topic) -> None:
    source = lines.make_input(RECORDS, 3)
    for number, (name, way) in enumerate(WAYS.items()):
        with run.check(f"{broker_name}: {RECORDS} records, {name}, none is lost"):
            topic = f"exit-{number}"
            create_topic(topic)
            send_and_exit(bootstrap, topic, source, way)
            found = java_tools.verify(bootstrap, topic, source)
            checks.expect(found["right"] and found["read"] == RECORDS, f"Kafka's consumer found {found}")


def main() -> None:
    run = checks.Checks()
    for name in sys.argv[1:] or ["embedded", "4.3.0"]:
        with checks.Workplace("exit") as place:
            if name == "embedded":
                topics = {f"exit-{i}": PARTITIONS for i in range(len(WAYS))} | {CANARY_TOPIC: PARTITIONS}
                with EmbeddedBroker(place, topics) as broker:
                    check_canary(run, broker.bootstrap)
                    check_ways(run, "embedded broker", broker.bootstrap, lambda _topic: None)
            else:
                with Cluster(name, place / "kafka") as cluster:
                    check_ways(run, f"Kafka {name}", cluster.bootstrap,
                               lambda topic: cluster.create_topic(topic, PARTITIONS))
    run.finish()


if __name__ == "__main__":
    main()
