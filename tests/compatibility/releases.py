"""The recorded releases of the ABI (abi/baseline), and stand-ins for their libraries: what an old program saw when it
was linked, without the code."""
import pathlib
import re

import checks

BASELINES = checks.ROOT / "abi" / "baseline"
TODAY = checks.ROOT / "build" / "portable" / "lib"
ARCHIVE = TODAY / "libsendoff.a"


class Release:
    """A release: its header, its symbols, its interfaces for SWIG."""

    def __init__(self, version: tuple, includes: pathlib.Path, symbol_map: pathlib.Path, swig: pathlib.Path) -> None:
        self.version, self.includes, self.map, self.swig = version, includes, symbol_map, swig
        self.name = ".".join(map(str, version))
        self.soname = f"libsendoff.so.{version[0]}"
        self.nodes = nodes_of(symbol_map.read_text(encoding="ascii"))

    @property
    def functions(self) -> set:
        return set().union(*self.nodes.values())

    def programs(self, folder: pathlib.Path, suffix: str) -> dict:
        """{version: source} of the programs in the folder that need nothing newer than this release: program_1_0.c is
        for 1.0 and all that follow."""
        found = {tuple(map(int, re.findall(r"\d+", path.stem))): path for path in folder.glob(f"[Pp]rogram_*.{suffix}")}
        return {version: found[version] for version in sorted(found) if version <= self.version}


def nodes_of(symbol_map: str) -> dict:
    """{version node: names} of a symbol map."""
    nodes = {}
    for node, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", symbol_map, re.DOTALL):
        nodes[node] = set(re.findall(r"\bsendoff_\w+", body))
    return nodes


def recorded(baselines: pathlib.Path) -> list:
    """All recorded releases, the oldest first; and today's tree, as long as it is not recorded."""
    found = [Release(tuple(map(int, folder.name.split("."))), folder, folder / "sendoff.map", folder / "swig")
             for folder in baselines.iterdir() if re.fullmatch(r"\d+\.\d+", folder.name)]
    if today().version not in [release.version for release in found]:
        found.append(today())
    return sorted(found, key=lambda release: release.version)


def today() -> Release:
    """What is in the tree."""
    abi = checks.ROOT / "abi"
    header = (abi / "sendoff" / "sendoff.h").read_text(encoding="ascii")
    version = tuple(int(re.search(rf"#define SENDOFF_VERSION_{part} (\d+)", header)[1]) for part in ("MAJOR", "MINOR"))
    return Release(version, abi, abi / "sendoff.map", checks.ROOT / "bindings" / "swig")


def write_stub(release: Release, folder: pathlib.Path) -> list:
    """The source of a library with the release's functions, all empty, and the commands that link it in the folder."""
    folder.mkdir(parents=True)
    source = folder / "stub.c"
    source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in sorted(release.functions)))
    (folder / "libsendoff.so").symlink_to(release.soname)
    return [["cc", "-shared", "-fPIC", "-nostdlib", source, f"-Wl,-soname,{release.soname}",
             f"-Wl,--version-script={release.map}", "-o", folder / release.soname]]


def link_command(symbol_map: pathlib.Path, soname: str, target: pathlib.Path) -> list:
    """Links today's code, from the archive that the preset `portable` made, under a map and a name of its own."""
    return ["cc", "-shared", f"-Wl,-soname,{soname}", f"-Wl,--version-script={symbol_map}", "-Wl,-z,nodelete",
            "-Wl,--whole-archive", ARCHIVE, "-Wl,--no-whole-archive", "-lpthread", "-lm", "-o", target]
