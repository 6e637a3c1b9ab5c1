"""A patch with a bug, the programs that have to notice it, and how they ended."""
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("SENDOFF_BUILD", ROOT / "build" / "dev")).resolve()
JOBS = os.cpu_count() or 2
SIMULATOR = "sendoff-sim"
# How often the time that Check gives a test by default: on a busy machine it must not run out. A hang needs less.
PATIENCE, HANG_PATIENCE = 20, 3
PROGRAM_SECONDS, SIMULATOR_SECONDS, SEEDS_AT_ONCE = 300, 600, 20
BUILDING = threading.Lock()  # two builds in one folder would not do

# What programs print of a failure while they run: Check in its TAP log, the simulator to its output.
CHECK_ENDS = re.compile(r"^(not )?ok \d+ - [^:]*:[^:]*:(\w+): (.*)$", re.MULTILINE)
SEED_FAILS = re.compile(r"^seed (\d+) fails: (.*)$", re.MULTILINE)
HANGS = "Test timeout expired"


class End(NamedTuple):
    """verdict: killed, survived or error; and by what."""
    verdict: str
    reason: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.reason}"


class Mutant:
    """A patch and what its header says."""

    def __init__(self, patch: pathlib.Path) -> None:
        self.name = patch.stem
        self.header = patch.read_text(encoding="utf-8").split("\n--- a/")[0]
        self.tests = re.findall(r"\w+_test", self._field("kills"))
        self.hangs = self._field("hangs") == "yes"
        self.seeds = self._field("sim")
        self.fuzz_targets = re.findall(r"\w+_fuzz", self._field("fuzz"))

    def _field(self, name: str) -> str:
        found = re.search(rf"^{name}: (.*)$", self.header, re.MULTILINE)
        return found[1].strip() if found else ""

    def programs(self, by_simulator: bool) -> list[str]:
        if by_simulator:
            return [SIMULATOR] if self.seeds else []
        return self.tests

    def targets(self, by_simulator: bool) -> list[str]:
        programs = self.programs(by_simulator) + ([] if by_simulator else self.fuzz_targets)
        return [f"{self.name}_{program}" for program in programs]

    def fate(self, by_simulator: bool, is_built: bool) -> End:
        """Whether its programs notice. One that was not built now may be there from an earlier build."""
        if not self.programs(by_simulator):
            return End("error", "its patch names no test")
        complaint = "" if is_built else build(self.targets(by_simulator))
        if complaint:
            return End("error", complaint)
        for program in self.programs(by_simulator):
            end = self._ask(BUILD / "tests" / "mutants" / self.name / program)
            if end.verdict != "survived":
                return end
        return End("survived", ", ".join(self.programs(by_simulator)))

    def replays(self) -> list[End]:
        """How each of its fuzz targets ends on the inputs of its corpus."""
        return [replay(BUILD / "tests" / "mutants" / self.name / target) for target in self.fuzz_targets]

    def _ask(self, program: pathlib.Path) -> End:
        if program.name == SIMULATOR:
            return run_simulator(program, self.seeds)
        return run_test(program, HANG_PATIENCE if self.hangs else PATIENCE, self.hangs)


def build(targets: list[str], failures_allowed: str = "1") -> str:
    """What the build says if it fails; 0: as many may fail as will."""
    with BUILDING:
        done = subprocess.run(["cmake", "--build", BUILD, "--target", *targets, "--", "-k", failures_allowed],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout or "the build fails" if done.returncode else ""


def target_of(program: str) -> str:
    return "sendoff_sim" if program == SIMULATOR else program


def unmutated(program: str) -> End:
    """The program as it is, which has to survive."""
    if program.endswith("_fuzz"):
        return replay(BUILD / "fuzz" / program)
    if program == SIMULATOR:
        return run_simulator(BUILD / "bin" / SIMULATOR, "0-99")
    return run_test(BUILD / "tests" / ("abi" if program.startswith("abi_") else "") / program, PATIENCE, False)


def replay(program: pathlib.Path) -> End:
    """A fuzz target, on its corpus, up to the first input that ends it."""
    corpus = ROOT / "tests" / "fuzz" / "corpus" / program.name.removesuffix("_fuzz")
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        with log.open("wb") as output:
            status, _ = _run([program, corpus], dict(os.environ), PROGRAM_SECONDS, lambda: "", output)
        has_run = re.search(r"^[1-9]\d* inputs, 0 failures$", _read(log), re.MULTILINE) is not None
    return _judge(program, status, "", has_run, may_hang=False)


def run_test(program: pathlib.Path, patience: int, may_hang: bool) -> End:
    """A program of Check's, up to its first failure."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "tap"
        environment = os.environ | {"CK_TAP_LOG_FILE_NAME": str(log), "CK_TIMEOUT_MULTIPLIER": str(patience)}

        def failure() -> str:
            for is_failed, name, text in CHECK_ENDS.findall(_read(log)):
                if is_failed and (may_hang or HANGS not in text):
                    return f"{program.name}: {name}: {text}"
            return ""

        status, reason = _run([program], environment, PROGRAM_SECONDS, failure)
        ends = CHECK_ENDS.findall(_read(log))
    return _judge(program, status, reason, bool(ends) and not any(is_failed for is_failed, _, _ in ends), may_hang)


def run_simulator(program: pathlib.Path, seeds: str) -> End:
    """The simulator, up to the first seed that fails. It tells of failures at the end of a range, hence small ones."""
    first, last = map(int, seeds.split("-"))
    for begin in range(first, last + 1, SEEDS_AT_ONCE):
        end = _run_seeds(program, f"{begin}-{min(begin + SEEDS_AT_ONCE - 1, last)}")
        if end.verdict != "survived":
            return end
    return End("survived", f"{program.name}, seeds {seeds}")


def _run_seeds(program: pathlib.Path, seeds: str) -> End:
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"

        def failure() -> str:
            found = SEED_FAILS.search(_read(log))
            return f"seed {found[1]}: {found[2]}" if found else ""

        with log.open("wb") as output:
            status, reason = _run([program, "--seeds", seeds, "--jobs", "1", "--failures", "1"], dict(os.environ),
                                  SIMULATOR_SECONDS, failure, output)
        has_run = " passed, 0 failed" in _read(log)
    return _judge(program, status, reason, has_run, may_hang=True)


def _judge(program: pathlib.Path, status: int | None, reason: str, all_passed: bool, may_hang: bool) -> End:
    if reason:
        return End("killed", reason)
    if status is None:
        return End("killed" if may_hang else "error", f"{program.name} did not end")
    if status < 0:
        return End("killed", f"{program.name} ended by {signal.Signals(-status).name}")
    if status == 0 and all_passed:
        return End("survived", program.name)
    return End("error", f"{program.name} ended with status {status} and no failure that counts")


def _run(command: list, environment: dict, seconds: int, failure, output=subprocess.DEVNULL) -> tuple[int | None, str]:
    """Runs until the end (status, ""), the first failure (None, what it is) or the time is up (None, "")."""
    deadline = time.monotonic() + seconds
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                             env=environment, start_new_session=True)
    reason = ""
    while child.poll() is None and time.monotonic() < deadline:
        reason = failure()
        if reason:
            break
        time.sleep(0.05)
    status = child.poll()
    if status is None:
        _end(child)
    return status, reason or failure()


def _end(child: subprocess.Popen) -> None:
    """By SIGTERM first, at which Check ends the test that is running, too."""
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
