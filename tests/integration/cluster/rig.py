"""Three nodes of Apache Kafka with a fault proxy before each, and senders that write through them.

Clients know the proxies alone; replication, tools and the verifier go past them. A `Plan` says what one sender sends
where; `Rig.start` makes its topics and starts it, `Sending` is it at work."""
import contextlib
import dataclasses
import pathlib

import checks
import java_tools
import newest_librdkafka
import processes
import topic_state
from fault_proxy import FaultProxy
from kafka.cluster import VERSIONS, Cluster
from sender_run import Sender

NODES = 3
# A dead broker is noticed after three seconds; followers ask often, and give up soon on one that stands still.
BROKER_SETTINGS = {
    "broker.session.timeout.ms": 3000,
    "replica.fetch.wait.max.ms": 50,
    "replica.socket.timeout.ms": 3000,
    "controller.quorum.request.timeout.ms": 2000,
    "num.replica.fetchers": 1,
    "log.cleaner.enable": "false",
    # A node that comes back leads again soon.
    "leader.imbalance.check.interval.seconds": 2,
    "leader.imbalance.per.broker.percentage": 0,
}
SENDER_SETTINGS = {
    "enable.idempotence": "true",
    "acks": "all",
    "retries": 2147483647,
    "linger.ms": 5,
    "delivery.timeout.ms": 120000,
    "max.in.flight.requests.per.connection": 5,
}
WRONG = ("lost", "duplicated", "inverted", "misrouted", "corrupt", "phantom", "misreported", "reports_missing",
         "reports_doubled")
PROOF = ("batches_retried", "out_of_order_answers", "outcomes_resolved")


@dataclasses.dataclass
class Plan:
    """What one sender sends. settings are the client library's, in Java's names, beside SENDER_SETTINGS. label tells
    senders of one scenario apart. may_expire: records may end without being delivered.
    No partitions: somebody else makes the topic."""
    label: str
    records: int
    rate: int
    client: str = "sendoff"
    topics: int = 1
    partitions: int = 12
    replication: int = NODES
    settings: dict = dataclasses.field(default_factory=dict)
    may_expire: bool = False

    @property
    def is_peer(self) -> bool:
        return self.client != "sendoff"

    @property
    def name(self) -> str:
        return f"{self.client}, {self.label}" if self.label else self.client


def command_of(client: str) -> list:
    if client == "java":
        return java_tools.command("LedgerProducer", [])
    return [checks.program({"sendoff": "ledger_sender", "librdkafka": "librdkafka_sender"}[client])]


class Sending:
    """A sender at work. found is what the verifier said, once `verify` has run."""

    def __init__(self, rig: "Rig", plan: Plan, prefix: str, run: int) -> None:
        self.rig, self.plan, self.prefix, self.run = rig, plan, prefix, run
        self.client_id = prefix
        self.ledger = rig.folder / f"{prefix}.ledger"
        self.found: dict = {}
        self.most = plan.records  # to send, whatever feeds it
        settings = SENDER_SETTINGS | plan.settings | {"client.id": self.client_id}
        if plan.client == "librdkafka":
            settings |= {"partitioner": "murmur2_random", "queue.buffering.max.messages": 1000000}
        arguments = [rig.cluster.bootstrap, prefix, plan.topics, run, plan.records, plan.rate, self.ledger,
                     *(f"{name}={value}" for name, value in settings.items())]
        environment = newest_librdkafka.environment() if plan.client == "librdkafka" else None
        self.sender = Sender(arguments, command_of(plan.client), is_limited=True, env=environment)

    @property
    def topic_names(self) -> list[str]:
        if self.plan.topics == 1:
            return [self.prefix]
        return [f"{self.prefix}-{index:05d}" for index in range(self.plan.topics)]

    def limit(self, records: int) -> None:
        """Lets records below that number be sent, no more."""
        self.sender.limit(records)

    def stop(self) -> None:
        """Ends the sending; what was sent is delivered."""
        self.sender.tell("end")

    def verify(self) -> dict:
        self.found = java_tools.verify_ledger(self.rig.cluster.direct, self.prefix, self.plan.topics, self.run,
                                              self.ledger)
        return self.found

    @property
    def proof(self) -> dict:
        return {name: self.sender.summary[name] for name in PROOF if name in self.sender.summary}

    def is_right(self) -> bool:
        """Everything that is wrong is zero, and everything was delivered unless it may expire: when that happens is a
        matter of the machine's speed, too."""
        absent = self.found["not_delivered"] + self.found["unknown"]
        return self.found["right"] and (self.plan.may_expire or absent == 0) and self.found["accepted"] > 0


class Rig:
    def __init__(self, place: pathlib.Path, seed: int, version: str = VERSIONS[0]) -> None:
        self.folder, self.seed = place, seed
        self.cluster = Cluster(version, place / "kafka", NODES, BROKER_SETTINGS, proxied=True)
        self.proxies: list[FaultProxy] = []
        self.runs = 0
        self.closing = contextlib.ExitStack()

    def __enter__(self) -> "Rig":
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.cluster)
            self.proxies = [stack.enter_context(FaultProxy(node.advertised_port, node.port, self.seed * NODES + index))
                            for index, node in enumerate(self.cluster.nodes)]
            self.closing = stack.pop_all()
        return self

    def __exit__(self, *error) -> None:
        self.closing.__exit__(*error)

    def start(self, scenario: str, plan: Plan) -> Sending:
        self.runs += 1
        sending = f"{scenario.lower()}-{plan.client}-{self.runs}"
        if plan.partitions > 0:
            arguments = [self.cluster.direct, plan.partitions, plan.replication, sending, plan.topics]
            result = java_tools.run("TopicMaker", arguments, 900)
            checks.expect(result.returncode == 0, f"TopicMaker: {result.stdout}{result.stderr}")
        return Sending(self, plan, sending, self.seed * 1000 + self.runs)

    def heal(self) -> None:
        """Ends what a scenario that failed has left behind."""
        for node in self.cluster.nodes:
            if node.process is None:
                self.cluster.restart(node.index)
            else:
                self.cluster.resume(node.index)
        for command in ("life", "delay"):
            self.tell(command, 0, 0)
        for command in ("drop", "alter", "restamp", "dribble"):
            self.tell(command, 0)
        self.tell("open")

    def describe(self, topics: list[str]) -> dict:
        """As any running node sees it; empty if none answers."""
        for node in self.cluster.nodes:
            with contextlib.suppress(OSError):
                if node.process is not None:
                    return topic_state.describe(node.internal_port, topics)
        return {}

    def wait_whole(self, topics: list[str], timeout_seconds: float = 120) -> None:
        """Until every partition has a leader, and every replica is in sync."""
        def is_whole() -> bool:
            states = self.describe(topics)
            return len(states) == len(topics) and all(
                partition.leader > 0 and len(partition.in_sync) == len(partition.replicas)
                for state in states.values() for partition in state.values())
        processes.wait_until(is_whole, timeout_seconds, "all replicas are in sync", interval_seconds=0.2)

    def wait_leads(self, node: int, topics: list[str], timeout_seconds: float = 120) -> None:
        """Until the node leads a partition of each topic."""
        def leads() -> bool:
            states = self.describe(topics)
            return len(states) == len(topics) and all(
                any(partition.leader == node + 1 for partition in state.values()) for state in states.values())
        processes.wait_until(leads, timeout_seconds, f"node {node} leads again", interval_seconds=0.2)

    def busiest_leader(self, topic: str) -> int:
        """The index of the node that leads most of the topic's partitions."""
        state = processes.wait_until(lambda: self.describe([topic]).get(topic), 60, f"{topic} is known")
        leaders = [partition.leader - 1 for partition in state.values() if partition.leader > 0]
        return max(range(NODES), key=leaders.count)

    def tell(self, command: str, *numbers: int) -> None:
        """The same to every proxy."""
        for proxy in self.proxies:
            getattr(proxy, command)(*numbers)

    def tally(self) -> dict:
        tallies = [proxy.tally() for proxy in self.proxies]
        return {name: sum(tally[name] for tally in tallies) for name in tallies[0]}
