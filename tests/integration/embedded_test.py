#!/usr/bin/env python3
"""embedded_test.py: kcat and Kafka's own producer and consumer work against `sendoff broker`, with each codec."""
import pathlib

import checks
import java_tools
import lines
import processes
from small_broker import EmbeddedBroker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
LINES = 20_000
PARTITIONS = 12
# Keys go where Kafka's own producer puts them, which is what the Verifier expects.
KCAT_SETTINGS = ("-X", "topic.partitioner=murmur2_random", "-X", "enable.idempotence=true")


def keyed(source: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    """The lines with their keys before them, as kcat wants them."""
    path = place / "keyed.txt"
    rows = source.read_text().splitlines()
    path.write_text("".join(f"{row.split()[1].removeprefix('key=')}|{row}\n" for row in rows))
    return path


def expect_right(bootstrap: str, topic: str, source: pathlib.Path) -> None:
    found = java_tools.verify(bootstrap, topic, source)
    checks.expect(found["right"] and found["read"] == LINES, f"Kafka's consumer found {found}")


def consume_with_kcat(bootstrap: str, topic: str) -> list[str]:
    result = processes.run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%s\n"])
    checks.expect(result.returncode == 0, result.stderr.strip())
    return result.stdout.splitlines()


def main() -> None:
    run = checks.Checks()
    source = lines.make_input(LINES, 5)
    topics = {f"{client}-{codec}": PARTITIONS for client in ("java", "kcat") for codec in CODECS}
    with checks.Workplace("embedded") as place, EmbeddedBroker(place, topics) as broker:
        rows = keyed(source, place)
        for codec in CODECS:
            with run.check(f"embedded broker: Kafka's producer and consumer, {codec}"):
                java_tools.produce_lines(broker.bootstrap, f"java-{codec}", source, {"compression.type": codec})
                expect_right(broker.bootstrap, f"java-{codec}", source)
            with run.check(f"embedded broker: kcat sends, kcat and Kafka's consumer read, {codec}"):
                topic = f"kcat-{codec}"
                result = processes.run(["kcat", "-P", "-b", broker.bootstrap, "-t", topic, "-K", "|", "-z", codec,
                                        *KCAT_SETTINGS, "-l", rows])
                checks.expect(result.returncode == 0, result.stderr.strip())
                expect_right(broker.bootstrap, topic, source)
                read = consume_with_kcat(broker.bootstrap, topic)
                same = sorted(read) == sorted(source.read_text().splitlines())
                checks.expect(same, f"kcat read {len(read)} lines, not the same")
        with run.check("embedded broker: kcat lists topics and partitions"):
            result = processes.run(["kcat", "-L", "-b", broker.bootstrap])
            checks.expect(f'topic "java-zstd" with {PARTITIONS} partitions' in result.stdout,
                          result.stdout + result.stderr)
    run.finish()


if __name__ == "__main__":
    main()
