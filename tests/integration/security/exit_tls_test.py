#!/usr/bin/env python3
"""Programs that send over TLS and end without flush and close: none of their 10,000 records is lost, although OpenSSL
ends itself at exit, too; and where the time for that runs out, they still end in order."""
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import exit_test  # noqa: E402  pylint: disable=wrong-import-position
import lines  # noqa: E402  pylint: disable=wrong-import-position
import processes  # noqa: E402  pylint: disable=wrong-import-position
from security.tls_broker import TlsBroker  # noqa: E402  pylint: disable=wrong-import-position

RECORDS = 10_000
HURRIED_RUNS = 25
WAYS = {"return from main": ("return", (), 0, None),
        "exit in another thread": ("thread", (), 0, None),
        "SIGTERM": ("signal", ("shutdown.signals=SIGTERM",), -signal.SIGTERM, signal.SIGTERM)}


def settings_of(broker: TlsBroker) -> tuple:
    return tuple(f"{name}={value}" for name, value in broker.settings().items())


def read_back(broker: TlsBroker, topic: str) -> list:
    options = [part for setting in settings_of(broker) for part in ("-X", setting)]
    read = processes.run(["kcat", "-C", "-q", "-e", "-b", broker.bootstrap, "-t", topic, *options])
    checks.expect(read.returncode == 0, f"kcat: {read.stderr}")
    return sorted(read.stdout.splitlines())


def check_ways(run: checks.Checks, broker: TlsBroker, source: pathlib.Path) -> None:
    sent = sorted(source.read_text().splitlines())
    for number, (name, (how, settings, status, number_of_signal)) in enumerate(WAYS.items()):
        with run.check(f"over TLS: {RECORDS} records, {name}, none is lost"):
            way = (how, (*settings, *settings_of(broker)), status, number_of_signal)
            exit_test.send_and_exit(broker.bootstrap, f"exit-{number}", source, way)
            checks.expect(read_back(broker, f"exit-{number}") == sent, "what kcat reads is not what was sent")


def check_hurry(run: checks.Checks, broker: TlsBroker, source: pathlib.Path) -> None:
    """The sender is in the middle of it when the time is up."""
    with run.check(f"over TLS: no time is left at exit, {HURRIED_RUNS} times: each program ends in order"):
        lost = 0
        for number in range(HURRIED_RUNS):
            command = [checks.program("exit_without_close"), "return", broker.bootstrap, "hurry", source,
                       "linger.ms=0", f"shutdown.timeout.ms={number}", *settings_of(broker)]
            result = processes.run(command)
            checks.expect(result.returncode == 0, f"exit status {result.returncode}: {result.stderr}")
            lost += "may be lost" in result.stderr
        checks.expect(lost > 0, "there was time enough each time, so this has shown nothing")


def main() -> None:
    run = checks.Checks()
    with checks.Workplace("exit-tls") as place:
        source = lines.make_input(RECORDS, 3)
        with TlsBroker(place, {}, auto_create=12) as broker:
            check_ways(run, broker, source)
            check_hurry(run, broker, source)
    run.finish()


if __name__ == "__main__":
    main()
