"""One line a check and the closing line "N passed, M failed"; plus where things are."""
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
INTEGRATION = ROOT / "tests" / "integration"
# Where a build may be: the one that was asked for, the one for development, the one that is installed.
BUILDS = [pathlib.Path(path) for path in (os.environ.get("SENDOFF_BUILD"), ROOT / "build" / "dev", ROOT / "build")
          if path]
SCRATCH = ROOT / "build" / "integration"


class Checks:
    """Counts checks; used as a context manager per check: an exception fails the check and the run goes on."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def check(self, name: str) -> "_Check":
        return _Check(self, name)

    def finish(self) -> None:
        """Prints the closing line and ends the program by it."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


class _Check:
    def __init__(self, checks: Checks, name: str) -> None:
        self.checks, self.name, self.note = checks, name, ""

    def __enter__(self) -> "_Check":
        self.begun = time.monotonic()
        return self

    def __exit__(self, kind, error, trace) -> bool:
        seconds = time.monotonic() - self.begun
        if kind is not None and not issubclass(kind, Exception):
            return False
        if error is None:
            self.checks.passed += 1
            print(f"ok      {self.name} ({seconds:.1f} s){'  ' + self.note if self.note else ''}", flush=True)
            return True
        self.checks.failed += 1
        print(f"FAILED  {self.name} ({seconds:.1f} s): {error}{'  ' + self.note if self.note else ''}", flush=True)
        if not isinstance(error, (AssertionError, TimeoutError)):
            traceback.print_exception(kind, error, trace)
        return True


def expect(condition, message: str) -> None:
    """As assert, which python -O would leave out."""
    if not condition:
        raise AssertionError(message)


def program(name: str) -> pathlib.Path:
    """A test program that the build made."""
    return built(f"tests/integration/{name}")


def sendoff_command() -> pathlib.Path:
    return built("bin/sendoff")


def built(path: str) -> pathlib.Path:
    for build in BUILDS:
        if (build / path).exists():
            return (build / path).resolve()
    raise AssertionError(f"{path} is in none of {', '.join(map(str, BUILDS))}")


class Workplace:
    """A folder for one run's data, removed at its end unless SENDOFF_KEEP is set or the run failed half-way."""

    def __init__(self, name: str) -> None:
        SCRATCH.mkdir(parents=True, exist_ok=True)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"{name}-", dir=SCRATCH))

    def __enter__(self) -> pathlib.Path:
        return self.path

    def __exit__(self, kind, _error, _trace) -> None:
        if kind is None and not os.environ.get("SENDOFF_KEEP"):
            shutil.rmtree(self.path, ignore_errors=True)
