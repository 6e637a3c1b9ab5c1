#!/usr/bin/env python3
"""embedded_peers_test.py [VERSION ...]: what embedded_test.py leaves out of the peers of `sendoff broker`: headers and
nulls, that batches come compressed, offsets by time, what Kafka's own tool is told of producers, Kafka's console
programs of several versions, no groups, the end."""
import json
import re
import subprocess
import sys

import checks
import processes
from kafka import cluster
from small_broker import EmbeddedBroker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
RECORDS = 5000
FIRST_MS = 1_700_000_000_000
# Kafka's console programs have moved: producer and consumer by major version.
CONSOLE = {"4": ("org.apache.kafka.tools.ConsoleProducer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
           "3": ("kafka.tools.ConsoleProducer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
           "2": ("kafka.tools.ConsoleProducer", "kafka.tools.ConsoleConsumer")}


def kcat(broker: EmbeddedBroker, *arguments, given: str | None = None) -> subprocess.CompletedProcess:
    command = ["kcat", "-b", broker.bootstrap, *arguments]
    if given is None:
        return processes.run(command, stdin=subprocess.DEVNULL)
    child = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(given, timeout=120)
    finally:
        processes.end(child)
    return subprocess.CompletedProcess(command, child.returncode, out, err)


def check_headers(broker: EmbeddedBroker, codec: str) -> None:
    """Keys, repeated headers, empty and null values come back as they were, in order; batches were compressed."""
    topic = f"headers-{codec}"
    values = [None if number % 10 == 0 else f"value {number} " * 5 for number in range(RECORDS)]
    given = "".join(f"key-{number}|{value or ''}\n" for number, value in enumerate(values))
    result = kcat(broker, "-P", "-t", topic, "-p", "0", "-K", "|", "-Z", "-z", codec, "-H", "one=1", "-H", "two=",
                  "-H", "one=3", "-X", "enable.idempotence=true", "-X", "debug=msg", given=given)
    checks.expect(result.returncode == 0, result.stderr[-500:])
    used = set(re.findall(r"Produce MessageSet.*, (\w+)\)$", result.stderr, re.MULTILINE))
    checks.expect(used == {codec if codec != "none" else "uncompressed"}, f"kcat sent batches that are {used}")
    result = kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J")
    checks.expect(result.returncode == 0, result.stderr)
    records = [json.loads(line) for line in result.stdout.splitlines()]
    checks.expect([record["offset"] for record in records] == list(range(RECORDS)), "offsets are not those expected")
    for number, record in enumerate(records):
        found = (record["key"], record["payload"], record["headers"])
        wanted = (f"key-{number}", values[number], ["one", "1", "two", "", "one", "3"])
        checks.expect(found == wanted, f"record {number} is {found}")


def check_times(broker: EmbeddedBroker) -> None:
    """kcat asks for the offsets at the beginning, at the end and at a time."""
    def offset_at(time: int) -> int:
        result = kcat(broker, "-Q", "-t", f"headers-zstd:0:{time}")
        checks.expect(result.returncode == 0, result.stderr)
        return int(result.stdout.split()[-1])

    found = [offset_at(time) for time in (-2, -1, FIRST_MS, 4_000_000_000_000)]
    checks.expect(found == [0, RECORDS, 0, -1], f"offsets {found}")


def check_producers(broker: EmbeddedBroker) -> None:
    """Kafka's tool lists the one producer of a partition, up to its last sequence."""
    result = processes.run(["java", *cluster.TOOL_OPTIONS, "-cp", cluster.fetch(cluster.VERSIONS[0]),
                            "org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server", broker.bootstrap,
                            "describe-producers", "--topic", "headers-none", "--partition", "0"])
    checks.expect(result.returncode == 0, result.stdout + result.stderr)
    names, *rows = [line.split() for line in result.stdout.splitlines() if line.strip()]
    found = [dict(zip(names, row)) for row in rows]
    told = [(row["ProducerEpoch"], row["LastSequence"], row["CurrentTransactionStartOffset"]) for row in found]
    checks.expect(told == [("0", str(RECORDS - 1), "None")], f"told {found}")
    checks.expect(int(found[0]["LastTimestamp"]) > FIRST_MS, f"told {found}")


def check_console(broker: EmbeddedBroker, version: str) -> None:
    """Kafka's console producer sends; its console consumer reads one named partition back."""
    topic, jars = f"console-{version}", cluster.fetch(version)
    java = ["java", *cluster.TOOL_OPTIONS, "-cp", jars]
    producer, consumer = CONSOLE[version[0]]
    child = processes.start([*java, producer, "--bootstrap-server", broker.bootstrap, "--topic", topic, "--property",
                             "parse.key=true", "--property", "key.separator=:"],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = child.communicate("".join(f"{number}:line {number}\n" for number in range(100)), timeout=120)
    finally:
        processes.end(child)
    checks.expect(child.returncode == 0, said)
    result = processes.run([*java, consumer, "--bootstrap-server", broker.bootstrap, "--topic", topic, "--partition",
                            "0", "--offset", "earliest", "--max-messages", "100", "--timeout-ms", "60000",
                            "--property", "print.key=true"])
    found = [line for line in result.stdout.splitlines() if "\t" in line]
    wanted = [f"{number}\tline {number}" for number in range(100)]
    checks.expect(found == wanted, result.stdout + result.stderr)


def check_groups(broker: EmbeddedBroker) -> None:
    result = kcat(broker, "-G", "group", "headers-none")
    checks.expect("no consumer groups" in result.stderr, result.stderr)


def check_end(broker: EmbeddedBroker) -> None:
    status = processes.end(broker.child, 10)
    said = broker.log.read_text()
    checks.expect(status == 0, f"exit status {status}: {said}")
    summary = r"^appended [1-9]\d* records in .* 0 out of order, .* 0 refused$"
    checks.expect(re.search(summary, said, re.MULTILINE), said)


def main() -> None:
    run = checks.Checks()
    versions = sys.argv[1:] or ["4.3.0"]
    topics = {f"headers-{codec}": 1 for codec in CODECS} | {f"console-{version}": 1 for version in versions}
    with checks.Workplace("embedded-peers") as place, EmbeddedBroker(place, topics) as broker:
        for codec in CODECS:
            with run.check(f"embedded broker: kcat's keys, headers and nulls, {codec}"):
                check_headers(broker, codec)
        with run.check("embedded broker: offsets by time"):
            check_times(broker)
        with run.check("embedded broker: Kafka's tool is told of producers"):
            check_producers(broker)
        for version in versions:
            with run.check(f"embedded broker: Kafka's console programs, {version}"):
                check_console(broker, version)
        with run.check("embedded broker: there are no groups, and clients are told"):
            check_groups(broker)
        with run.check("embedded broker: it ends when it is told to, with a summary"):
            check_end(broker)
    run.finish()


if __name__ == "__main__":
    main()
