#!/usr/bin/env python3
"""delivery_test.py [--lines N] [--listener NAME ...]
Lines of text through each listener of a secure Apache Kafka: PLAINTEXT, TLS, TLS with a client certificate, PLAIN,
SCRAM, OAUTHBEARER with tokens that nobody signed and such that an OpenID Connect provider did, Kerberos. Kafka's own
consumer reads them back: complete, in order, nothing twice, where the reports said.

Then a few lines for each form that certificates, keys and logins can be written in, with Java's and with librdkafka's
names, and all of them together are read back the same way."""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import java_tools  # noqa: E402  pylint: disable=wrong-import-position
import lines  # noqa: E402  pylint: disable=wrong-import-position
import processes  # noqa: E402  pylint: disable=wrong-import-position
from forms import forms  # noqa: E402  pylint: disable=wrong-import-position
from secure_cluster import LISTENERS, SecureCluster  # noqa: E402  pylint: disable=wrong-import-position
from sender_run import Sender  # noqa: E402  pylint: disable=wrong-import-position

LINES_PER_FORM = 500
NO_PACE = 10_000_000


def send(cluster: SecureCluster, listener: str, topic: str, source: pathlib.Path, reports: pathlib.Path, settings: list,
         **environment) -> None:
    sender = Sender([cluster.bootstrap(listener), topic, source, reports, NO_PACE, "delivery.timeout.ms=60000",
                     *settings], env=cluster.environment(**environment))
    sender.finish()


def check_listener(cluster: SecureCluster, listener: str, source: pathlib.Path, count: int) -> None:
    reports = cluster.folder / f"{listener}.reports"
    send(cluster, listener, listener, source, reports, cluster.client_settings(listener))
    found = java_tools.verify(cluster.cluster.direct, listener, source, reports)
    checks.expect(found["right"] and found["read"] == count, f"Kafka's consumer found {found}")


def check_properties_file(cluster: SecureCluster) -> None:
    """One file of settings, which Kafka's own producer and the command `sendoff` both take."""
    source = lines.make_input(LINES_PER_FORM, 5)
    settings = cluster.folder / "client.properties"
    settings.write_text("".join(f"{line}\n" for line in cluster.java_properties("PLAIN")))
    java = java_tools.produce_lines(cluster.bootstrap("PLAIN"), "by-java", source, settings_file=settings)
    checks.expect(java == {"sent": LINES_PER_FORM, "failed": 0}, f"Kafka's own producer: {java}")
    keyed = cluster.folder / "keyed.txt"
    keyed.write_text("".join(f"{row.split()[1].removeprefix('key=')}|{row}\n"
                             for row in source.read_text().splitlines()))
    result = processes.run([checks.sendoff_command(), "produce", "-b", cluster.bootstrap("PLAIN"), "-t", "by-sendoff",
                            "-k", "|", "-F", settings, keyed])
    checks.expect(result.returncode == 0, f"sendoff produce ended with {result.returncode}: {result.stderr}")
    for topic in ("by-java", "by-sendoff"):
        found = java_tools.verify(cluster.cluster.direct, topic, source)
        checks.expect(found["right"] and found["read"] == LINES_PER_FORM, f"{topic}: Kafka's consumer found {found}")


def check_forms(run: checks.Checks, cluster: SecureCluster) -> None:
    """Each form sends the next lines of one text, which is held against the topic in the end."""
    all_forms = forms(cluster)
    text = lines.make_input(LINES_PER_FORM * len(all_forms), 7)
    rows = text.read_text().splitlines(keepends=True)
    for index, form in enumerate(all_forms):
        with run.check(f"{form.listener}: {form.name}"):
            part = cluster.folder / "part.txt"
            part.write_text("".join(rows[index * LINES_PER_FORM:(index + 1) * LINES_PER_FORM]))
            send(cluster, form.listener, "forms", part, cluster.folder / "part.reports", form.settings,
                 **form.environment)
    with run.check(f"all {len(rows)} lines of {len(all_forms)} forms are read back, complete and in order"):
        found = java_tools.verify(cluster.cluster.direct, "forms", text)
        checks.expect(found["right"] and found["read"] == len(rows), f"Kafka's consumer found {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000, help="for each listener")
    parser.add_argument("--listener", action="append", choices=("PLAINTEXT", *LISTENERS), help="only these, no forms")
    options = parser.parse_args()
    run = checks.Checks()
    source = lines.make_input(options.lines, 3)
    with checks.Workplace("secure") as place, SecureCluster(place) as cluster:
        for listener in options.listener or ("PLAINTEXT", *LISTENERS):
            with run.check(f"{listener}: {options.lines} lines"):
                check_listener(cluster, listener, source, options.lines)
        if not options.listener:
            check_forms(run, cluster)
            with run.check("one file of settings serves Kafka's own producer and the command sendoff"):
                check_properties_file(cluster)
    run.finish()


if __name__ == "__main__":
    main()
