#!/usr/bin/env python3
"""valgrind_test.py: create, send and close without an error or a leak; so too a create in which each allocation
fails in turn."""
import checks
import processes
from small_broker import EmbeddedBroker

RECORDS = 3000
VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible", "--track-fds=no", "--fair-sched=yes",
            "--error-exitcode=99")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def run_clean(command: list) -> str:
    result = processes.run([*VALGRIND, *command], timeout_seconds=300)
    checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()}")
    return result.stdout.strip()


def main() -> None:
    run = checks.Checks()
    with checks.Workplace("valgrind") as place, EmbeddedBroker(place, {"valgrind": 3}) as broker:
        for codec in CODECS:
            with run.check(f"valgrind: create, send, flush, close with {codec}"):
                run_clean([checks.program("lifecycle"), broker.bootstrap, "valgrind", RECORDS,
                           f"compression.type={codec}"])
        with run.check("valgrind: create with each allocation failing in turn") as check:
            check.note = run_clean([checks.program("create_failing"), broker.bootstrap]) + " creates failed"
        with run.check("valgrind: records that nobody can take, then close at once"):
            command = [checks.program("unreachable"), "127.0.0.1:1", "valgrind", RECORDS]
            run_clean(command)
    run.finish()


if __name__ == "__main__":
    main()
