"""A library of empty functions for a header and a symbol map: what a program is linked against, or what an ABI change
looks like, without the time that the real library takes to build."""
import os
import pathlib
import subprocess

import header

SONAME = "libsendoff.so.1"


def build(folder: pathlib.Path, symbol_map: pathlib.Path, library: pathlib.Path, *options: str) -> None:
    """folder holds sendoff/sendoff.h; library is written, with debug information."""
    source = library.with_suffix(".stub.c")
    source.write_text(source_of(header.parse(folder / "sendoff" / "sendoff.h")), encoding="ascii")
    command = [os.environ.get("CC", "cc"), "-g", "-O0", "-w", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{folder}",
               f"-Wl,--version-script={symbol_map}", f"-Wl,-soname,{SONAME}", *options, source, "-o", library]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"{source.name} does not build: {done.stderr}")


def source_of(parsed: header.Header) -> str:
    lines = ["#include <sendoff/sendoff.h>"]
    for function in parsed.functions.values():
        value = "" if function.return_type == "void" else " return 0; "
        lines.append(f"{function.declaration} {{{value}}}")
    return "\n".join(lines) + "\n"
