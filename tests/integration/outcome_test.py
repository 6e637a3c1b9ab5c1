#!/usr/bin/env python3
"""outcome_test.py [--version V ...] [--lines N] [--rate R] [--canary]
A sole replica is stopped cleanly and started again while it owes the answers to several batches a partition: it has
written them and recognises only the last one of each. Two senders meet that at once. One may READ its topic: it asks
what the broker has (DescribeProducers) and sends only the last batches again. The other may not: it is refused, asks no
more, and the answers to later batches decide. Kafka's own consumer then finds every line once and in order. --canary
sends without idempotence, asks nobody, and must find duplicates."""
import argparse
import contextlib
import pathlib
import time

import checks
import java_tools
import lines
from kafka.cluster import VERSIONS, Cluster
from proxy import Proxy
from sender_run import Sender

PARTITIONS = 4
IN_FLIGHT = 5
ROUNDS_MAX = 5
WRITING_SECONDS = 0.3
ASKS, TELLS, REFUSES = "asking broker", "up to sequence", "brokers do not tell"
AUTHORIZERS = {True: "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
               False: "kafka.security.authorizer.AclAuthorizer"}


class Topic:
    """A topic and who sends to it."""

    def __init__(self, cluster: Cluster, name: str, may_read: bool) -> None:
        self.cluster, self.name, self.may_read = cluster, name, may_read
        self.sender: Sender | None = None
        cluster.create_topic(name, PARTITIONS)
        if not may_read:
            self.change_permissions("--add")

    def change_permissions(self, how: str) -> None:
        """Who may do one thing with a topic may do nothing else; a topic that nobody has permissions for is free."""
        package = "org.apache.kafka.tools" if self.cluster.version.startswith("4.") else "kafka.admin"
        self.cluster.run_tool(f"{package}.AclCommand", [
            "--bootstrap-server", self.cluster.direct, how, "--allow-principal", "User:ANONYMOUS",
            "--operation", "Write", "--topic", self.name, *(["--force"] if how == "--remove" else [])])

    def start(self, source: pathlib.Path, reports: pathlib.Path, rate: int, *settings: str) -> None:
        self.sender = Sender([self.cluster.bootstrap, self.name, source, reports, rate, "log.level=7", "linger.ms=5",
                              f"max.in.flight.requests.per.connection={IN_FLIGHT}", *settings])
        self.sender.wait_for(lambda: self.sender.delivered > 0, "the first lines are delivered")

    def count(self, words: str) -> int:
        """Lines of the sender's log with those words and the topic's name."""
        return sum(words in line and self.name in line for line in list(self.sender.errors))

    def has_asked(self) -> bool:
        return self.count(ASKS) > 0


def restart_while_owing(cluster: Cluster, proxy: Proxy, topics: list[Topic]) -> None:
    """The broker writes, no answer arrives; then it stops as brokers stop for maintenance, and comes back."""
    proxy.hold()
    for topic in topics:
        topic.sender.wait_for(lambda topic=topic: topic.sender.in_flight == IN_FLIGHT, "five answers are owed")
    time.sleep(WRITING_SECONDS)
    proxy.cut()
    cluster.stop()
    cluster.restart()
    proxy.open()
    for topic in topics:
        delivered = topic.sender.delivered
        topic.sender.wait_for(lambda topic=topic, delivered=delivered: topic.sender.delivered > delivered,
                              "the sender goes on after a restart")


def check_topic(cluster: Cluster, topic: Topic, source: pathlib.Path, reports: pathlib.Path) -> str:
    topic.sender.finish()
    summary = topic.sender.summary
    if not topic.may_read:
        topic.change_permissions("--remove")
    found = java_tools.verify(cluster.direct, topic.name, source, reports)
    checks.expect(found["right"], f"Kafka's consumer found {found}, the sender {summary}")
    checks.expect(summary["unknown"] == 0 and summary["epochs_raised"] == 0, f"the sender guessed: {summary}")
    checks.expect(summary["out_of_order_answers"] > 0 and summary["outcomes_resolved"] > 0,
                  f"nothing was open: {summary}")
    asked, told, refused = (topic.count(words) for words in (ASKS, TELLS, REFUSES))
    checks.expect(told == asked if topic.may_read else told == 0, f"asked {asked} times, told {told} times")
    checks.expect(refused == (0 if topic.may_read else 1), f"refused {refused} times")
    checks.expect(asked <= PARTITIONS or topic.may_read, f"asked {asked} times without permission")
    return (f"{topic.name}: asked={asked} out_of_order_answers={summary['out_of_order_answers']} "
            f"outcomes_resolved={summary['outcomes_resolved']}")


def check_canary(cluster: Cluster, proxy: Proxy, source: pathlib.Path, reports: pathlib.Path, rate: int) -> None:
    topic = Topic(cluster, "naive", may_read=True)
    topic.start(source, reports, rate, "enable.idempotence=false")
    restart_while_owing(cluster, proxy, [topic])
    topic.sender.stop()
    topic.sender.finish(must_succeed=False)
    found = java_tools.verify(cluster.direct, topic.name, source, reports)
    checks.expect(found["duplicated"] > 0, f"no duplicate although nothing prevents them: {found}")
    checks.expect(not topic.has_asked(), "what has no sequences was asked about")


def check_version(check, place: pathlib.Path, version: str, options) -> None:
    settings = {"authorizer.class.name": AUTHORIZERS[not version.startswith("2.")],
                "allow.everyone.if.no.acl.found": "true"}
    source = lines.make_input(options.lines, 7)
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster(version, place / "kafka", settings=settings, proxied=True))
        node = cluster.nodes[0]
        proxy = stack.enter_context(Proxy(node.advertised_port, node.port))
        if options.canary:
            check_canary(cluster, proxy, source, place / "naive.reports", options.rate)
            return
        topics = [Topic(cluster, "open", may_read=True), Topic(cluster, "write-only", may_read=False)]
        for topic in topics:
            topic.start(source, place / f"{topic.name}.reports", options.rate)
        rounds = 0
        while not all(topic.has_asked() for topic in topics):
            checks.expect(rounds < ROUNDS_MAX, f"{rounds} restarts left nobody with a question")
            restart_while_owing(cluster, proxy, topics)
            rounds += 1
        for topic in topics:
            topic.sender.stop()
        notes = [check_topic(cluster, topic, source, place / f"{topic.name}.reports") for topic in topics]
        check.note = f"restarts={rounds} " + ", ".join(notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", action="append", choices=VERSIONS)
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rate", type=int, default=2000, help="lines a second and topic")
    parser.add_argument("--canary", action="store_true")
    options = parser.parse_args()
    run = checks.Checks()
    what = "duplicates are seen" if options.canary else "what a restarted broker has is asked where that is allowed"
    for version in options.version or VERSIONS:
        with run.check(f"{version}: {what}") as check, \
                checks.Workplace("outcome") as place:
            check_version(check, place, version, options)
    run.finish()


if __name__ == "__main__":
    main()
