"""What libabigail says: the library's own debug information against a release's, without a look at the header's text.

It sees functions and the types that they lead to. It does not see constants (nothing leads to an enum without a name),
structs that are passed as `void *`, and `const` behind a pointer: those are for declarations.py. Its suppression
`has_data_member_inserted_at = end` would let other changes of the same struct pass, even without an insertion (2.2), so
growth at the end is recognised here in its report of leaf changes instead.
"""
import pathlib
import re
import subprocess
import tempfile

from rules import Finding

BY = "libabigail"
DUMP = ["abidw", "--drop-private-types", "--exported-interfaces-only", "--no-corpus-path", "--no-comp-dir-path",
        "--no-show-locs", "--no-elf-needed", "--type-id-style", "hash"]
DIFF = ["abidiff", "--leaf-changes-only", "--impacted-interfaces", "--no-added-syms", "--no-show-locs", "--harmless"]
FAILED, CHANGED = 1 | 2, 4  # bits of abidiff's exit status

STRUCT = re.compile(r"'struct (?P<name>\w+)' changed:")
FUNCTION = re.compile(r"  \[(?P<kind>[CD])\] 'function .*?\b(?P<name>sendoff_\w+)\(.*")
INSERTION = re.compile(r"'(?P<field>.*)', at offset (?P<offset>\d+) \(in bits\)")
SIZE = re.compile(r"type size changed from (?P<before>\d+) to (?P<after>\d+) \(in bits\)")
NO_CHANGE = re.compile(r"(Leaf changes|Changed leaf types|Removed/Changed/Added \w+) summary: .*|ELF SONAME changed|\s*"
                       r"|\d+ (Removed|Changed) functions?:|\d+ functions? with some .*sub-type changes?:")


class NotComparable(Exception):
    """The library or the dump has not what it takes."""


def dump(library: pathlib.Path, headers: pathlib.Path) -> str:
    """The types that headers (a folder) declare, as the library's debug information has them."""
    text = _run([*DUMP, "--headers-dir", headers, library])
    if "<function-decl " not in text:
        raise NotComparable(f"{library.name} has no debug information: build it with -g and without LTO (preset dev)")
    return re.sub(r"(<abi-instr [^>]*path=')[^']*/", r"\1", text)


def check(recorded: pathlib.Path, library: pathlib.Path, headers: pathlib.Path, size_first: set):
    """Findings of today's library against a recorded dump. size_first: the structs that may grow."""
    with tempfile.TemporaryDirectory() as folder:
        today = pathlib.Path(folder) / "today.abi"
        today.write_text(dump(library, headers), encoding="utf-8")
        done = subprocess.run([*DIFF, recorded, today], capture_output=True, text=True, check=False)
    if done.returncode & FAILED:
        raise NotComparable(f"abidiff ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    if done.returncode & CHANGED:
        yield from findings_of(done.stdout, size_first)


def findings_of(report: str, size_first: set):
    for first, rest in _blocks(report):
        if match := FUNCTION.fullmatch(first):
            rule, what = ("functions-stay", "is not there under its name and node any more")
            if match.group("kind") == "C":
                rule, what = ("signatures-stay", _in_short(rest))
            yield Finding(rule, match.group("name"), what, BY)
        elif match := STRUCT.fullmatch(first):
            name = match.group("name")
            if not (name in size_first and only_grows(rest)):
                rule = "structs-grow" if name in size_first else "structs-frozen"
                yield Finding(rule, name, _in_short(rest) + _users(rest), BY)
        elif first.startswith("SONAME"):
            yield Finding("soname-stays", "SONAME", _in_short([first, *rest]), BY)
        else:
            yield Finding("all-checked", "libabigail", f"says what is not understood: {_in_short([first, *rest])}", BY)


def only_grows(lines: list) -> bool:
    """True if nothing but members behind the former end came in."""
    size = SIZE.fullmatch(lines[0].strip()) if lines else None
    inserted = 0
    for line in lines[1:] if size else []:
        if "impacted interface" in line:
            return inserted > 0
        insertion = INSERTION.fullmatch(line.strip())
        if insertion and int(insertion.group("offset")) >= int(size.group("before")):
            inserted += 1
        elif not re.fullmatch(r"  \d+ data member insertions?:", line):
            return False
    return False


def _blocks(report: str):
    """(first line, lines below it that are further to the right) of each change."""
    blocks = []
    for line in report.splitlines():
        is_below = blocks and line.startswith("  ") and not FUNCTION.fullmatch(line)
        if is_below:
            blocks[-1][1].append(line)
        elif not NO_CHANGE.fullmatch(line):
            blocks.append((line, []))
    return blocks


def _in_short(lines: list) -> str:
    """The change in one line: members that changed before new ones, and without whom it concerns."""
    texts = []
    for line in lines:
        if "impacted interface" in line:
            break
        is_heading = re.fullmatch(r"there are data member changes:|\d+ data member \w+:", line.strip())
        if line.strip() and not is_heading:
            texts.append(line.strip().rstrip(":"))
    texts.sort(key=lambda text: INSERTION.fullmatch(text) is not None)
    return "; ".join(texts[:5])


def _users(lines: list) -> str:
    names = [match.group(1) for line in lines if (match := re.match(r"    function .*?\b(sendoff_\w+)\(", line))]
    return f" (used by {', '.join(names) or 'no function'})"


def _run(command: list) -> str:
    try:
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise NotComparable(f"{command[0]} is not installed") from error
    if done.returncode != 0:
        raise NotComparable(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
