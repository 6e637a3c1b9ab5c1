"""Today's library and header against every recorded release, three ways, none of which knows what the others found."""
import argparse
import os
import pathlib
import re
import sys
import typing

import abigail
import baseline
import compiled
import declarations
import symbols
from rules import RULES, Finding

WAYS = ("header", "symbols", "libabigail")


class Today(typing.NamedTuple):
    """What is compared, read once."""
    release: baseline.Release
    declared: declarations.Declared
    nodes: dict  # of the symbol map
    exports: symbols.Exports


class Recorded(typing.NamedTuple):
    """A release as it was recorded, compiled by today's compiler."""
    place: pathlib.Path
    declared: declarations.Declared
    nodes: dict


def read_today(release: baseline.Release) -> Today:
    return Today(release, declarations.read(release.include, release.compiler), symbols.read_map(release.symbol_map),
                 symbols.read_exports(release.library))


def read_recorded(place: pathlib.Path, compiler: str) -> Recorded:
    return Recorded(place, declarations.read(place, compiler), symbols.read_map(place / "sendoff.map"))


def findings_today(today: Today, ways=WAYS) -> list:
    """What needs no recorded release."""
    declared = today.declared
    return list(symbols.check_today(declared.parsed, today.nodes, today.exports,
                                    declared.measured.constants["SENDOFF_ABI_VERSION"],
                                    declared.version)) if "symbols" in ways else []


def findings_against(recorded: Recorded, today: Today, ways=WAYS) -> list:
    """The breaches of the recorded release. What could not be compared is one."""
    findings = []
    if "header" in ways:
        findings += baseline.check_recorded(recorded.place, recorded.declared)
        findings += declarations.check(recorded.declared, today.declared, today.release.compiler)
    if "symbols" in ways:
        findings += symbols.check_against(recorded.nodes, today.nodes, today.exports)
    if "libabigail" in ways:
        findings += _by_libabigail(recorded, today)
    return findings


def _by_libabigail(recorded: Recorded, today: Today) -> list:
    place, release = recorded.place, today.release
    dump = place / f"{today.exports.machine}.abi"
    what = "types are not compared"
    if not dump.exists():
        have = ", ".join(sorted(path.stem for path in place.glob("*.abi")))
        return [Finding("all-checked", dump.stem, f"{what}: {place.name} is recorded for {have} alone", abigail.BY)]
    try:
        return list(abigail.check(dump, release.library, release.include / "sendoff",
                                  baseline.size_first(recorded.declared.parsed)))
    except abigail.NotComparable as error:
        return [Finding("all-checked", dump.stem, f"{what}: {error}", abigail.BY)]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what today is."""
    root = baseline.ROOT
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", help="the build whose library is meant",
                        default=os.environ.get("SENDOFF_BUILD", root / "build" / "dev"))
    parser.add_argument("--library", type=pathlib.Path, help="default: lib/libsendoff.so of the build")
    parser.add_argument("--include", type=pathlib.Path, metavar="DIR", default=root / "abi",
                        help="where sendoff/sendoff.h is")
    parser.add_argument("--map", type=pathlib.Path, default=root / "abi" / "sendoff.map")
    parser.add_argument("--swig", type=pathlib.Path, metavar="DIR", default=root / "bindings" / "swig")


def release_of(options: argparse.Namespace) -> baseline.Release:
    build = pathlib.Path(options.build)
    library = options.library or build / "lib" / "libsendoff.so"
    if not library.exists():
        raise FileNotFoundError(f"{library} is not built: cmake --preset dev && cmake --build --preset dev")
    return baseline.Release(options.include, options.map, options.swig, library, compiler_of(build))


def compiler_of(build: pathlib.Path) -> str:
    """The one that the build uses, so that a cross build is looked at with its own sizes."""
    cache = build / "CMakeCache.txt"
    text = cache.read_text(encoding="utf-8") if cache.exists() else ""
    named = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", text, re.MULTILINE)
    return named.group(1) if named else os.environ.get("CC", "cc")


def main() -> None:
    parser = argparse.ArgumentParser(prog="abi-check", description=__doc__)
    add_options(parser)
    parser.add_argument("--baselines", type=pathlib.Path, metavar="DIR", default=baseline.FOLDER)
    parser.add_argument("--by", choices=WAYS, action="append", help="only in this way; default: in all three")
    options = parser.parse_args()
    ways = options.by or WAYS
    try:
        today = read_today(release_of(options))
        reports = [("today", findings_today(today, ways))]
        for place in baseline.all_recorded(options.baselines):
            reports.append((place.name, findings_against(read_recorded(place, today.release.compiler), today, ways)))
    except (OSError, ValueError, compiled.CompileError) as error:
        sys.exit(f"abi-check: {error}")
    sys.exit(_print(reports, len(reports) - 1))


def _print(reports: list, release_count: int) -> int:
    broken = {}
    for version, findings in reports:
        for finding in findings:
            broken[finding.rule] = RULES[finding.rule]
            print(f"FAILED  {version}: {finding}")
        if not findings:
            print(f"ok      {version}")
    for rule, text in broken.items():
        print(f"        {rule} (ABI.md): {text}")
    if not release_count:
        print("FAILED  no release is recorded")
    count = sum(len(findings) for _, findings in reports)
    print(f"abi-check: {count} breaches, {release_count} recorded releases")
    whole = sum(not findings for _, findings in reports)
    failed = len(reports) - whole + (not release_count)
    print(f"{whole} passed, {failed} failed")
    return 1 if failed else 0
