"""Symbol maps and what a library exports, and the rules about both."""
import pathlib
import re
import struct
import subprocess
import typing

import header
from rules import Finding

BY = "symbols"
NODE = re.compile(r"(?P<name>[\w.]+)\s*\{(?P<body>[^}]*)\}\s*(?P<before>[\w.]*)\s*;")
MACHINES = {3: "i386", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


class Exports(typing.NamedTuple):
    symbols: frozenset  # of (name, node); node is "" without one
    soname: str
    machine: str  # as `uname -m` has it


def read_map(path) -> dict:
    """{function: node}."""
    text = re.sub(r"/\*.*?\*/|#[^\n]*", "", pathlib.Path(path).read_text(encoding="ascii"), flags=re.DOTALL)
    nodes = {}
    for match in NODE.finditer(text):
        shown = match.group("body").split("local:")[0]
        for name in re.findall(r"(\w+)\s*;", shown):
            if name in nodes:
                raise ValueError(f"{path}: {name} is listed twice")
            nodes[name] = match.group("name")
    if not nodes or NODE.sub("", text).strip():
        raise ValueError(f"{path}: no symbol map: {NODE.sub('', text).strip()[:60]!r}")
    return nodes


def read_exports(library) -> Exports:
    """By readelf, which reads libraries of any architecture."""
    symbols = set()
    for line in readelf("--dyn-syms", library).splitlines():
        parts = line.split()
        # Number, value, size, type, binding, visibility, section and name; the nodes themselves are absolute.
        if len(parts) >= 8 and parts[4] not in ("LOCAL", "Bind") and parts[6] not in ("UND", "ABS"):
            name, _, node = parts[7].partition("@")
            symbols.add((name, node.lstrip("@")))
    soname = re.search(r"\(SONAME\).*\[(.*)\]", readelf("--dynamic", library))
    return Exports(frozenset(symbols), soname.group(1) if soname else "", machine_of(library))


def readelf(option: str, library) -> str:
    done = subprocess.run(["readelf", "--wide", option, str(library)], capture_output=True, text=True, check=True)
    return done.stdout


def machine_of(library) -> str:
    with open(library, "rb") as source:
        start = source.read(20)
    if start[:4] != b"\x7fELF":
        raise ValueError(f"{library}: no ELF file")
    number, = struct.unpack_from("<H" if start[5] == 1 else ">H", start, 18)
    return MACHINES.get(number, f"machine-{number}")


def version_of(node: str) -> tuple:
    """(1, 10) of "SENDOFF_1.10", which is newer than (1, 9)."""
    match = re.fullmatch(r"SENDOFF_(\d+)\.(\d+)", node)
    if not match:
        raise ValueError(f"{node}: no version node of ours")
    return int(match.group(1)), int(match.group(2))


def check_today(parsed: header.Header, nodes: dict, exports: Exports, abi_version: int, version: tuple):
    """Findings that need no baseline: header, map and library are of one mind."""
    exported = {name for name, _ in exports.symbols}
    for names, what in ((parsed.functions.keys() - nodes.keys(), "declared in the header, not in the symbol map"),
                        (nodes.keys() - parsed.functions.keys(), "in the symbol map, not declared in the header"),
                        (nodes.keys() - exported, "in the symbol map, not exported by the library"),
                        (exported - nodes.keys(), "exported by the library, not in the symbol map")):
        yield from (Finding("exports-exact", name, what, BY) for name in sorted(names))
    for name, node in sorted(exports.symbols):
        if name in nodes and node != nodes[name]:
            yield Finding("exports-exact", name, f"is under {node or 'no node'}, in the map under {nodes[name]}", BY)
    for node in sorted(set(nodes.values()), key=version_of):
        if version_of(node) > version[:2]:
            names = ", ".join(sorted(name for name in nodes if nodes[name] == node))
            yield Finding("nodes-new", names, f"under {node}, but the version is {'.'.join(map(str, version))}", BY)
    if exports.soname != f"libsendoff.so.{abi_version}":
        yield Finding("soname-stays", "SENDOFF_ABI_VERSION", f"is {abi_version}, the library's SONAME is "
                      f"{exports.soname or 'none'}", BY)


def check_against(recorded: dict, nodes: dict, exports: Exports):
    """Findings about the functions of one release, whose map is recorded."""
    exported = {name for name, _ in exports.symbols}
    newest = max(recorded.values(), key=version_of)
    for name, node in recorded.items():
        if name not in exported:
            yield Finding("functions-stay", name, "is not exported any more", BY)
        elif (name, node) not in exports.symbols:
            found = ", ".join(sorted(other for each, other in exports.symbols if each == name))
            yield Finding("nodes-stay", name, f"was released under {node} and is exported under {found or 'none'}", BY)
        if name in nodes and nodes[name] != node:
            yield Finding("nodes-stay", name, f"was released under {node} and is listed under {nodes[name]}", BY)
    for name in sorted(nodes.keys() - recorded.keys()):
        if version_of(nodes[name]) <= version_of(newest):
            yield Finding("nodes-new", name, f"is new under {nodes[name]}, but that node is released without it", BY)
