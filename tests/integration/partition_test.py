#!/usr/bin/env python3
"""partition_test.py [VERSION ...]: 10,000 keys of all kinds land on the partitions where Kafka's own producer puts
them."""
import random
import sys

import checks
import java_tools
import processes
from kafka.cluster import Cluster

KEYS = 10_000


def make_keys() -> list[bytes]:
    source = random.Random(11)
    keys = [b"", b"\0", b"\xff", bytes(range(256)), "Schlüssel".encode(), "鍵".encode()]
    while len(keys) < KEYS // 2:
        keys.append(source.randbytes(source.randint(0, 40)))
    return keys + [b"user-%d" % number for number in range(KEYS - len(keys))]


def main() -> None:
    run = checks.Checks()
    for version in sys.argv[1:] or ["4.3.0"]:
        with checks.Workplace("partition") as place, Cluster(version, place / "kafka") as cluster:
            path = place / "keys.txt"
            path.write_text("".join(key.hex() + "\n" for key in make_keys()))
            for count in (12, 7):
                with run.check(f"{version}: {KEYS} keys on {count} partitions as Kafka's producer puts them") as check:
                    topic = f"keys-{count}"
                    cluster.create_topic(topic, count)
                    result = processes.run([checks.program("partition_of"), cluster.bootstrap, topic, path])
                    checks.expect(result.returncode == 0, result.stderr.strip())
                    ours = [int(line) for line in result.stdout.split()]
                    theirs = java_tools.partitions_of(cluster.bootstrap, topic, path)
                    checks.expect(len(ours) == len(theirs) == KEYS, f"{len(ours)} and {len(theirs)} partitions")
                    differing = [(key, *both) for key, both in enumerate(zip(ours, theirs)) if both[0] != both[1]]
                    checks.expect(not differing, f"{len(differing)} keys land elsewhere, the first as (key, ours, "
                                                 f"Kafka's): {differing[:5]}; the last: {differing[-1:]}")
                    check.note = f"{len(set(ours))} partitions in use"
    run.finish()


if __name__ == "__main__":
    main()
