#!/usr/bin/env python3
"""kill_test.py [--version V ...] [--codec C ...] [--lines N] [--rate R] [--nodes N] [--canary]
Lines of text, keyed, to 12 partitions, while the broker is killed and restarted three times; then Kafka's own
consumer reads them back: complete, in order, nothing twice, where the reports said. Each kill falls while the broker
owes answers, in three ways: at any moment (it counts only if batches had to be sent again); frozen first until it
certainly owes; and after its answers were held back for a while, so that it has written what the sender knows nothing
of. A run without any batch retried, OUT_OF_ORDER answer or outcome resolved has proved nothing, and fails. --canary
sends without idempotence and must find duplicates."""
import argparse
import contextlib
import time

import checks
import java_tools
import lines
from kafka.cluster import VERSIONS, Cluster
from proxy import Proxy
from sender_run import Sender

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
WAYS = ("kill", "freeze", "withhold")
WITHHOLD_SECONDS = 0.3
ATTEMPTS = 8
PARTITIONS = 12


class Paced:
    """A sender that is kept busy while something is waited for."""

    def __init__(self, sender: Sender, rate: int) -> None:
        self.sender, self.rate = sender, rate

    def wait_for(self, condition, what: str) -> None:
        def met() -> bool:
            self.sender.feed(self.rate // 4)
            return condition()
        self.sender.wait_for(met, what)

    def wait_owed(self, what: str) -> None:
        """Until what was printed after this call says that requests are in flight."""
        before = self.sender.lines_read
        self.wait_for(lambda: self.sender.lines_read > before + 2 and self.sender.in_flight > 0, what)

    def wait_delivered(self, what: str) -> None:
        delivered = self.sender.delivered
        self.wait_for(lambda: self.sender.delivered > delivered, what)


def kill_while_owing(cluster: Cluster, node: int, paced: Paced, proxy: Proxy, way: str) -> bool:
    """Kills and restarts; true if the broker certainly owed answers when it was killed."""
    paced.wait_owed("answers are owed")
    if way == "freeze":
        cluster.pause(node)
        paced.wait_owed("a frozen broker owes answers")
    elif way == "withhold":  # the broker has written and answered, but no answer arrives
        proxy.hold()
        paced.wait_owed("answers are withheld")
        time.sleep(WITHHOLD_SECONDS)
    retried = paced.sender.retried
    cluster.kill(node)
    proxy.cut()
    cluster.restart(node)
    proxy.open()
    paced.wait_delivered("the sender goes on after a restart")
    return way != "kill" or paced.sender.retried > retried


def send_and_kill(cluster: Cluster, paced: Paced, proxies: list[Proxy], line_count: int) -> int:
    """Spreads the kills evenly over the lines, which wait for them; returns how many it took until enough fell while
    answers were owed."""
    sender = paced.sender
    counted = attempts = 0
    while counted < len(WAYS):
        checks.expect(attempts < ATTEMPTS, f"only {counted} of {attempts} kills fell while answers were owed")
        due = line_count * (counted + 1) // (len(WAYS) + 2)
        sender.limit(max(sender.allowed, due + line_count // (2 * len(WAYS) + 4)))
        sender.wait_for(lambda: sender.sent >= due, f"line {due} is sent")
        node = attempts % len(cluster.nodes)
        counted += kill_while_owing(cluster, node, paced, proxies[node], WAYS[counted])
        attempts += 1
    sender.limit(line_count)
    return attempts


def check_run(cluster: Cluster, check, place, codec: str, options) -> None:
    topic = f"lines-{codec}"
    cluster.create_topic(topic, PARTITIONS)
    source = lines.make_input(options.lines, options.lines % 97)
    reports = place / f"{topic}.reports"
    settings = [f"compression.type={codec}"] + (["enable.idempotence=false"] if options.canary else [])
    with contextlib.ExitStack() as stack:
        proxies = [stack.enter_context(Proxy(node.advertised_port, node.port)) for node in cluster.nodes]
        sender = Sender([cluster.bootstrap, topic, source, reports, options.rate, *settings], is_limited=True)
        attempts = send_and_kill(cluster, Paced(sender, options.rate), proxies, options.lines)
        sender.finish(must_succeed=not options.canary)
    summary = sender.summary
    proof = {name: summary[name] for name in ("batches_retried", "out_of_order_answers", "outcomes_resolved")}
    check.note = " ".join(f"{name}={value}" for name, value in proof.items()) + f" kills={attempts}"
    found = java_tools.verify(cluster.direct, topic, source, reports)
    if options.canary:
        checks.expect(found["duplicated"] > 0, f"no duplicate although nothing prevents them: {found}")
        return
    checks.expect(found["right"] and found["read"] == options.lines,
                  f"Kafka's consumer found {found}, the sender {summary}")
    checks.expect(any(proof.values()), "no kill did anything")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", action="append", choices=VERSIONS)
    parser.add_argument("--codec", action="append", choices=CODECS)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--canary", action="store_true")
    options = parser.parse_args()
    run = checks.Checks()
    for version in options.version or VERSIONS:
        for codec in options.codec or CODECS:
            name = f"{version}, {codec}: {options.lines} lines, {len(WAYS)} kills"
            with run.check(f"{name}: duplicates are seen" if options.canary else name) as check, \
                    checks.Workplace("kill") as place, \
                    Cluster(version, place / "kafka", options.nodes, proxied=True) as cluster:
                check_run(cluster, check, place, codec, options)
    run.finish()


if __name__ == "__main__":
    main()
