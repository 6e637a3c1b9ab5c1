"""Recorded releases, abi/baseline/VERSION: writing and reading them. README.md there says what each file is."""
import pathlib
import re
import shutil
import typing

import abigail
import compiled
import declarations
import header
import symbols
from rules import Finding

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "abi" / "baseline"
LANGUAGES = ("sendoff", "go", "java", "ruby")
CONSTANTS_HEAD = "# What a compiler made of sendoff/sendoff.h: constants, and layouts with {}-byte pointers.\n"


class Release(typing.NamedTuple):
    """What a release is made of. By default what is in the working tree and its build for development."""
    include: pathlib.Path  # holds sendoff/sendoff.h
    symbol_map: pathlib.Path
    swig: pathlib.Path  # holds sendoff.i, go.i, java.i, ruby.i
    library: pathlib.Path
    compiler: str


class Refused(Exception):
    """What was recorded stays."""


def all_recorded(folder: pathlib.Path = FOLDER) -> list:
    """The folders of all releases, the oldest first."""
    found = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return sorted(found, key=lambda path: symbols.version_of(f"SENDOFF_{path.name}"))


def record(release: Release, changelog: pathlib.Path, folder: pathlib.Path = FOLDER) -> pathlib.Path:
    """Writes abi/baseline/MAJOR.MINOR. One that exists gets another architecture's dump; it is written anew only if it
    is the newest and the changelog says that it is not released."""
    declared = declarations.read(release.include, release.compiler)
    place = folder / ".".join(map(str, declared.version[:2]))
    exports = symbols.read_exports(release.library)
    breaches = list(symbols.check_today(declared.parsed, symbols.read_map(release.symbol_map), exports,
                                        declared.measured.constants["SENDOFF_ABI_VERSION"], declared.version))
    if breaches:
        raise Refused(f"header, map and library are not of one release: {breaches[0]}")
    dump = abigail.dump(release.library, release.include / "sendoff")
    if place.exists() and not _is_of(place, release):
        _expect_unreleased(place, all_recorded(folder)[-1], changelog)
        shutil.rmtree(place)
    (place / "sendoff").mkdir(parents=True, exist_ok=True)
    (place / "swig").mkdir(exist_ok=True)
    shutil.copyfile(release.include / "sendoff" / "sendoff.h", place / "sendoff" / "sendoff.h")
    shutil.copyfile(release.symbol_map, place / "sendoff.map")
    for name in LANGUAGES:
        shutil.copyfile(release.swig / f"{name}.i", place / "swig" / f"{name}.i")
    if not (place / "constants").exists() or declared.measured.pointer_size == 8:
        (place / "constants").write_text(constants_text(declared.measured), encoding="ascii")
    (place / f"{exports.machine}.abi").write_text(dump, encoding="utf-8")
    return place


def _is_of(place: pathlib.Path, release: Release) -> bool:
    pairs = [(place / "sendoff" / "sendoff.h", release.include / "sendoff" / "sendoff.h"),
             (place / "sendoff.map", release.symbol_map)]
    pairs += [(place / "swig" / f"{name}.i", release.swig / f"{name}.i") for name in LANGUAGES]
    return all(recorded.read_bytes() == today.read_bytes() for recorded, today in pairs)


def _expect_unreleased(place: pathlib.Path, newest: pathlib.Path, changelog: pathlib.Path) -> None:
    if place != newest:
        raise Refused(f"{place.name} is recorded, and {newest.name} after it")
    if not re.search(rf"^## \[Unreleased\] {re.escape(place.name)}\.\d+$", changelog.read_text(encoding="utf-8"),
                     re.MULTILINE):
        raise Refused(f"{place.name} is recorded, and {changelog.name} does not have it as unreleased")


def constants_text(measured: compiled.Measured) -> str:
    lines = [f"{name} {value}" for name, value in measured.constants.items()]
    for name, layout in measured.layouts.items():
        lines.append(f"{name} size {layout.size} alignment {layout.alignment}")
        lines += [f"{name}.{field} offset {offset} size {size}" for field, (offset, size) in layout.fields.items()]
    return CONSTANTS_HEAD.format(measured.pointer_size) + "\n".join(lines) + "\n"


def check_recorded(place: pathlib.Path, recorded: declarations.Declared):
    """Findings if the recorded header is no longer what was recorded."""
    written = (place / "constants").read_text(encoding="ascii").splitlines()
    made = constants_text(recorded.measured).splitlines()
    if written[0] != made[0]:  # pointers of another size: layouts differ, constants do not
        written, made = ([line for line in lines if line.startswith("SENDOFF_")] for lines in (written, made))
    for line in sorted(set(written) ^ set(made)):
        where, elsewhere = ("recorded", "in the header") if line in written else ("in the header", "recorded")
        yield Finding("baselines-stay", line.split()[0], f"`{line}` is {where}, not {elsewhere}", declarations.BY)


def size_first(parsed: header.Header) -> set:
    return {name for name, each in parsed.structs.items() if each.is_size_first}
