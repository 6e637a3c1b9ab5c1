"""Programs of other people's: built against an installed Sendoff by pkg-config and by CMake, and run."""
import os
import pathlib
import re
import shlex

import processes
from checks import expect

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE / "consumer"
SHARED = {"default": True, "shared": True, "static": False, "explicit_shared": True, "explicit_static": False}


def output(*command, **options) -> str:
    """What a program says, which has to end well."""
    done = processes.run([str(part) for part in command], **options)
    expect(done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}: "
                                 f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def needs_library(program: pathlib.Path) -> bool:
    """Whether the program loads libsendoff when it starts."""
    return "[libsendoff.so.1]" in output("readelf", "-d", program)


def expect_one_object(archive: pathlib.Path) -> None:
    """That nothing in the archive can clash with what a program has of its own."""
    members = output("ar", "t", archive).split()
    expect(len(members) == 1, f"it has {members}")
    lines = [line.split() for line in output("nm", "-g", "--defined-only", archive).splitlines()]
    names = {line[2] for line in lines if len(line) == 3}
    strange = sorted(name for name in names if not name.startswith("sendoff_"))
    expect("sendoff_send" in names and not strange, f"too many: {strange[:5]}" if strange else "no sendoff_send")


class Machine:
    """Where programs are built and run: here, or in a root of its own by chroot. `place` is a folder as programs
    there name it, which has consumer/."""

    def __init__(self, place: str, chroot: pathlib.Path = None, environment: dict = None) -> None:
        self.place, self.chroot, self.environment = place, chroot, environment or {}

    def command(self, *parts) -> list:
        """For processes: a command line that runs there."""
        prefix = ["chroot", self.chroot] if self.chroot else []
        setting = ["env", *(f"{name}={value}" for name, value in self.environment.items())]
        return [str(part) for part in [*prefix, *setting, *parts]]

    def output(self, *parts) -> str:
        return output(*self.command(*parts))

    def path(self, name: str) -> pathlib.Path:
        """A file of place as programs here name it."""
        return pathlib.Path(f"{self.chroot or ''}{self.place}") / name

    def build_by_pkgconfig(self, source: str, program: str, *options, static: bool = False) -> str:
        """Compiles consumer/SOURCE; static: libsendoff.a instead of libsendoff.so."""
        question = "pkg-config --cflags --libs " + ("--static sendoff" if static else "sendoff")
        flags = self.output("sh", "-c", question)
        if static:
            flags = re.sub(r"-lsendoff\b", "-l:libsendoff.a", flags)
        self.output("cc", "-Wall", "-Werror", f"{self.place}/consumer/{source}", *shlex.split(flags), *options,
                    "-o", f"{self.place}/{program}")
        expect(needs_library(self.path(program)) != static, f"{program} loads another kind of library than asked for")
        return f"{self.place}/{program}"

    def build_by_cmake(self, folder: str, *settings, cases: dict = None) -> list:
        """Builds the project consumer/ and returns its programs. cases: {name: whether the shared library is to be
        loaded}."""
        cases = SHARED if cases is None else cases
        build = f"{self.place}/{folder}"
        self.output("cmake", "-S", f"{self.place}/consumer", "-B", build, f"-DCASES={';'.join(cases)}", *settings)
        self.output("cmake", "--build", build)
        for case, shared in cases.items():
            expect(needs_library(self.path(f"{folder}/bin/{case}")) == shared,
                   f"{case} loads another kind of library than asked for")
        return [f"{build}/bin/{case}" for case in cases]

    def expect_delivery(self, program: str, bootstrap: str, topic: str) -> None:
        """That the program sends two lines, and kcat reads them back."""
        done = processes.run(self.command("sh", "-c", 'printf "one\\ntwo\\n" | "$@"', "sh", program, bootstrap, topic))
        expect((done.returncode, done.stdout) == (0, "sent one\nsent two\n"),
               f"{program} ended with {done.returncode}: {done.stdout}{done.stderr}")
        expect_records(bootstrap, topic, "one two")


def expect_records(bootstrap: str, topic: str, words: str) -> None:
    read = output("kcat", "-C", "-q", "-e", "-b", bootstrap, "-t", topic, "-o", "beginning")
    expect(read.split() == words.split(), f"kcat reads {read!r} from {topic}")


def broker_address(log: pathlib.Path) -> str:
    """Where an embedded broker says that it listens, once it has."""
    found = re.search(r"listening on (127\.0\.0\.1:[1-9]\d*)", log.read_text())
    return found.group(1) if found else ""


def start_broker(command: list, log: pathlib.Path):
    """Starts `sendoff broker`; returns the process and its address."""
    with log.open("w") as stream:
        broker = processes.start([*command, "broker", "--listen", "127.0.0.1:0", "--auto-create", "1"],
                                 stdin=processes.subprocess.DEVNULL, stdout=stream, stderr=stream)
    address = processes.wait_until(lambda: broker_address(log) or broker.poll() is not None, 60, "the broker listens")
    expect(isinstance(address, str), f"the broker ended: {log.read_text()}")
    return broker, address


def clean_environment(**more) -> dict:
    """Of a program that must find its library by itself."""
    return {**{name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}, **more}
