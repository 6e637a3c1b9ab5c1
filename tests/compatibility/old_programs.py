"""Programs of each recorded release, built against that release alone, on today's library."""
import os
import pathlib
import re
import shutil

import builds
import checks
import processes
import releases

HERE = pathlib.Path(__file__).resolve().parent
SWIG = checks.ROOT / "scripts" / "swig"
GO = checks.ROOT / "scripts" / "go"
C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LANGUAGES = ("go", "java", "ruby")
RECORDS = 100  # what the programs of other languages send
# What the C program of a version says, and what it has sent: key, headers, value.
SAID = {(1, 0): "described\nconfigured\ncallbacks: 6 delivered, 0 not\nqueue: 10 delivered\n",
        (1, 1): "featured and staged\ncredentials given\n"}
SENT = {(1, 0): ("key|origin=old|send", "||try_send", "||send_sync", "flat|h=v|send_flat",
                 *(f"||batch-{i}." for i in range(3)), *(f"||queue-{i}" for i in range(10))),
        (1, 1): ("||staged",)}
KCAT = ["kcat", "-C", "-q", "-e", "-X", "fetch.wait.max.ms=10", "-b"]


class OldPrograms:
    """What was built of one release: its stub, a folder with it, and programs."""

    def __init__(self, release: releases.Release, place: pathlib.Path) -> None:
        self.release, self.place = release, place / release.name
        self.stub = self.place / "stub"

    def add_stub(self, work: builds.Builds) -> None:
        work.add(f"{self.release.name}/stub", releases.write_stub(self.release, self.stub))

    def add_programs(self, work: builds.Builds) -> None:
        for version, source in self.release.programs(HERE / "c", "c").items():
            command = ["cc", *C_FLAGS, f"-I{self.release.includes}", source, *self.link_options(),
                       "-o", self.c_program(version)]
            work.add(f"{self.release.name}/{source.name}", [command])
        self._add_go(work)
        self._add_java(work)
        self._add_ruby(work)

    def link_options(self) -> list:
        return [f"-L{self.stub}", "-lsendoff", "-Wl,-z,defs"]

    def c_program(self, version: tuple) -> pathlib.Path:
        return self.place / f"program_{'_'.join(map(str, version))}"

    def expect_c_program(self, version: tuple, work: builds.Builds) -> pathlib.Path:
        """The program, if it could be built."""
        program = self.c_program(version)
        work.expect(f"{self.release.name}/{program.name}.c")
        return program

    @property
    def go_program(self) -> pathlib.Path:
        return self.place / "go" / "program"

    @property
    def jni_library(self) -> pathlib.Path:
        return self.place / "java" / "libnative.so"

    @property
    def ruby_extension(self) -> pathlib.Path:
        return self.place / "ruby" / "native.so"

    def command(self, language: str) -> list:
        """What starts the program of a language; its arguments follow."""
        if language == "go":
            return [self.go_program]
        if language == "java":
            return ["java", "-XX:TieredStopAtLevel=1", f"-Dsendoff.library={self.jni_library}", "-cp",
                    self.jni_library.parent / "classes", self._newest("java", "java").stem]
        return ["ruby", "-I", self.ruby_extension.parent, self._newest("ruby", "rb")]

    def built_file(self, language: str) -> pathlib.Path:
        """Where the program's references to the library are."""
        return {"go": self.go_program, "java": self.jni_library, "ruby": self.ruby_extension}[language]

    def _newest(self, folder: str, suffix: str) -> pathlib.Path:
        """The wrappers are the release's own and no ABI: of the programs over them, one fits."""
        return list(self.release.programs(HERE / folder, suffix).values())[-1]

    def _swig(self, folder: pathlib.Path, *options) -> list:
        return [SWIG, *options, f"-I{self.release.includes}", f"-I{self.release.swig}", "-outdir", folder,
                "-o", folder / "native_wrap.c", self.release.swig / "sendoff.i"]

    def _add_go(self, work: builds.Builds) -> None:
        folder = self.go_program.parent
        native = folder / "native"
        native.mkdir(parents=True)
        (folder / "go.mod").write_text("module old.example/program\n\ngo 1.24\n")
        shutil.copy(self._newest("go", "go"), folder / "main.go")
        shutil.copy(HERE / "go" / "link.go", native)
        (native / "include").symlink_to(self.release.includes)
        (native / "lib").symlink_to(self.stub)
        work.add(f"{self.release.name}/go", [
            self._swig(native, "-go", "-cgo", "-intgosize", "64", "-package", "native"),
            [GO, "build", "-o", self.go_program, "."]], folder)

    def _add_java(self, work: builds.Builds) -> None:
        folder = self.jni_library.parent
        generated = folder / "org" / "sendoff" / "internal"
        generated.mkdir(parents=True)
        home = pathlib.Path(shutil.which("javac") or "javac").resolve().parents[1]
        includes = [f"-I{home}/include", *(f"-I{path.parent}" for path in home.glob("include/*/jni_md.h"))]
        by_hand = HERE / "java" / "org" / "sendoff" / "internal"
        work.add(f"{self.release.name}/java", [
            self._swig(generated, "-java", "-module", "SendoffNative", "-package", "org.sendoff.internal"),
            ["cc", "-shared", "-fPIC", "-fno-strict-aliasing", *includes, f"-I{self.release.includes}",
             generated / "native_wrap.c", *self.link_options(), "-o", self.jni_library],
            ["javac", "-d", folder / "classes", "-sourcepath", f"{folder}:{HERE / 'java'}",
             self._newest("java", "java"), by_hand / "NativeLibrary.java"]])

    def _add_ruby(self, work: builds.Builds) -> None:
        folder = self.ruby_extension.parent
        folder.mkdir(parents=True)
        asked = processes.run(["ruby", "-e", "puts RbConfig::CONFIG.values_at('rubyhdrdir', 'rubyarchhdrdir')"])
        includes = [f"-I{path}" for path in asked.stdout.split()]
        work.add(f"{self.release.name}/ruby", [
            self._swig(folder, "-ruby", "-prefix", "Sendoff::"),
            ["cc", "-shared", "-fPIC", *includes, f"-I{HERE / 'ruby'}", f"-I{self.release.includes}",
             folder / "native_wrap.c", HERE / "ruby" / "by_hand.c", f"-L{self.stub}", "-lsendoff",
             "-o", self.ruby_extension]])


def check(suite: checks.Checks, old: OldPrograms, work: builds.Builds, bootstrap: str) -> None:
    release = old.release
    versions = list(release.programs(HERE / "c", "c"))
    with suite.check(f"{release.name}: the C programs call each of its {len(release.functions)} functions"):
        called = set()
        for version in versions:
            called |= expect_bound_to(old.expect_c_program(version, work), release, version)
        missing = release.functions - called
        checks.expect(not missing, f"not called: {sorted(missing)}")
    for version in versions:
        name = ".".join(map(str, version))
        with suite.check(f"{release.name}: what a C program of {name} says and sends is as it was"):
            program, settings = old.expect_c_program(version, work), settings_file(old.place)
            for library, environment in (("portable", {}), ("dev", {"LD_BIND_NOW": "1"})):
                topic = f"c-{release.name}-{name}-{library}"
                said = run_on(checks.ROOT / "build" / library / "lib", [program, bootstrap, topic, settings],
                              environment)
                expect_same(said, SAID[version], "it said")
                expect_same(read_back(bootstrap, topic), SENT[version], "read back")
    for language in LANGUAGES:
        with suite.check(f"{release.name}: a {language.capitalize()} program delivers over its release's wrapper"):
            work.expect(f"{release.name}/{language}")
            expect_bound_to(old.built_file(language), release, release.version)
            expect_delivers(old, language, releases.TODAY, bootstrap, f"{language}-{release.name}")


def settings_file(place: pathlib.Path) -> pathlib.Path:
    """What the C program of 1.0 reads its settings from."""
    path = place / "old.properties"
    path.write_text("# a file of settings\nlinger.ms = 7\n")
    return path


def expect_bound_to(built: pathlib.Path, release: releases.Release, newest: tuple) -> set:
    """That a file wants the release's library, its functions under their nodes and no node newer than that. Returns
    which functions it wants."""
    dynamic = output("readelf", "-d", built)
    checks.expect(f"[{release.soname}]" in dynamic, f"{built.name} does not need {release.soname}")
    checks.expect("RPATH" not in dynamic and "RUNPATH" not in dynamic, f"{built.name} knows where its library was")
    wanted = dict(re.findall(r"^ +U (sendoff_\w+)@(SENDOFF_[\d.]+)$", output("nm", "-D", built), re.MULTILINE))
    needed = set(re.findall(r"Name: (SENDOFF_[\d.]+)", output("readelf", "--version-info", "--wide", built)))
    checks.expect(wanted and needed == set(wanted.values()), f"{built.name} needs {needed}")
    for name, node in wanted.items():
        checks.expect(name in release.nodes[node], f"{name} is not of {node}")
        version = tuple(map(int, node.removeprefix("SENDOFF_").split(".")))
        checks.expect(version <= newest, f"{built.name} needs {name} of {node}")
    return set(wanted)


def expect_delivers(old: OldPrograms, language: str, library: pathlib.Path, bootstrap: str, topic: str) -> None:
    """That the program of a language delivers with the library in that folder."""
    said = run_on(library, [*old.command(language), bootstrap, topic])
    expect_same(said, f"{RECORDS} accepted, {RECORDS} delivered\n", "it said")
    expect_same(read_back(bootstrap, topic), tuple(f"||{language}-{i}" for i in range(RECORDS)), "read back")


def run_on(library: pathlib.Path, command: list, environment: dict | None = None) -> str:
    """What a program says with the library in that folder."""
    done = processes.run(command, env=os.environ | {"LD_LIBRARY_PATH": str(library)} | (environment or {}))
    checks.expect(done.returncode == 0, f"ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def read_back(bootstrap: str, topic: str) -> tuple:
    """A topic's records in order: key, headers, value."""
    return tuple(output(*KCAT, bootstrap, "-t", topic, "-f", "%k|%h|%s\\n").splitlines())


def expect_same(found, wanted, what: str) -> None:
    checks.expect(found == wanted, f"{what} {found!r:.1500} instead of {wanted!r:.1500}")


def output(*command) -> str:
    done = processes.run(list(command))
    checks.expect(done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr}")
    return done.stdout
