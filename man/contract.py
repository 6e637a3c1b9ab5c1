"""The five parts that end the comment of each function in sendoff.h, as its head describes them; and all that the
library knows about statuses.

    contract = contract.of(parsed.functions["sendoff_send"])
    contract.waits       # "for memory, at most max.block.ms; sendoff_wake ends it."
    contract.statuses    # [Status("OK", None, ""), ..., Status("INVALID_TOPIC_EXCEPTION", 17, "")]
"""
import pathlib
import re
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "abi" / "compatibility"))

import header  # noqa: E402  pylint: disable=wrong-import-position

PARTS = ("Pointers", "Threads", "Waits", "Statuses", "Since")
# What stands for more than one status.
GROUPS = {"the cluster's": "any of Kafka's codes that a broker gives for the topic",
          "a report's": "what became of the record: the status field of sendoff_report(3)"}
LISTED = re.compile(r"(?P<number>-?\d+ )?(?P<name>[^(),]+?)(?: \((?P<when>[^()]*)\))?(?:, | and |$)")
KNOWN = re.compile(r'^STATUS\((?P<number>-?\d+), (?P<name>\w+), [^"]*"(?P<text>[^"]*)"\)', re.MULTILINE)


class Status(typing.NamedTuple):
    name: str  # without SENDOFF_, or one of GROUPS
    number: typing.Optional[int]  # of Kafka's
    when: str  # "" if there is nothing to add to its text


class Contract(typing.NamedTuple):
    does: str
    pointers: str
    threads: str
    waits: str
    statuses: list
    since: str


def parse() -> header.Header:
    return header.parse(ROOT / "abi" / "sendoff" / "sendoff.h")


def of(function: header.Function) -> Contract:
    pattern = r"(?P<does>.*?)" + "".join(rf" {part}: (?P<{part.lower()}>.+?)" for part in PARTS)
    match = re.fullmatch(pattern, function.comment)
    if not match:
        missing = [part for part in PARTS if f" {part}: " not in function.comment]
        raise ValueError(f"{function.name}: its comment does not say in this order what it does, then "
                         f"{', '.join(PARTS)}" + (f"; it lacks {', '.join(missing)}" if missing else ""))
    parts = match.groupdict()
    return Contract(**{**parts, "statuses": _statuses(function.name, parts["statuses"])})


def _statuses(name: str, text: str) -> list:
    if text == "none.":
        return []
    if not text.endswith("."):
        raise ValueError(f"{name}: its statuses do not end with a full stop")
    found, at, text = [], 0, text[:-1]
    while at < len(text):
        match = LISTED.match(text, at)
        if not match:
            raise ValueError(f"{name}: its statuses are not understood from here: {text[at:]!r}")
        number = match.group("number")
        found.append(Status(match.group("name"), int(number) if number else None, match.group("when") or ""))
        at = match.end()
    return found


def known() -> dict:
    """{name: (number, text)} of every status, as the library has them."""
    text = (ROOT / "src" / "base" / "status.def").read_text(encoding="utf-8")
    joined = re.sub(r'"\s*\n\s*"', "", re.sub(r",\s*\n\s*", ", ", text))
    return {match.group("name"): (int(match.group("number")), match.group("text")) for match in KNOWN.finditer(joined)}


def faults(parsed: header.Header) -> list:
    """What is wrong with the comments of functions."""
    found, texts = [], known()
    for function in parsed.functions.values():
        try:
            contract = of(function)
        except ValueError as error:
            found.append(str(error))
            continue
        found += [f"{function.name}: {why}" for status in contract.statuses
                  for why in _status_faults(status, parsed, texts)]
        names = [status.name for status in contract.statuses]
        found += [f"{function.name}: {name} is listed twice" for name in sorted(set(names)) if names.count(name) > 1]
        if (function.return_type == "int32_t") != ("OK" in names):
            found.append(f"{function.name}: OK has to be listed by functions that return a status, and by no other")
    return found


def _status_faults(status: Status, parsed: header.Header, texts: dict) -> list:
    if status.name in GROUPS:
        return []
    if status.number is not None:
        wrong = texts.get(status.name, (None,))[0] != status.number
        return [f"{status.number} {status.name} is none of Kafka's codes"] if wrong else []
    return [] if f"SENDOFF_{status.name}" in parsed.constants else [f"the header has no SENDOFF_{status.name}"]
