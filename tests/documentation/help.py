"""What the command says of itself."""
import pathlib
import re
import typing

import checks
import processes

OPTION = re.compile(r"  (?:-(?P<letter>\w)|  )[, ] (?:--(?P<name>[\w-]+))?(?: (?P<argument>[^ a-z]\S*))?(?: |$)")
SETTING = re.compile(r"(?P<name>[a-z][a-z0-9.]*)=.*  \((?P<type>\w+)(?:, (?P<allowed>.*))?\)")
COMMANDS = ("produce", "perf", "broker")


class Option(typing.NamedTuple):
    letter: str  # "-b", or ""
    name: str  # "--brokers"
    takes_argument: bool


def commands() -> list:
    return re.findall(r"^  (\w+) ", _said("--help"), re.MULTILINE)


def options(command: str) -> list:
    lines = _said(command, "--help").partition("\nOptions:\n")[2].partition("\n\n")[0].splitlines()
    matches = [match for match in map(OPTION.match, lines) if match and match["name"]]
    return [Option(f"-{match['letter']}" if match["letter"] else "", f"--{match['name']}", bool(match["argument"]))
            for match in matches]


def words(command: str) -> set:
    """Every spelling of its options."""
    return {word for option in options(command) for word in (option.letter, option.name) if word}


def settings() -> dict:
    """{name: its values, [] if they are many}."""
    found = {}
    for match in map(SETTING.fullmatch, _said("produce", "-X", "list").splitlines()):
        if match:
            few = match["type"] in ("enumeration", "boolean")
            found[match["name"]] = match["allowed"].split(", ") if few else []
    return found


def program() -> pathlib.Path:
    return checks.sendoff_command()


def _said(*arguments: str) -> str:
    done = processes.run([program(), *arguments])
    checks.expect(done.returncode == 0, f"sendoff {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout
