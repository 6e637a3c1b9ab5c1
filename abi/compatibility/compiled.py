"""What a compiler makes of a header: values of constants, layouts of structs, and whether two declarations are one.

Nothing is run: the values lie in a section of an object file, so that a cross compiler will do.
"""
import os
import pathlib
import re
import struct
import subprocess
import tempfile
import typing

import header

MARK = 0x53454E444F464631
SECTION = "sendoff_probe"


class Layout(typing.NamedTuple):
    size: int
    alignment: int
    fields: dict  # {name: (offset, size)}


class Measured(typing.NamedTuple):
    pointer_size: int
    constants: dict  # {name: value}
    layouts: dict  # {name of struct: Layout}


class CompileError(Exception):
    """messages: {what was compiled: what the compiler says}."""

    def __init__(self, messages: dict) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in messages.items()))
        self.messages = messages


def measure(include: pathlib.Path, parsed: header.Header, compiler: str) -> Measured:
    expressions = [("pointers", "sizeof(void *)")]
    expressions += [(name, name) for name in parsed.constants]
    for name, each in parsed.structs.items():
        expressions += [(name, f"sizeof({name})"), (name, f"_Alignof({name})")]
        for field in each.fields:
            expressions.append((f"{name}.{field}", f"offsetof({name}, {field})"))
            expressions.append((f"{name}.{field}", f"sizeof((({name} *)0)->{field})"))
    values = iter(evaluate(include, expressions, compiler))
    pointer_size = next(values)
    constants = {name: next(values) for name in parsed.constants}
    layouts = {}
    for name, each in parsed.structs.items():
        size, alignment = next(values), next(values)
        layouts[name] = Layout(size, alignment, {field: (next(values), next(values)) for field in each.fields})
    return Measured(pointer_size, constants, layouts)


def same_types(include: pathlib.Path, recorded: header.Header, today: header.Header, compiler: str) -> dict:
    """{function or struct.field that both headers have: is its type in `recorded` that in today's header, which is in
    the folder include}. Structs that both have count as the same type here: their fields are compared one by one."""
    declarations, expressions = [], []
    for name in (name for name in recorded.functions if name in today.functions):
        declarations.append((name, _as_recorded(recorded.functions[name].declaration, name)))
        expressions.append((name, _is_same(f"recorded_{name}", name)))
    for name in (name for name in recorded.structs if name in today.structs):
        declarations.append((name, _as_recorded(recorded.structs[name].declaration, name)))
        for field in recorded.structs[name].fields:
            if field in today.structs[name].fields:
                expressions.append((f"{name}.{field}",
                                    _is_same(f"((recorded_{name} *)0)->{field}", f"(({name} *)0)->{field}")))
    values = evaluate(include, expressions, compiler, declarations)
    return {name: bool(value) for (name, _), value in zip(expressions, values)}


def _as_recorded(declaration: str, name: str) -> str:
    return re.sub(rf"\b{name}\b", f"recorded_{name}", declaration) + ";"


def _is_same(one: str, other: str) -> str:
    return f"__builtin_types_compatible_p(__typeof__({one}), __typeof__({other}))"


def evaluate(include: pathlib.Path, expressions: list, compiler: str, declarations=()) -> list:
    """The values of (name, constant expression of C) after the header and (name, declaration)."""
    lines = ["#include <stddef.h>", "#include <sendoff/sendoff.h>"]
    for name, declaration in declarations:
        lines += [f'#line 1 "{name}"', declaration]
    lines.append(f'__attribute__((section("{SECTION}"), used)) const long long probe[] = {{ {MARK}')
    for name, expression in expressions:
        lines += [f'#line 1 "{name}"', f", (long long)({expression})"]
    lines.append("};")
    data = _section_of("\n".join(lines) + "\n", include, compiler)
    for order in "<", ">":
        values = struct.unpack(f"{order}{len(data) // 8}q", data)
        if values and values[0] == MARK and len(values) == len(expressions) + 1:
            return list(values[1:])
    raise ValueError(f"{compiler} made {len(data)} bytes of {len(expressions)} values")


def _section_of(source: str, include: pathlib.Path, compiler: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "probe.c").write_text(source, encoding="ascii")
        # Freestanding: the header needs no C library, and a cross compiler may have none.
        command = [compiler, "-std=gnu11", "-ffreestanding", "-w", f"-I{include.resolve()}", "-c", "probe.c"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C"})
        if done.returncode != 0:
            raise CompileError(_messages(done.stderr))
        objcopy = subprocess.run([compiler, "-print-prog-name=objcopy"], capture_output=True, text=True, check=True)
        subprocess.run([objcopy.stdout.strip(), "-O", "binary", f"--only-section={SECTION}", "probe.o", "values"],
                       cwd=place, check=True)
        return (place / "values").read_bytes()


def _messages(text: str) -> dict:
    messages = {}
    for name, message in re.findall(r"^([^:\n]+):\d+(?::\d+)?: (?:fatal )?error: (.*)$", text, re.MULTILINE):
        messages.setdefault(name, message)
    return messages or {"the header": text.strip().split("\n")[-1]}
