"""Brokers that start at once: the one inside Sendoff, which keeps what it is sent and gives it back."""
import pathlib
import subprocess

import checks
import processes
from kafka.cluster import free_port


class EmbeddedBroker:
    """`sendoff broker` with these topics ({name: partitions}); with auto_create it makes others when asked, of so many
    partitions."""

    def __init__(self, place: pathlib.Path, topics: dict, auto_create: int = 0) -> None:
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.command = [checks.sendoff_command(), "broker", "--listen", self.bootstrap]
        for name, partitions in topics.items():
            self.command += ["--topic", f"{name}:{partitions}"]
        if auto_create:
            self.command += ["--auto-create", auto_create]
        self.log = place / "broker.log"

    def settings(self) -> dict:
        """What clients set to talk to it, by names that Kafka, librdkafka and Sendoff have in common."""
        return {}

    def __enter__(self) -> "EmbeddedBroker":
        with open(self.log, "ab") as output:
            self.child = processes.start(self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            processes.wait_until(self._answers, 60, "the embedded broker answers")
        except BaseException:
            processes.end(self.child)
            raise
        return self

    def __exit__(self, *_error) -> None:
        processes.end(self.child)

    def _answers(self) -> bool:
        checks.expect(self.child.poll() is None, f"the embedded broker ended: {self.log.read_text()}")
        return f"listening on {self.bootstrap}\n" in self.log.read_text()
