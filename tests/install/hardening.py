"""What makes a library or program of ours hard to misuse, read from the file as it is installed; and files that lack
all of it, to see that each lack is found."""
import json
import os
import pathlib
import re

from checks import expect
from consumers import output

WEAK_SOURCE = """
#include <stdio.h>
#include <string.h>
#ifdef WRITABLE_CODE
__asm__(".section .rewritten,\\"awx\\",%progbits\\n.zero 64\\n.previous");
#endif
#ifdef TEXT_RELOCATION
__asm__(".text\\n.balign 8\\n.quad weak");
#endif
static const char *const words[] = {"one", "two"};
int weak(const char *text, int index) {
  char copy[64];
  strcpy(copy, text);
  return puts(copy) + puts(words[index]);
}
int main(int argc, char **argv) { return weak(argv[0], argc - 1); }
"""
# Lack -> what the compiler and linker are told to make it; each file has that lack, whatever else.
WEAK_LIBRARY = ("-shared", "-fPIC", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-Wl,-z,norelro", "-Wl,-z,lazy",
                "-Wl,-z,execstack", "-Wl,-rpath,/opt/elsewhere")
WEAK_FILES = {
    "no RELRO": WEAK_LIBRARY,
    "binds late": WEAK_LIBRARY,
    "executable stack": WEAK_LIBRARY,
    "no stack protector": WEAK_LIBRARY,
    "no fortified call": WEAK_LIBRARY,
    "searches /opt/elsewhere": WEAK_LIBRARY,
    "no PIE": ("-no-pie", "-fno-pie"),
    "TEXTREL": ("-shared", "-fPIC", "-DTEXT_RELOCATION", "-Wl,-z,notext"),
    "writable and executable segment": ("-shared", "-fPIC", "-DWRITABLE_CODE"),
}


def weaknesses(path: pathlib.Path, run_path: str = "") -> list:
    """What is wrong with a library or program; run_path: the only place where it may search for libraries."""
    segments = output("readelf", "-W", "--program-headers", path)
    dynamic = output("readelf", "-W", "--dynamic", path)
    names = output("readelf", "-W", "--dyn-syms", path)
    kind = re.search(r"Elf file type is (\w+)", segments).group(1)
    searched = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", dynamic)
    stack = re.search(r"^\s*GNU_STACK\s.*", segments, re.MULTILINE)
    loads = re.findall(r"^\s*LOAD(?:\s+0x[0-9a-f]+){5}\s+(\S.*?)\s+0x", segments, re.MULTILINE)
    found = {
        "no RELRO": "GNU_RELRO" not in segments,
        "binds late": not re.search(r"\(BIND_NOW\)|FLAGS.*(BIND_NOW|NOW)", dynamic),
        "executable stack": stack is None or "E" in re.sub(r"GNU_STACK|0x[0-9a-f]+", "", stack.group()),
        "no stack protector": "__stack_chk_fail" not in names,
        "no fortified call": not re.search(r"__\w+_chk@", names),
        "no PIE": kind != "DYN",
        "TEXTREL": "TEXTREL" in dynamic,
        "writable and executable segment": any("W" in flags and "E" in flags for flags in loads),
        "no segment is loaded": not loads,
    }
    return [name for name, wrong in found.items() if wrong] + [f"searches {path}" for path in searched
                                                               if path != run_path]


def expect_hard(path: pathlib.Path, run_path: str = "") -> None:
    found = weaknesses(path, run_path)
    expect(not found, f"{path.name}: {', '.join(found)}")


def weak_file(lack: str, place: pathlib.Path) -> pathlib.Path:
    """A file with this lack; PIE and late binding are switched on or off by what the distribution makes default."""
    source, target = place / "weak.c", place / "weak"
    source.write_text(WEAK_SOURCE)
    output(os.environ.get("CC", "cc"), "-O2", "-w", *WEAK_FILES[lack], source, "-o", target)
    return target


def unfortified(build: pathlib.Path) -> list:
    """Sources of ours that a release build compiles without FORTIFY_SOURCE=3; fails if it compiles none."""
    commands = json.loads((build / "compile_commands.json").read_text())
    ours = [each for each in commands if re.search(r"/(src|abi)/[^/]+(/[^/]+)*\.c$", each["file"])]
    expect(len(ours) > 50, f"{build.name} compiles {len(ours)} sources of ours")
    return sorted({each["file"] for each in ours if "-D_FORTIFY_SOURCE=3" not in each["command"].split()})
