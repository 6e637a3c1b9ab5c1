#!/usr/bin/env python3
"""races_test.py [--operations N] [--seed S] [--build PRESET]: 32 threads call random functions of the public header
on producers that others close, destroy and make again. Each accepted record has exactly one report, every function of
the symbol map is called, and none returns a status that its comment does not list. --build builds what is needed by
that preset first and uses it."""
import argparse
import os
import pathlib
import re
import subprocess
import sys

import checks
import processes
from small_broker import EmbeddedBroker

sys.path.insert(0, str(checks.ROOT / "man"))

import contract  # noqa: E402  pylint: disable=wrong-import-position

MAP = checks.ROOT / "abi" / "sendoff.map"
# Of a call that returns nothing, or something else than a status.
NO_STATUS = {"OK"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=150000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build")
    options = parser.parse_args()
    if options.build:
        build(options.build)
    run = checks.Checks()
    with checks.Workplace("races") as place, EmbeddedBroker(place, {"races": 12}) as broker:
        properties = place / "races.properties"
        properties.write_text("linger.ms=5\nacks=all\n", encoding="utf-8")
        command = [checks.program("races"), broker.bootstrap, "races", properties]
        tallies = {}
        with run.check(f"{options.operations} random calls by 32 threads, seed {options.seed}") as check:
            tallies, check.note = race([*command, options.operations, options.seed])
        with run.check("every function was called") as check:
            checks.expect(not uncalled(exported(), tallies), f"never called: {uncalled(exported(), tallies)}")
            check.note = f"{len(exported())} functions"
        with run.check("no status but those that are listed") as check:
            checks.expect(not unlisted(tallies), f"not listed: {unlisted(tallies)}")
            check.note = f"{len(tallies)} pairs of function and status"
        with run.check(f"{options.operations} more, where allocations fail") as check:
            command_failing = [checks.program("races_failing"), *command[1:]]
            failing, check.note = race([*command_failing, options.operations, options.seed])
            checks.expect(("sendoff_send_sync", "OUT_OF_MEMORY") in failing, "no memory was ever missing")
            checks.expect(not unlisted(failing), f"not listed: {unlisted(failing)}")
        with run.check("canary: a report that is missing, a function that is new, a status that is not listed"):
            result = processes.run([*command, 1000, options.seed, "canary"])
            checks.expect(result.returncode == 2 and "has not exactly one report" in result.stderr,
                          f"a missing report is not noticed: {result.returncode}, {result.stderr.strip()}")
            checks.expect(uncalled(exported() | {"sendoff_new"}, tallies) == ["sendoff_new"],
                          "a new function is not noticed")
            checks.expect(unlisted({**tallies, ("sendoff_wake", "TIMED_OUT"): 1}) == ["sendoff_wake TIMED_OUT"],
                          "a status that is not listed is not noticed")
    run.finish()


def race(command: list) -> tuple:
    """What was called how often, and the line of totals."""
    result = processes.run(command)
    checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr.strip()[-3000:]}")
    return tallies_of(result.stdout), result.stdout.splitlines()[-1]


def build(preset: str) -> None:
    for command in (["--preset", preset], ["--build", "--preset", preset, "--target", "races", "races_failing",
                     "sendoff_command"]):
        subprocess.run(["cmake", *command], cwd=checks.ROOT, check=True, stdout=subprocess.DEVNULL)
    checks.BUILDS.insert(0, pathlib.Path(checks.ROOT / "build" / preset))
    os.environ.setdefault("TSAN_OPTIONS", "second_deadlock_stack=1")


def exported() -> set:
    return set(re.findall(r"^\s*(sendoff_\w+);", MAP.read_text(encoding="utf-8"), re.MULTILINE))


def tallies_of(output: str) -> dict:
    """{(function, status): how often}"""
    lines = (line.split() for line in output.splitlines() if line.startswith("sendoff_"))
    return {(function, status): int(count) for function, status, count in lines}


def uncalled(functions: set, tallies: dict) -> list:
    return sorted(functions - {function for function, _ in tallies})


def unlisted(tallies: dict) -> list:
    parsed = contract.parse()
    listed = {name: {status.name for status in contract.of(function).statuses} or NO_STATUS
              for name, function in parsed.functions.items()}
    kafkas = {name for name, (number, _) in contract.known().items() if number >= -1}
    return [f"{function} {status}" for function, status in tallies
            if status not in listed[function] and not ("the cluster's" in listed[function] and status in kafkas)]


if __name__ == "__main__":
    main()
