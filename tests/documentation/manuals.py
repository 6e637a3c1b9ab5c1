"""The manual pages: that they are well-formed, that those of commands have the options of --help, and that the example
of sendoff(3) works."""
import pathlib
import re

import checks
import help as command_help
import processes

PAGES = checks.ROOT / "man"
FLAG = re.compile(r"^\.It Fl (?:(?P<letter>\w) , Fl )?-(?P<name>[\w-]+)(?P<rest>.*)$", re.MULTILINE)


def make(folder: pathlib.Path, header: pathlib.Path = checks.ROOT / "abi" / "sendoff" / "sendoff.h") -> None:
    done = processes.run([PAGES / "make-pages", header, folder])
    checks.expect(done.returncode == 0, done.stderr)


def complaints(page: pathlib.Path) -> str:
    """What mandoc and groff find in it, or what they do not print of it."""
    lint = processes.run(["mandoc", "-Tlint", "-Wwarning", page])
    printed = processes.run(["groff", "-ww", "-mandoc", "-Tutf8", "-P-bcou", page])
    empty = "" if "DESCRIPTION" in printed.stdout else f"{page.name}: groff prints no description\n"
    return lint.stdout + lint.stderr + printed.stderr + empty


def options_of(text: str) -> set:
    return {command_help.Option(f"-{match['letter']}" if match["letter"] else "", f"--{match['name']}",
                                " Ar " in match["rest"]) for match in FLAG.finditer(text)}


def commands_of(text: str) -> set:
    return set(re.findall(r"^\.It Cm (\w+)$", text, re.MULTILINE))


def references_of(text: str) -> set:
    """Names like sendoff_send.3 that it sends readers to."""
    return {f"{name}.{section}" for name, section in re.findall(r"^\.Xr(?: [(\"])? (\S+) (\d)", text, re.MULTILINE)}


def example_of(text: str) -> str:
    literal = re.search(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", text.partition(".Sh EXAMPLES\n")[2],
                        re.MULTILINE | re.DOTALL)
    checks.expect(literal, "there is no example")
    return literal.group(1).replace(r"\e", "\\")


def run_example(text: str, place: pathlib.Path, bootstrap: str) -> str:
    """Compiles it as strictly as can be, runs it, and returns what it says."""
    source, program = place / "example.c", place / "example"
    source.write_text(example_of(text), encoding="ascii")
    library = command_help.program().parents[1] / "lib"
    strict = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    built = processes.run(["cc", *strict, f"-I{checks.ROOT}/abi", source, "-o", program, f"-L{library}", "-lsendoff",
                           f"-Wl,-rpath,{library}"])
    checks.expect(built.returncode == 0, f"it does not compile: {built.stderr}")
    done = processes.run([program, bootstrap])
    checks.expect(done.returncode == 0, f"it ended with {done.returncode}: {done.stderr}")
    return done.stdout
