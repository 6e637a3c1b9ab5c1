#!/usr/bin/env python3
"""rotation_test.py [--times N] [--rate R]
Certificates are replaced under load, and the authorities that issued them with them: each time the client gets a new
certificate, the broker a new one and a new list of whom it trusts, on which the client's old authority no longer is.
Then connections are cut, so that only who uses the new certificates can go on. The client notices by its files, or is
told to load them anew, in turn. In between it is given a pair that does not load: the old one has to stay in force.
Kafka's own consumer reads back: complete, in order, nothing twice, where the reports said."""
import argparse
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import java_tools  # noqa: E402  pylint: disable=wrong-import-position
import lines  # noqa: E402  pylint: disable=wrong-import-position
from certificates import Authority, Identity  # noqa: E402  pylint: disable=wrong-import-position
from secure_cluster import SecureCluster  # noqa: E402  pylint: disable=wrong-import-position
from sender_run import Sender  # noqa: E402  pylint: disable=wrong-import-position

SECONDS_PER_ROTATION = 30  # of sending; a rotation that takes longer gets as much more as it waits for
SECONDS_MORE = 20
RELOAD_INTERVAL_MS = 200


class ClientFiles:
    """What the client's settings name. Each file is replaced as a whole."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.chain, self.key, self.trust = (folder / name for name in ("chain.pem", "key.pem", "trust.pem"))

    def settings(self) -> list[str]:
        return ["security.protocol=SSL", f"ssl.truststore.location={self.trust}",
                f"ssl.certificate.location={self.chain}", f"ssl.key.location={self.key}",
                f"ssl.reload.interval.ms={RELOAD_INTERVAL_MS}"]

    def write(self, identity: Identity, trusted: list[Authority]) -> None:
        self._replace(self.trust, "".join(authority.certificate.read_text() for authority in trusted))
        self._replace(self.chain, identity.chain.read_text())
        self._replace(self.key, identity.key.read_text())

    def write_other_key(self, identity: Identity) -> None:
        """The certificate stays: the pair no longer fits."""
        self._replace(self.key, identity.key.read_text())

    def _replace(self, path: pathlib.Path, text: str) -> None:
        new = self.folder / "new"
        new.write_text(text)
        os.replace(new, path)


class Rotation:
    def __init__(self, cluster: SecureCluster, source: pathlib.Path, rate: int) -> None:
        self.cluster, self.source = cluster, source
        self.reports = cluster.folder / "lines.reports"
        self.files = ClientFiles(cluster.folder / "client-files")
        self.client_authority, self.broker_authority = cluster.root, cluster.root
        self.client = cluster.client
        self.files.write(self.client, [self.broker_authority])
        self.proxy = cluster.proxy("MTLS")
        self.sender = Sender([cluster.bootstrap("MTLS"), "lines", source, self.reports, rate, *self.files.settings()],
                             is_limited=True)
        self.more = max(1, rate // 10)
        self.share = rate * SECONDS_PER_ROTATION
        self.sender.limit(self.share)
        self.expect_progress()

    def expect_progress(self) -> None:
        """What is sent from now on is delivered, too."""
        self.sender.wait_progress(self.more)

    def reconnect(self) -> None:
        self.proxy.cut()
        self.proxy.open()
        self.expect_progress()

    def rotate(self, number: int, by_call: bool) -> None:
        self.sender.limit(max(self.sender.allowed, self.share * number))
        folder = self.cluster.folder / f"rotation-{number}"
        folder.mkdir()
        client_authority = Authority(folder / "client-authority")
        broker_authority = Authority(folder / "broker-authority")
        client = client_authority.issue("client", names=())
        broker = broker_authority.issue("broker")
        # The client trusts both authorities until the broker has changed.
        self.files.write(client, [self.broker_authority, broker_authority])
        if by_call:
            answer = self.sender.reload()
            checks.expect(answer == "OK", f"the new certificates are refused: {answer}")
        self.change_broker(broker, client_authority)
        self.reconnect()
        self.client_authority, self.broker_authority, self.client = client_authority, broker_authority, client

    def change_broker(self, broker: Identity, trusted: Authority) -> None:
        settings = {"keystore": broker.all, "truststore": trusted.certificate}
        changes = ",".join(f"listener.name.mtls.ssl.{store}.location={path}" for store, path in settings.items())
        self.cluster.cluster.run_tool("kafka.admin.ConfigCommand", [
            "--bootstrap-server", self.cluster.cluster.direct, "--alter", "--entity-type", "brokers", "--entity-name",
            "1", "--add-config", changes])

    def break_pair(self, by_call: bool) -> None:
        """A key that is not the certificate's. Connections are made anew with the old pair."""
        warnings = len(self.warnings())
        self.files.write_other_key(self.cluster.broker)
        if by_call:
            answer = self.sender.reload()
            checks.expect(answer.startswith("INVALID_SETTING") and "ssl.key.location" in answer,
                          f"a key of another certificate: {answer}")
        else:
            self.sender.wait_for(lambda: len(self.warnings()) > warnings, "a warning that the pair does not load")
        self.reconnect()
        self.files.write(self.client, [self.broker_authority])

    def warnings(self) -> list[str]:
        """Log lines of level 4 that name the key."""
        return [line for line in list(self.sender.errors) if line.startswith("4 ") and "ssl.key.location" in line]

    def failures(self) -> list[str]:
        """Log lines that say that a certificate was refused."""
        return [line for line in list(self.sender.errors) if "certificate" in line and "TLS" in line]

    def check_lines(self, check) -> None:
        self.sender.stop()
        self.sender.finish()
        summary = self.sender.summary
        check.note = f"{summary['accepted']} lines, {summary['connections_lost']} connections lost"
        found = java_tools.verify(self.cluster.cluster.direct, "lines", self.source, self.reports)
        checks.expect(found["right"] and found["read"] == summary["accepted"],
                      f"Kafka's consumer found {found}, sent {summary}")


def check_refused(check, rotation: Rotation) -> None:
    """The canary: who still has the first certificate is refused."""
    first = rotation.cluster.client
    rotation.files.write(first, [rotation.broker_authority])
    checks.expect(rotation.sender.reload() == "OK", "the first pair does not load")
    failed = len(rotation.failures())
    rotation.proxy.cut()
    rotation.proxy.open()
    rotation.sender.wait_for(lambda: len(rotation.failures()) > failed, "the first certificate is refused")
    check.note = rotation.failures()[-1].strip()
    rotation.files.write(rotation.client, [rotation.broker_authority])
    checks.expect(rotation.sender.reload() == "OK", "the last pair does not load")
    rotation.expect_progress()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    options = parser.parse_args()
    run = checks.Checks()
    source = lines.make_input(options.rate * (SECONDS_PER_ROTATION * options.times + SECONDS_MORE), 12)
    with checks.Workplace("rotation") as place, \
            SecureCluster(place, ("MTLS",), {"ssl.allow.dn.changes": "true"}, proxied=True) as cluster:
        rotation = Rotation(cluster, source, options.rate)
        for number in range(1, options.times + 1):
            by_call = number % 2 == 0
            way = "on call" if by_call else "by its files"
            with run.check(f"rotation {number}: the client follows {way}"):
                rotation.rotate(number, by_call)
            with run.check(f"rotation {number}: a pair that does not fit is not used, {way}"):
                rotation.break_pair(by_call)
        with run.check("the first certificate is no longer good") as check:
            check_refused(check, rotation)
        with run.check("all lines: complete, in order, nothing twice") as check:
            rotation.check_lines(check)
    run.finish()


if __name__ == "__main__":
    main()
