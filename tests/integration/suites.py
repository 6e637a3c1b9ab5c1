"""Runs test programs that end with "N passed, M failed" one after the other and closes with the sum."""
import re
import subprocess
import sys
import time

import checks
import processes

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$")


class Suites:
    def __init__(self) -> None:
        self.passed = self.failed = 0
        self.background: list[tuple[str, subprocess.Popen]] = []

    def run(self, name: str, *arguments) -> None:
        self._collect(name, self._start(name, arguments))

    def run_in_background(self, name: str, *arguments) -> None:
        """One that mostly waits; what it says is read at the end, so it has to be short."""
        self.background.append((name, self._start(name, arguments)))

    def finish(self) -> None:
        for name, child in self.background:
            self._collect(name, child)
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)

    @staticmethod
    def _start(name: str, arguments: tuple) -> subprocess.Popen:
        program = checks.INTEGRATION / name
        program = program if program.exists() else program.with_suffix(".py")
        return processes.start([sys.executable, program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")

    def _collect(self, name: str, child: subprocess.Popen) -> None:
        """Passes the lines on. A suite without its closing line, or whose status contradicts it, counts one failure."""
        begun, closing = time.monotonic(), None
        for line in child.stdout:
            match = CLOSING.match(line)
            closing = match or closing
            if not match:
                print(line, end="", flush=True)
        status = child.wait()
        passed, failed = (int(closing[1]), int(closing[2])) if closing else (0, 1)
        if status != 0 and failed == 0:
            failed = 1
        self.passed += passed
        self.failed += failed
        print(f"{name}: {passed} passed, {failed} failed ({time.monotonic() - begun:.0f} s)", flush=True)
