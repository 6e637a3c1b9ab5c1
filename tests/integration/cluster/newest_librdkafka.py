"""The newest librdkafka, as tests/bench brings it: inside of a Python package."""
import contextlib
import fcntl
import os
import subprocess
import sys

import checks

PACKAGE = "confluent-kafka==2.16.1"


def environment() -> dict:
    """Variables with which a program that was built with another librdkafka runs with that one."""
    folder = checks.ROOT / "build" / "bench" / PACKAGE.replace("==", "-")
    links = checks.SCRATCH / "librdkafka"
    links.mkdir(parents=True, exist_ok=True)
    with open(links.parent / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", partial, PACKAGE],
                           check=True)
            subprocess.run([sys.executable, "-m", "zipfile", "-e", next(partial.glob("*.whl")), partial], check=True)
            partial.rename(folder)
        libraries = folder / "confluent_kafka.libs"
        library = next(libraries.glob("librdkafka*"))
        with contextlib.suppress(FileExistsError):
            (links / "librdkafka.so.1").symlink_to(library)
    return os.environ | {"LD_LIBRARY_PATH": f"{links}:{libraries}"}
