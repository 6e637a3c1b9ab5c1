"""The relocatable tarball: unpacked in an odd folder it is used in each way, and again after it was moved."""
import pathlib
import re
import shutil

import processes
from checks import ROOT, expect
from consumers import SOURCES, Machine, output, start_broker

C_LIBRARY = re.compile(r"(libc|libm|libpthread|libdl|ld-linux[-\w]*)\.so\.\d+")
DOCUMENTS = ("README.md", "LICENSE", "THIRD-PARTY-LICENSES")
FILES = ("bin/sendoff", "include/sendoff/sendoff.h", "lib/libsendoff.a", "lib/libsendoff.so", "lib/libsendoff.so.1",
         "lib/pkgconfig/sendoff.pc", "lib/cmake/sendoff/sendoff-config.cmake", "share/man/man1/sendoff.1",
         "share/man/man3/sendoff_send.3", "share/bash-completion/completions/sendoff",
         "share/zsh/site-functions/_sendoff", "share/fish/vendor_completions.d/sendoff.fish")


def unpack(archive: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    """Returns its one folder."""
    place.mkdir(parents=True)
    output("tar", "-xzf", archive, "-C", place)
    names = [path.name for path in place.iterdir()]
    expect(names == [archive.name.removesuffix(".tar.gz")], f"it unpacks to {names}")
    return place / names[0]


def expect_complete(tree: pathlib.Path, version: str) -> None:
    wanted = [*DOCUMENTS, *FILES, f"lib/libsendoff.so.{version}"]
    missing = [name for name in wanted if not (tree / name).exists()]
    expect(not missing, f"missing: {missing}")
    for name in DOCUMENTS:
        expect((tree / name).read_text() == (ROOT / name).read_text(), f"another {name} than the project's")


def expect_c_library_alone(path: pathlib.Path, *own: str) -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", path))
    strangers = [name for name in needed if not C_LIBRARY.fullmatch(name) and name not in own]
    expect(needed and not strangers, f"{path.name} needs {needed}")


def use(tree: pathlib.Path, place: pathlib.Path, round_name: str) -> None:
    """Builds against the tree in each way and sends to its own broker."""
    shutil.copytree(SOURCES, place / "consumer", dirs_exist_ok=True)
    machine = Machine(str(place), environment={"PKG_CONFIG_PATH": tree / "lib" / "pkgconfig",
                                               "LD_LIBRARY_PATH": tree / "lib"})
    broker, address = start_broker([tree / "bin" / "sendoff"], place / "broker.log")
    programs = [machine.build_by_pkgconfig("sender.c", f"{round_name}-shared"),
                machine.build_by_pkgconfig("sender.c", f"{round_name}-static", static=True),
                machine.build_by_pkgconfig("sender.c", f"{round_name}-with-c-inside", "-static", static=True),
                *machine.build_by_cmake(f"{round_name}-cmake", f"-DCMAKE_PREFIX_PATH={tree}",
                                        cases={"default": True, "static": False})]
    for program in programs:
        machine.expect_delivery(program, address, re.sub(r"\W+", "-", program).strip("-")[-60:])
    processes.end(broker, 5)
    cache = (place / f"{round_name}-cmake" / "CMakeCache.txt").read_text()
    expect(f"sendoff_DIR:PATH={tree}/lib/cmake/sendoff" in cache, "CMake found another one")
