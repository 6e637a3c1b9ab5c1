"""Two versions of the library in one process and in one folder. The second one is today's code under the name and the
version node of a major version to come."""
import os
import pathlib
import re
import shutil
import signal

import builds
import checks
import old_programs
import processes
import releases
from old_programs import HERE

NEXT_SONAME, NEXT_NODE = "libsendoff.so.2", "SENDOFF_2.0"
# What is sent in each way to end, by the library that was loaded first (0) and by the second; the exit status, and how
# many producers say at the end that they were not closed.
WAYS = {"close": ("0 begins|1 begins|1 goes on|0 begins anew", 0, 0),
        "exit": ("0 begins|1 begins", 0, 2),
        "fork": ("0 begins|1 begins|0 from the child|1 from the child|0 after the fork|1 after the fork", 0, 1),
        "signal": ("0 begins|1 begins", -signal.SIGTERM, 2)}
WHAT = {"close": "one is closed, the other goes on", "exit": "both are flushed at exit",
        "fork": "both work in a forked child", "signal": "both are flushed on a signal"}


class SideBySide:
    def __init__(self, place: pathlib.Path, today: releases.Release) -> None:
        self.place, self.today = place / "side-by-side", today
        self.next_library = self.place / f"{NEXT_SONAME}.0.0"
        self.program, self.next_program = self.place / "side_by_side", self.place / "next_program"

    def add(self, work: builds.Builds) -> None:
        self.place.mkdir()
        symbol_map = self.place / "next.map"
        symbol_map.write_text(f"{NEXT_NODE} {{ global: {'; '.join(sorted(self.today.functions))}; local: *; }};\n")
        compiler = ["cc", *old_programs.C_FLAGS, f"-I{self.today.includes}"]
        work.add("side_by_side", [[*compiler, HERE / "c" / "side_by_side.c", "-ldl", "-o", self.program]])
        work.add("next", [
            releases.link_command(symbol_map, NEXT_SONAME, self.next_library),
            [*compiler, HERE / "c" / "program_1_0.c", self.next_library, "-o", self.next_program]])

    def check(self, suite: checks.Checks, work: builds.Builds, bootstrap: str) -> None:
        pair = (releases.TODAY / self.today.soname, self.next_library)
        for way, what in WHAT.items():
            with suite.check(f"two versions in one process: {what}"):
                work.expect("side_by_side")
                work.expect("next")
                for order, libraries in (("12", pair), ("21", pair[::-1])):
                    for scope in ("local", "global"):
                        self._run(bootstrap, f"side-{way}-{order}-{scope}", [*libraries, scope, way], WAYS[way])
        self._check_folder(suite, work, bootstrap)

    def _run(self, bootstrap: str, topic: str, arguments: list, wanted: tuple) -> None:
        values, status, warnings = wanted
        done = processes.run([self.program, bootstrap, topic, *arguments])
        checks.expect(done.returncode == status, f"{topic} ended with {done.returncode}: {done.stderr}")
        said = [line for line in done.stderr.splitlines() if "close" in line]
        checks.expect(len(said) == warnings, f"{topic} said {done.stderr!r} instead of {warnings} warnings")
        found = sorted(line.removeprefix("||") for line in old_programs.read_back(bootstrap, topic))
        old_programs.expect_same(found, sorted(values.split("|")), f"{topic}: read back")

    def _check_folder(self, suite: checks.Checks, work: builds.Builds, bootstrap: str) -> None:
        """Both versions' files in one folder, their links made as the system makes them."""
        folder = self.place / "lib"
        folder.mkdir()
        today = (releases.TODAY / self.today.soname).resolve()
        for library in (today, self.next_library):
            shutil.copy(library, folder)
        with suite.check("two versions in one folder: ldconfig links each by its own name"):
            work.expect("next")
            ldconfig = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
            old_programs.output(ldconfig, "-n", folder)
            links = {path.name: os.readlink(path) for path in folder.iterdir() if path.is_symlink()}
            wanted = {self.today.soname: today.name, NEXT_SONAME: self.next_library.name}
            old_programs.expect_same(links, wanted, "links")
        programs = {self.today.soname: self.place.parent / self.today.name / "program_1_0",
                    NEXT_SONAME: self.next_program}
        for soname, program in programs.items():
            with suite.check(f"two versions in one folder: a program of {soname} runs with it"):
                needed = re.findall(r"\[(libsendoff\S+)\]", old_programs.output("readelf", "-d", program))
                old_programs.expect_same(needed, [soname], "it needs")
                topic = f"folder-{soname}"
                said = old_programs.run_on(folder, [program, bootstrap, topic, old_programs.settings_file(self.place)])
                old_programs.expect_same(said, old_programs.SAID[1, 0], "it said")
                old_programs.expect_same(old_programs.read_back(bootstrap, topic), old_programs.SENT[1, 0], "read back")
            with suite.check(f"two versions in one folder: a program of {soname} is bound to it, whatever came before"):
                other = next(name for name in programs if name != soname)
                old_programs.expect_same(bindings_of(program, folder, folder / other), {soname}, "it is bound to")


def bindings_of(program: pathlib.Path, libraries: pathlib.Path, preloaded: pathlib.Path) -> set:
    """The libraries that the loader takes a program's functions of ours from, though another one is asked first."""
    environment = {"LD_LIBRARY_PATH": str(libraries), "LD_PRELOAD": str(preloaded), "LD_BIND_NOW": "1",
                   "LD_DEBUG": "bindings"}
    done = processes.run([program, "start"], env=os.environ | environment)
    old_programs.expect_same(done.stdout, "started\n", "it said")
    found = re.findall(rf"binding file {re.escape(str(program))} .*? to (\S+) .*?symbol `sendoff_\w+'", done.stderr)
    return {pathlib.Path(path).name for path in found}
