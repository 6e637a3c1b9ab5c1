#!/usr/bin/env python3
"""reauthentication_test.py [--seconds N] [--rate R]
The broker wants every connection to log in anew about each second (connections.max.reauth.ms, KIP-368), while lines of
text are sent over it: by SCRAM and by tokens of an OpenID Connect provider, both at the same time. Afterwards Kafka's
own consumer reads them back: complete, in order, nothing twice, where the reports said. The broker's own counts say
that the logins took place on connections that were open."""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import java_tools  # noqa: E402  pylint: disable=wrong-import-position
import lines  # noqa: E402  pylint: disable=wrong-import-position
from secure_cluster import SecureCluster  # noqa: E402  pylint: disable=wrong-import-position
from sender_run import Sender  # noqa: E402  pylint: disable=wrong-import-position

LISTENERS = ("SCRAM512", "SIGNED")
# Sessions of so few seconds are renewed two seconds before their end, but not within a second: that is each second.
MAX_REAUTH_MS = 3000
# Lines for so many more seconds than are sent. The last one is kept back, so that no sender is done before it is told.
SPARE_SECONDS = 10
# Logins that a second of sending has at least, on a machine that is busy with other things.
LOGINS_PER_SECOND = 0.25


def send(cluster: SecureCluster, source: pathlib.Path, line_count: int, options) -> dict[str, Sender]:
    senders = {}
    for listener in LISTENERS:
        reports = cluster.folder / f"{listener}.reports"
        senders[listener] = Sender([cluster.bootstrap(listener), listener, source, reports, options.rate,
                                    *cluster.client_settings(listener)], is_limited=True,
                                   env=cluster.environment())
        senders[listener].limit(line_count - 1)
    deadline = time.monotonic() + options.seconds
    while time.monotonic() < deadline:
        time.sleep(0.2)
        for listener, sender in senders.items():
            checks.expect(sender.is_running(), f"the sender to {listener} ended early: {sender.errors}")
    for sender in senders.values():
        sender.stop()
    for sender in senders.values():
        sender.finish()
    return senders


def check_lines(cluster: SecureCluster, listener: str, sender: Sender, source: pathlib.Path, options) -> None:
    sent = sender.summary["accepted"]
    checks.expect(sent >= 0.8 * options.rate * options.seconds, f"only {sent} lines were sent")
    found = java_tools.verify(cluster.cluster.direct, listener, source, cluster.folder / f"{listener}.reports")
    checks.expect(found["right"] and found["read"] == sent, f"Kafka's consumer found {found}, sent {sender.summary}")


def check_logins(check, counts: dict, sender: Sender, options) -> None:
    logins, connections = (counts[f"{name}-total"] for name in ("successful-reauthentication", "connection-creation"))
    failed = {name: counts[name] for name in ("failed-authentication-total", "failed-reauthentication-total")}
    # A broker that got no time to answer within two seconds ends the connection, which has to be survived as well.
    check.note = (f"{logins:.0f} logins on {connections:.0f} connections, "
                  f"{counts['expired-connections-killed-count']:.0f} of them ended by the broker, "
                  f"{sender.summary['connections_lost']} lost")
    checks.expect(not any(failed.values()), f"the broker counted {failed}")
    checks.expect(logins >= LOGINS_PER_SECOND * options.seconds, "too few logins to have proved anything")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second, for each of two senders")
    options = parser.parse_args()
    run = checks.Checks()
    line_count = (options.seconds + SPARE_SECONDS) * options.rate
    source = lines.make_input(line_count, 11)
    with checks.Workplace("reauthentication") as place, \
            SecureCluster(place, LISTENERS, {"connections.max.reauth.ms": MAX_REAUTH_MS}) as cluster:
        senders = {}
        with run.check(f"{options.rate} lines a second for {options.seconds} s, by each of {', '.join(LISTENERS)}"):
            senders = send(cluster, source, line_count, options)
        for listener, sender in senders.items():
            with run.check(f"{listener}: complete, in order, nothing twice"):
                check_lines(cluster, listener, sender, source, options)
            with run.check(f"{listener}: the broker saw logins on open connections") as check:
                check_logins(check, cluster.counts(listener), sender, options)
    run.finish()


if __name__ == "__main__":
    main()
