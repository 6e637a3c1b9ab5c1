#!/usr/bin/env python3
"""Installs, uses, upgrades and removes the packages in a clean root. Runs as that root's root, beside this file:
checks.py, processes.py, consumers.py, consumer/, and, as soon as `ready` is there, new/ and old/ with the packages.
usage: in_clean_root.py ROOT"""
import pathlib
import shutil
import stat
import sys

import processes
from checks import Checks, expect
from consumers import Machine, expect_records, output, start_broker

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("libsendoff1", "libsendoff-dev", "sendoff-tools")
PLACE = "/var/consumer"  # removed before anything is compared
# State of dpkg, apt and ldconfig themselves, and what is mounted.
OWN_STATE = ("proc", "sys", "dev", "run", "tmp", "var/lib/dpkg", "var/lib/apt", "var/cache/apt", "var/cache/debconf",
             "var/cache/ldconfig", "var/log", "etc/ld.so.cache")


def listing(root: pathlib.Path) -> set:
    """All of the root but that state: path, mode, and size or target."""
    found = set()
    pending = [root]
    while pending:
        for path in pending.pop().iterdir():
            name = str(path.relative_to(root))
            if name in OWN_STATE:
                continue
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                pending.append(path)
                found.add((name, status.st_mode))
            elif stat.S_ISLNK(status.st_mode):
                found.add((name, str(path.readlink())))
            else:
                found.add((name, status.st_mode, status.st_size))
    return found


class CleanRoot:
    """The steps, which build on each other: the first that fails ends them."""

    def __init__(self, root: pathlib.Path, suite: Checks) -> None:
        self.root, self.suite = root, suite
        self.logs = root / "tmp"  # our own folder may be somebody else's
        self.machine = Machine(PLACE, root, {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})

    def apt(self, *arguments) -> str:
        return self.machine.output("apt-get", "-q", "-y", *arguments)

    def install(self, folder: str) -> None:
        """As a person does: apt-get install ./x.deb."""
        target = self.root / PLACE[1:] / folder
        shutil.copytree(HERE / folder, target)
        packages = sorted(f"{PLACE}/{folder}/{path.name}" for path in target.glob("*.deb"))
        expect(len(packages) == len(NAMES), f"{folder}/ has {packages}")
        self.apt("install", *packages)

    def versions(self) -> dict:
        told = self.machine.output("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Abbrev}\n", *NAMES)
        return {line.split()[0]: tuple(line.split()[1:]) for line in told.splitlines()}

    def library_files(self) -> list:
        return sorted(path.name for path in self.root.glob("usr/lib/*/libsendoff*"))

    def tell(self, program, word: str) -> None:
        """Has the running program send a line, and waits until it has."""
        program.stdin.write(f"{word}\n".encode())
        program.stdin.flush()
        log = self.logs / "old-program.log"
        processes.wait_until(lambda: f"sent {word}\n" in log.read_text() or program.poll() is not None, 40,
                             f"the program sends {word}")
        expect(f"sent {word}\n" in log.read_text(), f"the program ended: {log.read_text()}")


def check_older(world: CleanRoot):
    """Returns the broker, its address and a program that has begun to send, all of the older release; None each if
    there are none."""
    broker = address = old = None
    with world.suite.check("the packages of an older release install"):
        world.install("old")
        expect(world.versions() == {name: ("1.0.0", "ii") for name in NAMES}, f"{world.versions()}")
    with world.suite.check("a program is built with them, and sends"):
        program = world.machine.build_by_pkgconfig("sender.c", "old-program")
        broker, address = start_broker(world.machine.command("sendoff"), world.logs / "broker.log")
        with (world.logs / "old-program.log").open("w") as log:
            old = processes.start(world.machine.command(program, address, "upgraded"),
                                  stdin=processes.subprocess.PIPE, stdout=log, stderr=log)
        world.tell(old, "before")
    return broker, address, old


def check_upgrade(world: CleanRoot, address: str, old) -> None:
    version = (HERE / "ready").read_text()
    with world.suite.check("they are upgraded to these"):
        world.install("new")
        expect(world.versions() == {name: (version, "ii") for name in NAMES}, f"{world.versions()}")
        wanted = sorted(["libsendoff.a", "libsendoff.so", "libsendoff.so.1", f"libsendoff.so.{version}"])
        expect(world.library_files() == wanted, f"{world.library_files()}")
        expect("libsendoff.so.1 " in world.machine.output("ldconfig", "-p"), "ldconfig does not know the library")
        expect(version in world.machine.output("sendoff", "--version"), "the command is not the new one")
    with world.suite.check("the program of the older release sends on over the upgrade, and ends well"):
        world.tell(old, "after")
        old.stdin.close()
        expect(old.wait(60) == 0, f"it ended with {old.returncode}: {(world.logs / 'old-program.log').read_text()}")
        expect_records(address, "upgraded", "before after")
    with world.suite.check("started anew, it sends with the new library"):
        world.machine.expect_delivery(f"{PLACE}/old-program", address, "started-anew")


def check_building(world: CleanRoot, address: str) -> None:
    machine = world.machine
    with world.suite.check("a program is built by pkg-config, and sends"):
        machine.expect_delivery(machine.build_by_pkgconfig("sender.c", "by-pkgconfig"), address, "pkgconfig")
        features = machine.output(machine.build_by_pkgconfig("newer.c", "newer")).strip().split(",")
        expect({"gzip", "sasl", "tls"} <= set(features), f"what 1.1 added says {features}")
    with world.suite.check("the same with the static library"):
        program = machine.build_by_pkgconfig("sender.c", "by-pkgconfig-static", static=True)
        machine.expect_delivery(program, address, "pkgconfig-static")
    with world.suite.check("programs are built by CMake in each way, and send"):
        for program in machine.build_by_cmake("by-cmake"):
            machine.expect_delivery(program, address, program.replace("/", "-").strip("-"))
    with world.suite.check("the packaged command sends to the packaged broker"):
        (machine.path("text")).write_text("first\nsecond\n")
        machine.output("sendoff", "produce", "-b", address, "-t", "command", "-p", "0", f"{PLACE}/text")
        expect_records(address, "command", "first second")


def check_documents(world: CleanRoot) -> None:
    with world.suite.check("manuals and completions are where man and shells look, and named by the right package"):
        for path, package in (("usr/share/man/man1/sendoff.1.gz", "sendoff-tools"),
                              ("usr/share/man/man3/sendoff_send.3.gz", "libsendoff-dev"),
                              ("usr/share/bash-completion/completions/sendoff", "sendoff-tools"),
                              ("usr/share/zsh/vendor-completions/_sendoff", "sendoff-tools"),
                              ("usr/share/fish/vendor_completions.d/sendoff.fish", "sendoff-tools")):
            expect((world.root / path).exists(), f"there is no /{path}")
            owner = world.machine.output("dpkg-query", "-S", f"/{path}")
            expect(owner.startswith(package), f"/{path} is of {owner}")


def check_removal(world: CleanRoot, before: set) -> None:
    with world.suite.check("removed, the packages leave nothing of theirs"):
        files = [line for name in NAMES for line in world.machine.output("dpkg-query", "-L", name).splitlines()]
        expect(len(files) > 20, f"dpkg lists {files}")
        world.apt("remove", *NAMES)
        left = [path for path in files if not (world.root / path[1:]).is_dir() and (world.root / path[1:]).exists()]
        expect(not left, f"left: {left}")
    with world.suite.check("purged, and what came with them too, the root is as it was"):
        world.machine.output("dpkg", "--purge", *NAMES)
        world.apt("autoremove", "--purge")
        shutil.rmtree(world.root / PLACE[1:])
        after = listing(world.root)
        expect(after == before, f"left: {sorted(after - before)[:9]}, missing: {sorted(before - after)[:9]}")
        named = output("find", world.root, "-xdev", "-iname", "*sendoff*").split()
        expect(not named, f"left: {named}")


def main() -> None:
    root = pathlib.Path(sys.argv[1])
    suite = Checks()
    world = CleanRoot(root, suite)
    before = listing(root)
    shutil.copytree(HERE / "consumer", root / PLACE[1:] / "consumer")
    processes.wait_until((HERE / "ready").exists, 600, "the packages are made")
    broker, address, old = check_older(world)
    if old is None:
        suite.finish()
    check_upgrade(world, address, old)
    check_building(world, address)
    check_documents(world)
    processes.end(broker, 5)
    check_removal(world, before)
    suite.finish()


if __name__ == "__main__":
    main()
