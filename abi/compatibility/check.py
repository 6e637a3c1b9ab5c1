"""Today's library and header against every recorded release, three ways, none of which knows what the others found."""
import argparse
import os
import pathlib
import re
import sys

import abigail
import baseline
import compiled
import declarations
import symbols
from rules import RULES, Finding

WAYS = ("header", "symbols", "libabigail")


def findings_today(release: baseline.Release, ways=WAYS) -> list:
    """What needs no recorded release."""
    if "symbols" not in ways:
        return []
    today = declarations.read(release.include, release.compiler)
    return list(symbols.check_today(today.parsed, symbols.read_map(release.symbol_map),
                                    symbols.read_exports(release.library),
                                    today.measured.constants["SENDOFF_ABI_VERSION"], today.version))


def findings_against(place: pathlib.Path, release: baseline.Release, ways=WAYS) -> list:
    """The breaches of the release that is recorded in place. What could not be compared is one."""
    recorded = declarations.read(place, release.compiler)
    findings = []
    if "header" in ways:
        findings += baseline.check_recorded(place, recorded)
        today = declarations.read(release.include, release.compiler)
        findings += declarations.check(recorded, today, release.compiler)
    if "symbols" in ways:
        findings += symbols.check_against(symbols.read_map(place / "sendoff.map"), symbols.read_map(release.symbol_map),
                                          symbols.read_exports(release.library))
    if "libabigail" in ways:
        findings += _by_libabigail(place, release, baseline.size_first(recorded.parsed))
    return findings


def _by_libabigail(place: pathlib.Path, release: baseline.Release, size_first: set) -> list:
    dump = place / f"{symbols.machine_of(release.library)}.abi"
    if not dump.exists():
        have = ", ".join(sorted(path.stem for path in place.glob("*.abi")))
        return [Finding("all-checked", dump.stem, f"types are not compared: {place.name} is recorded for {have} alone",
                        abigail.BY)]
    try:
        return list(abigail.check(dump, release.library, release.include / "sendoff", size_first))
    except abigail.NotComparable as error:
        return [Finding("all-checked", dump.stem, f"types are not compared: {error}", abigail.BY)]


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
        release = release_of(options)
        places = baseline.all_recorded(options.baselines)
        reports = [("today", findings_today(release, ways))]
        reports += [(place.name, findings_against(place, release, ways)) for place in places]
    except (OSError, ValueError, compiled.CompileError) as error:
        sys.exit(f"abi-check: {error}")
    sys.exit(_print(reports, len(places)))


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
    return 1 if count or not release_count else 0
