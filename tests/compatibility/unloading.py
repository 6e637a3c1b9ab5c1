"""Loading and unloading the library without end: nothing is leaked, and what was accepted is delivered."""
import pathlib
import re

import builds
import checks
import old_programs
import processes
import releases
from old_programs import HERE

ROUNDS = 1000
# How much more a process may hold after all rounds than after the first tenth: what the C library keeps of heaps and
# thread stacks for later, which is not more with each round. Resident are KiB, allocated are
# bytes: less than 37 in each round.
MAY_GROW = {"descriptors": 0, "threads": 0, "mappings": 8, "resident": 1024, "allocated": 32768}


class Unloading:
    def __init__(self, place: pathlib.Path, today: releases.Release) -> None:
        self.program, self.today = place / "load_and_unload", today
        self.library = releases.TODAY / today.soname

    def add(self, work: builds.Builds) -> None:
        work.add("load_and_unload", [["cc", *old_programs.C_FLAGS, f"-I{self.today.includes}",
                                      HERE / "c" / "load_and_unload.c", "-ldl", "-o", self.program]])

    def check(self, suite: checks.Checks, work: builds.Builds, bootstrap: str) -> None:
        with suite.check("the library stays where it is once it is loaded"):
            checks.expect("NODELETE" in old_programs.output("readelf", "-d", self.library), "it is not marked NODELETE")
        with suite.check(f"it is loaded and unloaded {ROUNDS} times and leaks nothing") as this:
            work.expect("load_and_unload")
            this.note = self._expect_bounded(ROUNDS)
        with suite.check(f"it is loaded and unloaded {ROUNDS} times with a producer each and leaks nothing") as this:
            work.expect("load_and_unload")
            this.note = self._expect_bounded(ROUNDS, bootstrap, "unloading")
            wanted = tuple(f"||round {i}" for i in range(1, ROUNDS + 1))
            old_programs.expect_same(old_programs.read_back(bootstrap, "unloading"), wanted, "read back")
        with suite.check("unloaded under an open producer it delivers at exit"):
            work.expect("load_and_unload")
            done = processes.run([self.program, self.library, 0, bootstrap, "left-open"])
            checks.expect(done.returncode == 0 and "close" in done.stderr, f"{done.returncode}: {done.stderr}")
            old_programs.expect_same(old_programs.read_back(bootstrap, "left-open"), ("||left open",), "read back")

    def _expect_bounded(self, *arguments) -> str:
        said = old_programs.output(self.program, self.library, *arguments)
        early, late = (dict(re.findall(r"(\w+) (\d+)", line)) for line in said.splitlines()[:2])
        for name, more in MAY_GROW.items():
            checks.expect(int(late[name]) <= int(early[name]) + more, f"{name} grew: {said}")
        checks.expect(said.splitlines()[2] == "stays", said)
        return ", ".join(f"{name} {early[name]}, then {late[name]}" for name in ("resident", "allocated"))
