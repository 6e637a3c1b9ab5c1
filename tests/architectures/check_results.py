"""What Check said in a run of ctest, with the checks left out that an emulator cannot run."""
import pathlib
import re
import xml.etree.ElementTree

COUNT = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.MULTILINE)
FAILURE = re.compile(r"^.+?:-?\d+:[A-Z]:[^:]+:(\w+):\d+: .*", re.MULTILINE)

# Program and check: why qemu-user cannot run it. What is here is neither counted as passed nor as failed.
CANNOT_BE_EMULATED = {
    (program, check): "qemu ends the child of a fork at its first thread"
    for program, check in (("fork_guard_test", "a_child_makes_producers_of_its_own"),
                           ("fork_guard_test", "a_grandchild_owns_neither"),
                           ("shutdown_signals_test", "a_childs_own_producers_are_ended_as_well"))
} | {("secret_test", "core_dumps_leave_secrets_out"): "qemu does not tell the kernel what is to be left out of dumps"}


class Results:
    """Counts over all programs; complaints and exceptions are lines to print."""

    def __init__(self, report: pathlib.Path, emulated: bool) -> None:
        self.passed = self.failed = 0
        self.complaints, self.exceptions = [], []
        self.counts = {}  # program: its checks
        self.allowed = CANNOT_BE_EMULATED if emulated else {}
        for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
            ended_well = case.get("status") == "run" and case.find("failure") is None
            self._add(case.get("name"), case.findtext("system-out") or "", ended_well)
        if self.passed + self.failed == 0:
            self._complain("nothing was tested", 1)

    def _add(self, program: str, output: str, ended_well: bool) -> None:
        counts = [tuple(map(int, match)) for match in COUNT.findall(output)]
        if not counts:
            self._complain(f"{program}: printed no count: {output[-300:]}", 1)
            return
        checks, failures = sum(count[0] for count in counts), sum(count[1] + count[2] for count in counts)
        lines = list(FAILURE.finditer(output))
        excepted = [line.group(1) for line in lines if (program, line.group(1)) in self.allowed]
        self.exceptions += [f"{program}: {check}: {self.allowed[program, check]}" for check in excepted]
        self.counts[program] = checks
        self.passed += checks - failures
        bad = failures - len(excepted)
        if bad > 0 or (not ended_well and failures == 0):
            self._complain("\n".join(f"{program}: {line.group(0)}" for line in lines if line.group(1) not in excepted)
                           or f"{program}: ended badly: {output[-300:]}", max(bad, 1))

    def _complain(self, text: str, failed: int) -> None:
        self.complaints.append(text)
        self.failed += failed
