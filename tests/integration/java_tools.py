"""The Java programs of tests/integration/java, compiled once against Apache Kafka's own client, the newest there is."""
import fcntl
import hashlib
import json
import pathlib

import checks
import processes
from kafka import cluster

CLIENT_VERSION = cluster.VERSIONS[0]
SOURCES = checks.INTEGRATION / "java"


def class_path() -> str:
    """Compiles what changed and returns the class path of the programs."""
    sources = sorted(SOURCES.glob("*.java"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    folder = checks.SCRATCH / f"java-{digest}"
    jars = cluster.fetch(CLIENT_VERSION)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "compiled").exists():
            result = processes.run(["javac", "-Xlint:all", "-Werror", "-proc:none", "-cp", jars, "-d", folder,
                                    *sources])
            checks.expect(result.returncode == 0, f"javac: {result.stdout}{result.stderr}")
            (folder / "compiled").touch()
    return f"{folder}:{jars}"


def command(main: str, arguments: list) -> list:
    options = cluster.TOOL_OPTIONS + ("-Dlog4j.configuration=file:/dev/null", "-Xmx512m")
    return ["java", *options, "-cp", class_path(), main, *arguments]


def run(main: str, arguments: list, timeout_seconds: float = 300.0):
    return processes.run(command(main, arguments), timeout_seconds)


def verify(bootstrap: str, topic: str, source: pathlib.Path, reports: pathlib.Path | None = None) -> dict:
    """What the Verifier found, with "right" saying if all is well."""
    arguments = [bootstrap, topic, source] + ([reports] if reports else [])
    result = run("Verifier", arguments)
    checks.expect(result.stdout.startswith("{"),
                  f"Verifier ended with {result.returncode}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout) | {"right": result.returncode == 0}


def verify_ledger(bootstrap: str, prefix: str, topics: int, run_number: int, ledger: pathlib.Path) -> dict:
    """What the LedgerVerifier found, with "right" saying if all is well."""
    result = run("LedgerVerifier", [bootstrap, prefix, topics, run_number, ledger], 900)
    checks.expect(result.stdout.startswith("{"),
                  f"LedgerVerifier ended with {result.returncode}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout) | {"right": result.returncode == 0}


def partitions_of(bootstrap: str, topic: str, keys: pathlib.Path) -> list[int]:
    """Where Kafka's own producer puts each key."""
    result = run("PartitionOf", [bootstrap, topic, keys])
    checks.expect(result.returncode == 0, f"PartitionOf: {result.stdout}{result.stderr}")
    return [int(line) for line in result.stdout.split()]


def produce_lines(bootstrap: str, topic: str, source: pathlib.Path, settings: dict | None = None,
                  settings_file: pathlib.Path | None = None) -> dict:
    """Sends the lines of a file with Kafka's own producer."""
    files = [f"@{settings_file}"] if settings_file else []
    arguments = [bootstrap, topic, source] + files + [f"{name}={value}" for name, value in (settings or {}).items()]
    result = run("LineProducer", arguments)
    checks.expect(result.returncode == 0, f"LineProducer: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)
