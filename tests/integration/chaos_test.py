#!/usr/bin/env python3
"""chaos_test.py [--version V ...] [--lines N] [--rate R] [--seed S]
Lines of text while the network and the broker misbehave. Connections are cut after 50 to 1500 ms, half of the times
after answers were held back; then, in another run, the broker stands still for up to several times request.timeout.ms,
again and again. Kafka's own consumer reads back: complete, in order, nothing twice, where the reports said."""
import argparse
import random
import time

import checks
import java_tools
import lines
from kafka.cluster import VERSIONS, Cluster
from proxy import Proxy
from sender_run import Sender

PARTITIONS = 12
REQUEST_TIMEOUT_MS = 1000


def cut_connections(_cluster: Cluster, sender: Sender, proxy: Proxy, source: random.Random) -> int:
    cuts = 0
    while sender.is_running():
        time.sleep(source.uniform(0.05, 1.5))
        if source.random() < 0.5:
            proxy.hold()
            time.sleep(source.uniform(0.01, 0.3))
        proxy.cut()
        time.sleep(source.uniform(0, 0.05))
        proxy.open()
        cuts += 1
    return cuts


def stop_broker(cluster: Cluster, sender: Sender, _proxy: Proxy, source: random.Random) -> int:
    pauses = 0
    while sender.is_running():
        time.sleep(source.uniform(0.2, 1.0))
        cluster.pause()
        time.sleep(source.uniform(0.5, 2.5) * REQUEST_TIMEOUT_MS / 1000)
        cluster.resume()
        pauses += 1
    return pauses


# What is done, how often at least, and settings for it.
WAYS = {"connections are cut": (cut_connections, 5, ()),
        "the broker stands still": (stop_broker, 3, (f"request.timeout.ms={REQUEST_TIMEOUT_MS}",))}


def check_way(check, cluster: Cluster, place, way: tuple, options) -> None:
    misbehave, minimum, settings = way
    topic = misbehave.__name__
    cluster.create_topic(topic, PARTITIONS)
    source = lines.make_input(options.lines, 13)
    reports = place / f"{topic}.reports"
    with Proxy(cluster.nodes[0].advertised_port, cluster.nodes[0].port) as proxy:
        sender = Sender([cluster.bootstrap, topic, source, reports, options.rate, *settings])
        times = misbehave(cluster, sender, proxy, random.Random(options.seed))
        sender.finish()
    names = ("batches_retried", "out_of_order_answers", "outcomes_resolved", "connections_lost")
    check.note = f"{times} times " + " ".join(f"{name}={sender.summary[name]}" for name in names)
    found = java_tools.verify(cluster.direct, topic, source, reports)
    checks.expect(found["right"] and found["read"] == options.lines,
                  f"Kafka's consumer found {found}, the sender {sender.summary}")
    checks.expect(times >= minimum and sender.summary["batches_retried"] > 0, "too little happened")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="append", choices=VERSIONS)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=20_000, help="lines a second")
    parser.add_argument("--seed", type=int, default=1, help="of what happens when")
    options = parser.parse_args()
    run = checks.Checks()
    for version in options.version or VERSIONS:
        with checks.Workplace("chaos") as place, Cluster(version, place / "kafka", proxied=True) as cluster:
            for name, way in WAYS.items():
                with run.check(f"{version}: {options.lines} lines, {name}") as check:
                    check_way(check, cluster, place, way, options)
    run.finish()


if __name__ == "__main__":
    main()
