#!/usr/bin/env python3
"""verifier_test.py [VERSION ...]: does the Verifier see each kind of damage? Without this its silence proves nothing.
Lines are sent by Kafka's own producer, once as they are and once with each kind of damage done to them."""
import sys

import checks
import java_tools
import lines
from kafka.cluster import Cluster

LINES = 2000


def lose(rows: list[bytes]) -> None:
    del rows[700]


def duplicate(rows: list[bytes]) -> None:
    rows.insert(900, rows[700])


def invert(rows: list[bytes]) -> None:
    """Swaps two lines of one key."""
    key = rows[100].split()[1]
    later = next(i for i in range(101, len(rows)) if rows[i].split()[1] == key)
    rows[100], rows[later] = rows[later], rows[100]


def corrupt(rows: list[bytes]) -> None:
    rows[700] = rows[700].replace(b" crc=", b"  crc=")


def foreign(rows: list[bytes]) -> None:
    rows[700] = rows[700].replace(b"run=", b"run=f")


DAMAGES = {"lose": (lose, {"lost"}), "duplicate": (duplicate, {"duplicated"}),
           "invert": (invert, {"inverted", "inverted_in_partition"}), "corrupt": (corrupt, {"corrupt", "lost"}),
           "foreign": (foreign, {"corrupt", "lost"})}


def complaints(found: dict) -> set[str]:
    return {name for name in found if name not in ("lines", "read", "right") and found[name]}


def main() -> None:
    run = checks.Checks()
    source = lines.make_input(LINES, 7)
    rows = source.read_bytes().splitlines()
    for version in sys.argv[1:] or ["4.3.0"]:
        with checks.Workplace("verifier") as place, Cluster(version, place / "kafka") as cluster:
            with run.check(f"{version}: the verifier accepts what is whole"):
                cluster.create_topic("whole", 12)
                java_tools.produce_lines(cluster.bootstrap, "whole", source)
                found = java_tools.verify(cluster.bootstrap, "whole", source)
                checks.expect(found["right"] and found["read"] == LINES, f"found {found}")
            for name, (damage, expected) in DAMAGES.items():
                with run.check(f"{version}: the verifier sees: {name}"):
                    damaged = list(rows)
                    damage(damaged)
                    path = place / f"{name}.txt"
                    path.write_bytes(b"".join(row + b"\n" for row in damaged))
                    cluster.create_topic(name, 12)
                    java_tools.produce_lines(cluster.bootstrap, name, path)
                    found = java_tools.verify(cluster.bootstrap, name, source)
                    checks.expect(not found["right"] and complaints(found) == expected, f"found {found}")
    run.finish()


if __name__ == "__main__":
    main()
