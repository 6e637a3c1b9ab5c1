"""Programs of a newer release on the library of an older one: those that need what came later are refused when they
start, by name; the others run."""
import os
import pathlib
import re

import builds
import checks
import old_programs
import processes
import releases
from old_programs import OldPrograms


def add_library(old: OldPrograms, work: builds.Builds) -> None:
    """A library that works and has no more than the release's symbols: today's code under that release's map."""
    folder = library_of(old)
    folder.mkdir()
    work.add(f"{old.release.name}/library",
             [releases.link_command(old.release.map, old.release.soname, folder / old.release.soname)])


def library_of(old: OldPrograms) -> pathlib.Path:
    return old.place / "library"


def check(suite: checks.Checks, old: OldPrograms, newer: OldPrograms, work: builds.Builds, bootstrap: str) -> None:
    pair = f"{newer.release.name} on {old.release.name}"
    library = library_of(old)
    missing = set(newer.release.nodes) - set(old.release.nodes)
    for version in newer.release.programs(old_programs.HERE / "c", "c"):
        starts = version <= old.release.version
        name = ".".join(map(str, version))
        with suite.check(f"{pair}: a C program that needs {name} {'works' if starts else 'is refused'}"):
            work.expect(f"{old.release.name}/library")
            program = newer.expect_c_program(version, work)
            if starts:
                expect_works(newer, old, version, bootstrap)
            else:
                expect_refused(library, [program], missing)
                expect_refused(library, [program], missing, {"LD_BIND_NOW": "1"})
    for language in old_programs.LANGUAGES:
        wants = "says what it misses" if missing else "works"
        with suite.check(f"{pair}: a {language.capitalize()} program over the newer wrapper {wants}") as this:
            work.expect(f"{newer.release.name}/{language}")
            if missing:
                said = expect_refused(library, [*newer.command(language), bootstrap, "nowhere"], missing)
                this.note = re.sub(r"\S*/", "", next(line for line in said.splitlines() if "not found" in line))
            else:
                topic = f"{language}-{pair.replace(' ', '-')}"
                old_programs.expect_delivers(newer, language, library, bootstrap, topic)


def expect_works(newer: OldPrograms, old: OldPrograms, version: tuple, bootstrap: str) -> None:
    """That a program of that version, built in the newer release, starts with the bare symbols of the old one, and
    delivers with a library that has no more than those."""
    program = newer.c_program(version)
    for environment in ({}, {"LD_BIND_NOW": "1"}):
        old_programs.expect_same(old_programs.run_on(old.stub, [program, "start"], environment), "started\n", "it said")
    topic = f"c-{program.name}-of-{newer.release.name}-on-{old.release.name}"
    settings = old_programs.settings_file(newer.place)
    said = old_programs.run_on(library_of(old), [program, bootstrap, topic, settings])
    old_programs.expect_same(said, old_programs.SAID[version], "it said")
    old_programs.expect_same(old_programs.read_back(bootstrap, topic), old_programs.SENT[version], "read back")


def expect_refused(library: pathlib.Path, command: list, nodes: set, environment: dict | None = None) -> str:
    """That the program does not start with that library, and says which of the version nodes is missing. Returns what
    it said."""
    done = processes.run(command, env=os.environ | {"LD_LIBRARY_PATH": str(library)} | (environment or {}))
    checks.expect(done.returncode != 0 and done.stdout == "", f"it ran: {done.returncode} {done.stdout}")
    named = set(re.findall(r"version `(SENDOFF_[\d.]+)' not found", done.stderr))
    checks.expect(named and named <= nodes and str(library) in done.stderr, f"said {done.stderr}")
    return done.stderr
