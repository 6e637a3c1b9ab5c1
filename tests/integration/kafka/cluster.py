"""Apache Kafka on the loopback interface, from its jars: started, killed, frozen and restarted by a test.

    with Cluster("4.3.0", folder) as cluster:
        cluster.create_topic("lines", partitions=12)
        cluster.kill(0)
        cluster.restart(0)

From version 3 on every node is broker and controller (KRaft); 2.8.2 runs beside a ZooKeeper from its own jars.
A node keeps its port and its data over kill and restart."""
import base64
import dataclasses
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import time
import uuid

import processes

FETCH = pathlib.Path(__file__).resolve().parent / "fetch-kafka"
VERSIONS = ("4.3.0", "3.9.1", "2.8.2")
# A broker of one test is small and lives for seconds: little heap, the quick compiler only.
JAVA_OPTIONS = ("-Xms64m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                "-Xshare:auto",
                "-Djava.net.preferIPv4Stack=true")
TOOL_OPTIONS = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto",
                "-Djava.net.preferIPv4Stack=true")
ZOOKEEPER_SESSION_SECONDS = 2.0
LOG_SETTINGS = """log4j.rootLogger=WARN, file
log4j.logger.kafka.server.KafkaServer=INFO
log4j.appender.file=org.apache.log4j.FileAppender
log4j.appender.file.File=${test.log}
log4j.appender.file.layout=org.apache.log4j.PatternLayout
log4j.appender.file.layout.ConversionPattern=[%d] %p %m (%c)%n
"""


def fetch(version: str) -> str:
    """The class path of that version's jars; brought from Maven Central the first time."""
    libs = subprocess.run([FETCH, version], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return f"{libs}/*"


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port below the range that the system hands to outgoing connections, so that it stays free while a killed
    broker is down. Nobody else gets it from here, in this process or another, for as long as this one lives: a socket
    is bound to it that does not listen, beside which only one may that reuses addresses, as brokers and proxies do."""
    while True:
        port = random.randrange(12000, 30000)
        reserved = socket.socket()
        try:
            reserved.bind(("127.0.0.1", port))
        except OSError:
            reserved.close()
            continue
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _reserved.append(reserved)
        return port


def is_listed(port: int) -> bool:
    """Whether a broker answers at that port: asks for metadata (version 1, no topics) and looks for the broker's own
    port in the answer."""
    body = struct.pack(">hhih4si", 3, 1, 1, 4, b"test", 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as link:
            link.settimeout(2)
            link.sendall(struct.pack(">i", len(body)) + body)
            answer = _read(link, struct.unpack(">i", _read(link, 4))[0])
    except (OSError, EOFError):
        return False
    count, at = struct.unpack_from(">i", answer, 4)[0], 8
    for _ in range(count):
        host_bytes = struct.unpack_from(">h", answer, at + 4)[0]
        at += 6 + host_bytes
        listed, rack_bytes = struct.unpack_from(">ih", answer, at)
        at += 6 + max(0, rack_bytes)
        if listed == port:
            return True
    return False


@dataclasses.dataclass
class Listener:
    """A listener of the first node beside PLAINTEXT and INTERNAL. settings are Kafka's, without listener.name.NAME.
    Clients are told advertised_port: where a proxy stands between, it is another one than port."""
    protocol: str
    settings: dict = dataclasses.field(default_factory=dict)
    host: str = "localhost"
    port: int = dataclasses.field(default_factory=free_port)
    advertised_port: int = 0

    def __post_init__(self) -> None:
        self.advertised_port = self.advertised_port or self.port

    @property
    def bootstrap(self) -> str:
        return f"{self.host}:{self.advertised_port}"


@dataclasses.dataclass
class Node:
    index: int
    port: int
    internal_port: int
    controller_port: int
    advertised_port: int
    folder: pathlib.Path
    process: subprocess.Popen | None = None
    killed_at: float = 0.0


class Cluster:
    """proxied: clients are told other ports than those where the nodes listen, node.advertised_port, so that a proxy
    can stand between; bootstrap names those ports too. What brokers say to each other does not pass there.
    listeners: more of them, by name, on the first node. scram: users as StorageTool takes them. java_options: for
    brokers, beside the usual ones. All three need KRaft."""

    def __init__(self, version: str, folder: pathlib.Path, nodes: int = 1, settings: dict | None = None,
                 proxied: bool = False, listeners: dict[str, Listener] | None = None, scram: tuple = (),
                 java_options: tuple = ()) -> None:
        self.version, self.folder, self.settings = version, pathlib.Path(folder), settings or {}
        self.listeners, self.scram, self.java_options = listeners or {}, scram, java_options
        self.class_path = fetch(version)
        self.kraft = not version.startswith("2.")
        self.nodes = []
        for index in range(nodes):
            port = free_port()
            self.nodes.append(Node(index, port, free_port(), free_port(), free_port() if proxied else port,
                                   self.folder / f"node-{index}"))
        self.zookeeper: subprocess.Popen | None = None
        self.zookeeper_port = free_port()

    def __enter__(self) -> "Cluster":
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.end()

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{node.advertised_port}" for node in self.nodes)

    @property
    def direct(self) -> str:
        """As bootstrap, past any proxy."""
        return ",".join(f"127.0.0.1:{node.internal_port}" for node in self.nodes)

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j.properties").write_text(LOG_SETTINGS)
        if self.kraft:
            self._format()
        else:
            self._start_zookeeper()
        for node in self.nodes:
            if not self.kraft:
                self._write_settings(node)
            self._launch(node)
        for node in self.nodes:
            self.wait_ready(node.index)

    def end(self) -> None:
        """Ends everything without ceremony; the data folder stays."""
        for node in self.nodes:
            if node.process is not None:
                processes.end(node.process)
                node.process = None
        if self.zookeeper is not None:
            processes.end(self.zookeeper)
            self.zookeeper = None

    def kill(self, index: int = 0) -> None:
        """A crash: SIGKILL."""
        node = self._running(index)
        processes.end(node.process)
        node.process, node.killed_at = None, time.monotonic()

    def stop(self, index: int = 0, timeout_seconds: float = 180.0) -> None:
        """A clean stop: SIGTERM, waited for."""
        node = self._running(index)
        os.kill(node.process.pid, signal.SIGTERM)
        node.process.wait(timeout_seconds)
        processes.end(node.process)
        node.process = None

    def restart(self, index: int = 0) -> None:
        """Starts a node that was killed or stopped, on its port and data, and waits until it answers."""
        node = self.nodes[index]
        if node.process is not None:
            raise RuntimeError(f"node {index} is still running")
        if not self.kraft:
            # ZooKeeper refuses a broker whose killed predecessor's session is still open.
            time.sleep(max(0.0, node.killed_at + 1.5 * ZOOKEEPER_SESSION_SECONDS - time.monotonic()))
        self._launch(node)
        self.wait_ready(index)

    def pause(self, index: int = 0) -> None:
        os.kill(self._running(index).process.pid, signal.SIGSTOP)

    def resume(self, index: int = 0) -> None:
        os.kill(self._running(index).process.pid, signal.SIGCONT)

    def wait_ready(self, index: int = 0, timeout_seconds: float = 180.0) -> None:
        """Until the node answers a metadata request and lists itself as alive."""
        node = self.nodes[index]
        deadline = time.monotonic() + timeout_seconds
        while not is_listed(node.internal_port):
            if node.process.poll() is not None:
                raise RuntimeError(
                    f"Kafka {self.version} ended with {node.process.returncode}: {self._last_words(node)}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"Kafka {self.version} does not answer: {self._last_words(node)}")
            time.sleep(0.05)

    def create_topic(self, name: str, partitions: int, replication: int | None = None, **settings) -> None:
        """Settings are the topic's, with _ for the dot."""
        arguments = ["--bootstrap-server", self.direct, "--create", "--topic", name, "--partitions", partitions,
                     "--replication-factor", replication or min(3, len(self.nodes))]
        for key, value in settings.items():
            arguments += ["--config", f"{key.replace('_', '.')}={value}"]
        main = "org.apache.kafka.tools.TopicCommand" if self.kraft else "kafka.admin.TopicCommand"
        self.run_tool(main, arguments)

    def run_tool(self, main: str, arguments: list, timeout_seconds: float = 300.0) -> str:
        """Runs one of Kafka's own programs to its end and returns what it printed."""
        options = (f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", f"-Dtest.log={self.folder}/tools.log")
        result = processes.run(["java", *TOOL_OPTIONS, *options, "-cp", self.class_path, main, *arguments],
                               timeout_seconds)
        if result.returncode != 0:
            raise RuntimeError(f"{main} ended with {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def _running(self, index: int) -> Node:
        node = self.nodes[index]
        if node.process is None or node.process.poll() is not None:
            raise RuntimeError(f"node {index} is not running")
        return node

    def _format(self) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "a")
        users = [part for user in self.scram for part in ("--add-scram", user)]
        for node in self.nodes:
            self._write_settings(node)
            self.run_tool("kafka.tools.StorageTool",
                          ["format", "-t", cluster_id, "-c", node.folder / "server.properties", *users])

    def _write_settings(self, node: Node) -> None:
        node.folder.mkdir(parents=True, exist_ok=True)
        replicas = min(3, len(self.nodes))
        settings = {
            "log.dirs": node.folder / "data",
            "num.partitions": 1,
            "advertised.listeners": ",".join([f"PLAINTEXT://127.0.0.1:{node.advertised_port}",
                                              f"INTERNAL://127.0.0.1:{node.internal_port}",
                                              *(f"{name}://{extra.bootstrap}"
                                                for name, extra in self._extra(node).items())]),
            "inter.broker.listener.name": "INTERNAL",
            "auto.create.topics.enable": "false",
            "num.network.threads": 2,
            "num.io.threads": 4,
            "group.initial.rebalance.delay.ms": 0,
            "unclean.leader.election.enable": "false",
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": max(1, replicas - 1),
            "min.insync.replicas": max(1, replicas - 1),
        }
        settings |= self._kraft_settings(node) if self.kraft else self._zookeeper_settings(node)
        for name, extra in self._extra(node).items():
            settings |= {f"listener.name.{name.lower()}.{key}": value for key, value in extra.settings.items()}
        settings |= self.settings
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        (node.folder / "server.properties").write_text(lines)

    def _kraft_settings(self, node: Node) -> dict:
        # The default session of 9 s and the default election would only make a killed node's return slower.
        settings = {
            "process.roles": "broker,controller",
            "node.id": node.index + 1,
            "controller.quorum.voters": ",".join(f"{n.index + 1}@127.0.0.1:{n.controller_port}" for n in self.nodes),
            "listeners": f"{self._listeners(node)},CONTROLLER://127.0.0.1:{node.controller_port}",
            "listener.security.protocol.map": ",".join(
                ["PLAINTEXT:PLAINTEXT", "INTERNAL:PLAINTEXT", "CONTROLLER:PLAINTEXT",
                 *(f"{name}:{extra.protocol}" for name, extra in self.listeners.items())]),
            "controller.listener.names": "CONTROLLER",
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "controller.quorum.election.timeout.ms": 1000,
            "controller.quorum.fetch.timeout.ms": 1000,
        }
        if self.version.startswith("4."):
            settings["share.coordinator.state.topic.replication.factor"] = min(3, len(self.nodes))
            settings["share.coordinator.state.topic.min.isr"] = 1
        return settings

    def _zookeeper_settings(self, node: Node) -> dict:
        return {
            "broker.id": node.index + 1,
            "zookeeper.connect": f"127.0.0.1:{self.zookeeper_port}",
            "zookeeper.session.timeout.ms": int(1000 * ZOOKEEPER_SESSION_SECONDS),
            "listeners": self._listeners(node),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT",
        }

    def _extra(self, node: Node) -> dict[str, Listener]:
        return self.listeners if node.index == 0 else {}

    def _listeners(self, node: Node) -> str:
        extra = "".join(f",{name}://127.0.0.1:{listener.port}" for name, listener in self._extra(node).items())
        return f"PLAINTEXT://127.0.0.1:{node.port},INTERNAL://127.0.0.1:{node.internal_port}{extra}"

    def _start_zookeeper(self) -> None:
        folder = self.folder / "zookeeper"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "zookeeper.properties").write_text(
            f"dataDir={folder}/data\nclientPort={self.zookeeper_port}\nclientPortAddress=127.0.0.1\n"
            "admin.enableServer=false\nmaxClientCnxns=0\ntickTime=500\n")
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        self.zookeeper = self._java(folder, main, folder / "zookeeper.properties")
        processes.wait_until(lambda: _connects(self.zookeeper_port), 30, "ZooKeeper listens")

    def _launch(self, node: Node) -> None:
        node.process = self._java(node.folder, "kafka.Kafka", node.folder / "server.properties")

    def _java(self, folder: pathlib.Path, main: str, settings: pathlib.Path) -> subprocess.Popen:
        options = (f"-Dlog4j.configuration=file:{self.folder}/log4j.properties", f"-Dtest.log={folder}/server.log",
                   f"-Dkafka.logs.dir={folder}", *self.java_options)
        with open(folder / "output.log", "ab") as output:
            return processes.start(["java", *JAVA_OPTIONS, *options, "-cp", self.class_path, main, settings],
                                   stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder)

    def _last_words(self, node: Node) -> str:
        words = []
        for name in ("output.log", "server.log"):
            path = node.folder / name
            if path.exists():
                words += path.read_text(errors="replace").splitlines()[-15:]
        return "\n  ".join(words)


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def _read(link: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = link.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
