"""The rules about what a header declares: today's header against a release's, both as the compiler understands them."""
import pathlib
import re
import typing

import compiled
import header
from rules import Finding

BY = "header"
VERSION = ("SENDOFF_VERSION_MAJOR", "SENDOFF_VERSION_MINOR", "SENDOFF_VERSION_PATCH")


class Declared(typing.NamedTuple):
    """A header: its folder (that of sendoff/sendoff.h), its text and what a compiler makes of it."""
    include: pathlib.Path
    parsed: header.Header
    measured: compiled.Measured

    @property
    def version(self) -> tuple:
        return tuple(self.measured.constants[name] for name in VERSION)


def read(include: pathlib.Path, compiler: str) -> Declared:
    parsed = header.parse(include / "sendoff" / "sendoff.h")
    return Declared(include, parsed, compiled.measure(include, parsed, compiler))


def check(recorded: Declared, today: Declared, compiler: str):
    """Findings. Of several that one change makes, only the first cause: not each field that an inserted one moves."""
    try:
        same = compiled.same_types(today.include, recorded.parsed, today.parsed, compiler)
    except compiled.CompileError as error:
        for name, message in error.messages.items():
            rule = _struct_rule(recorded, name) if name in recorded.parsed.structs else "signatures-stay"
            yield Finding(rule, name, f"as it was released it no longer compiles: {message}", BY)
        return
    yield from _check_functions(recorded.parsed, today.parsed, same)
    for name in recorded.parsed.structs:
        users = _users_text(recorded.parsed, name)
        for field, what in _struct_breaches(recorded, today, name, same):
            yield Finding(_struct_rule(recorded, name), f"{name}.{field}" if field else name, what + users, BY)
    yield from _check_constants(recorded, today)


def _check_functions(recorded: header.Header, today: header.Header, same: dict):
    for name, function in recorded.functions.items():
        if name not in today.functions:
            yield Finding("functions-stay", name, "is not declared any more", BY)
        elif not same[name]:
            yield Finding("signatures-stay", name, f"was `{function.declaration}` and is "
                          f"`{today.functions[name].declaration}`", BY)


def _struct_rule(recorded: Declared, name: str) -> str:
    return "structs-grow" if recorded.parsed.structs[name].is_size_first else "structs-frozen"


def _struct_breaches(recorded: Declared, today: Declared, name: str, same: dict):
    """(field or "", what) of one struct."""
    if name not in today.parsed.structs:
        return [("", "is not declared any more")]
    before, after = recorded.measured.layouts[name], today.measured.layouts[name]
    breaches = []
    for field, (_, size) in before.fields.items():
        if field not in after.fields:
            breaches.append((field, "is not there any more"))
        elif not same[f"{name}.{field}"]:
            was, now = (each.parsed.structs[name].fields[field].type for each in (recorded, today))
            breaches.append((field, f"was `{was}`, {size} bytes, and is `{now}`, {after.fields[field][1]} bytes"))
    for field, (offset, _) in after.fields.items():
        if field not in before.fields and not (recorded.parsed.structs[name].is_size_first and offset >= before.size):
            breaches.append((field, f"is new at offset {offset}, inside the {before.size} bytes that were released"
                             if offset < before.size else f"is new behind the {before.size} bytes that it is for ever"))
    return breaches or _moves(before, after, recorded.parsed.structs[name].is_size_first)


def _moves(before: compiled.Layout, after: compiled.Layout, may_grow: bool) -> list:
    """What the fields themselves do not explain."""
    breaches = []
    for field, (offset, _) in before.fields.items():
        if after.fields[field][0] != offset:
            breaches.append((field, f"moved from offset {offset} to {after.fields[field][0]}"))
    if not breaches and after.alignment != before.alignment:
        breaches.append(("", f"was aligned to {before.alignment} and is to {after.alignment} bytes"))
    if not breaches and (after.size < before.size if may_grow else after.size != before.size):
        breaches.append(("", f"was {before.size} bytes and is {after.size}"))
    return breaches


def users_of(parsed: header.Header, struct_name: str) -> list:
    """The functions that take or return the struct: by a parameter first, then inside of another struct. If there are
    none (it lies in a buffer), those that its comment names."""
    def uses(text: str) -> bool:
        return re.search(rf"\b{struct_name}\b", text) is not None

    users = [name for name, function in parsed.functions.items() if uses(function.declaration)]
    for name, each in parsed.structs.items():
        if name != struct_name and any(uses(field.type) for field in each.fields.values()):
            users += users_of(parsed, name)
    if not users:
        named = re.findall(r"\bsendoff_\w+", parsed.structs[struct_name].comment)
        users = [name for name in named if name in parsed.functions]
    return list(dict.fromkeys(users))


def _users_text(parsed: header.Header, struct_name: str) -> str:
    return f" (used by {', '.join(users_of(parsed, struct_name)) or 'no function'})"


def _check_constants(recorded: Declared, today: Declared):
    for name, value in recorded.measured.constants.items():
        if name not in today.measured.constants:
            yield Finding("constants-stay", name, "is not there any more", BY)
        elif name not in VERSION and today.measured.constants[name] != value:
            yield Finding("constants-stay", name, f"was {value} and is {today.measured.constants[name]}", BY)
    if all(name in today.measured.constants for name in VERSION) and today.version < recorded.version:
        texts = [".".join(map(str, each.version)) for each in (recorded, today)]
        yield Finding("versions-rise", VERSION[0], f"the release was {texts[0]}, the header says {texts[1]}", BY)
