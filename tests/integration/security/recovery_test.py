#!/usr/bin/env python3
"""recovery_test.py [--rate R]
Logins that fail while lines of text are sent, and what brings them back: a password that is wrong from the start and
is corrected; one that changes at the broker and later in the client's file; a broker that is killed. Meanwhile the
broker is not stormed. Kafka's own consumer reads back: complete, in order, nothing twice, where the reports said."""
import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import java_tools  # noqa: E402  pylint: disable=wrong-import-position
import lines  # noqa: E402  pylint: disable=wrong-import-position
from secure_cluster import PASSWORD, USER, SecureCluster  # noqa: E402  pylint: disable=wrong-import-position
from sender_run import Sender  # noqa: E402  pylint: disable=wrong-import-position

LISTENER, MECHANISM = "SCRAM512", "SCRAM-SHA-512"
WRONG_SECONDS = 5.0
SECONDS_SENT = 30  # at most, but for what is sent while something is waited for; a run ends when it has seen that
SECONDS_MORE = 10
# A pause grows from one second to ten: in five seconds, and what a busy machine makes of them, that is few logins.
LOGINS_MAX = 20


class Run:
    """A sender whose password is in a file."""

    def __init__(self, cluster: SecureCluster, topic: str, password: str, options) -> None:
        self.cluster, self.topic = cluster, topic
        self.source = lines.make_input(options.rate * (SECONDS_SENT + SECONDS_MORE), 17)
        self.reports = cluster.folder / f"{topic}.reports"
        self.file = cluster.folder / f"{topic}.properties"
        self.file.touch(0o600)
        self.write(password)
        settings = cluster.client_settings(LISTENER, sasl_password=f"${{file:{self.file}:password}}")
        self.sender = Sender([cluster.bootstrap(LISTENER), topic, self.source, self.reports, options.rate,
                              "config.providers=file", "ssl.reload.interval.ms=0", *settings],
                             is_limited=True)
        self.more = max(1, options.rate // 10)
        self.sender.limit(options.rate * SECONDS_SENT)

    def write(self, password: str) -> None:
        self.file.write_text(f"password={password}\n")

    def wait_delivered(self) -> None:
        self.sender.wait_progress(self.more)

    def wait_owed(self) -> None:
        def is_owed() -> bool:
            self.sender.feed(self.more)
            return self.sender.in_flight > 0
        self.sender.wait_for(is_owed, "answers are owed")

    def wait_refused(self) -> None:
        """Until the log says who refuses what."""
        self.sender.wait_for(lambda: any("the broker refused the credentials" in line
                                         for line in list(self.sender.errors)), "the login is refused")

    def check(self, check) -> None:
        self.sender.stop()
        self.sender.finish()
        summary = self.sender.summary
        check.note = (f"{summary['accepted']} lines, {summary['connections_lost']} connections lost, "
                      f"{summary['batches_retried']} batches retried")
        found = java_tools.verify(self.cluster.cluster.direct, self.topic, self.source, self.reports)
        checks.expect(found["right"] and found["read"] == summary["accepted"],
                      f"Kafka's consumer found {found}, sent {summary}")


def check_wrong_from_the_start(check, cluster: SecureCluster, options) -> None:
    run = Run(cluster, "wrong", "not the password", options)
    run.wait_refused()
    time.sleep(WRONG_SECONDS)
    checks.expect(run.sender.is_running() and run.sender.delivered == 0, "something is delivered with a wrong password")
    failed = cluster.counts(LISTENER)["failed-authentication-total"]
    checks.expect(0 < failed <= LOGINS_MAX, f"the broker refused {failed:.0f} logins")
    run.write(PASSWORD)
    answer = run.sender.reload()
    checks.expect(answer == "OK", f"the right password is refused: {answer}")
    run.wait_delivered()
    run.check(check)
    check.note += f", {failed:.0f} logins refused"


def check_changed(check, cluster: SecureCluster, options) -> None:
    """The connection stays as it is until it is cut; then the old password is no longer good."""
    new = "another " + PASSWORD
    run = Run(cluster, "changed", PASSWORD, options)
    with cluster.proxy(LISTENER) as proxy:
        run.wait_delivered()
        cluster.set_password(MECHANISM, new)
        run.wait_delivered()
        proxy.cut()
        proxy.open()
        run.wait_refused()
        run.write(new)
        answer = run.sender.reload()
        checks.expect(answer == "OK", f"the new password is refused: {answer}")
        run.wait_delivered()
        run.check(check)
    cluster.set_password(MECHANISM, PASSWORD)


def check_killed(check, cluster: SecureCluster, options) -> None:
    run = Run(cluster, "killed", PASSWORD, options)
    with cluster.proxy(LISTENER) as proxy:
        run.wait_delivered()
        run.wait_owed()
        cluster.cluster.kill()
        proxy.cut()
        cluster.cluster.restart()
        proxy.open()
        run.wait_delivered()
        run.check(check)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    options = parser.parse_args()
    run = checks.Checks()
    with checks.Workplace("recovery") as place, SecureCluster(place, (LISTENER,), proxied=True) as cluster:
        with run.check(f"{USER}'s password is wrong from the start, and corrected") as check:
            with cluster.proxy(LISTENER):
                check_wrong_from_the_start(check, cluster, options)
        with run.check(f"{USER}'s password changes under load") as check:
            check_changed(check, cluster, options)
        with run.check("the broker is killed under load, over TLS and SCRAM") as check:
            check_killed(check, cluster, options)
    run.finish()


if __name__ == "__main__":
    main()
