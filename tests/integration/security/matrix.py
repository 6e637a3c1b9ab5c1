"""Bad cases, a row of a table each: what the broker does wrong, which settings the client has, and the words in which
the library has to refuse. The cases run side by side, each with a broker and a program of its own."""
import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import checks
import processes
from security.fake_broker import Behaviour, FakeBroker

SIDE_BY_SIDE = 6
WAIT_MS = 30_000  # how long a failure may take to come; a case that works does not wait


@dataclasses.dataclass
class Outcome:
    """What connect_report printed, and what the broker counted."""
    lines: list
    broker: FakeBroker
    endpoint: FakeBroker | None
    errors: str  # on stderr

    def of(self, what: str) -> list:
        return [line for line in self.lines if line["what"] == what]

    def logged(self) -> list:
        return [line["text"] for line in self.of("log")]

    def __str__(self) -> str:
        shown = [f"{line['what']} {line['status']}: {line['text']}" for line in self.lines]
        return "\n    ".join([*shown, *(f"broker: {error}" for error in self.broker.errors[:3]), self.errors.strip()])


@dataclasses.dataclass
class Case:
    """A row. `status` and all of `words` are expected where the place says:

    "login"    in the error of sendoff_connect, in the event AUTHENTICATION_FAILED and in a log line
    "connect"  in the error of sendoff_connect and in a log line, and there is no such event
    "create"   in the error of sendoff_create, or of sendoff_config_set
    "token"    in the error of sendoff_set_token
    "good"     the broker is connected to, and a log line has the words
    """
    name: str
    place: str
    status: str
    words: tuple = ()
    broker: dict = dataclasses.field(default_factory=dict)    # fields of Behaviour
    settings: dict = dataclasses.field(default_factory=dict)  # None: not set
    options: tuple = ()  # added to the ground's
    is_bare: bool = False  # the ground's options do not count
    not_words: tuple = ()  # must not be in any line
    also: Callable | None = None  # a check of the outcome
    spoil: dict = dataclasses.field(default_factory=dict)  # canary of a good case: what is wrong in the broker
    endpoint: dict = dataclasses.field(default_factory=dict)  # fields of the token endpoint's Behaviour


@dataclasses.dataclass
class Ground:
    """What all cases of a table have in common, and what is right: settings and broker of the good case."""
    broker: dict
    settings: dict  # "{endpoint}" in them stands for the endpoint's port
    options: tuple = ()
    endpoint: dict | None = None  # None: there is none


class Running:
    """A case that was started."""

    def __init__(self, case: Case, ground: Ground, place: pathlib.Path, canary: bool) -> None:
        self.case, self.begun, self.endpoint = case, time.monotonic(), None
        fault = {} if canary else case.broker
        fault = case.spoil if canary and case.place == "good" else fault
        self.stack = contextlib.ExitStack()
        with self.stack:
            self.broker = self.stack.enter_context(FakeBroker(Behaviour(**{**ground.broker, **fault})))
            endpoint_port = 0
            if ground.endpoint is not None:
                wrong = {} if canary else case.endpoint
                self.endpoint = self.stack.enter_context(FakeBroker(Behaviour(**{**ground.endpoint, **wrong})))
                endpoint_port = self.endpoint.port
            host = self.broker.behaviour.host
            settings = {"bootstrap.servers": f"{host}:{self.broker.port}", "log.level": 7, **ground.settings}
            if not canary or case.place == "good":
                settings.update(case.settings)
            options = () if case.is_bare and not canary else ground.options
            if not canary or case.place == "good":
                options += case.options
            pairs = [f"{name}={value}".replace("{endpoint}", str(endpoint_port)) for name, value in settings.items()
                     if value is not None]
            events = ("--events", 1) if case.place == "login" and not canary else ()
            self.output = tempfile.TemporaryFile(mode="w+", dir=place)
            self.child = processes.start([checks.program("connect_report"), WAIT_MS, *events, *options, *pairs],
                                         stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)
            self.stack = self.stack.pop_all()

    def is_done(self) -> bool:
        return self.child.poll() is not None or time.monotonic() - self.begun > 3 * WAIT_MS / 1000

    def end(self) -> Outcome:
        ended = self.child.poll()
        processes.end(self.child)
        self.stack.close()
        self.output.seek(0)
        text = self.output.read().splitlines()
        self.output.close()
        lines = [json.loads(line) for line in text if line.startswith("{")]
        errors = "\n".join(line for line in text if not line.startswith("{"))
        outcome = Outcome(lines, self.broker, self.endpoint, errors)
        checks.expect(ended == 0, f"exit status {ended} of connect_report\n    {outcome}")
        return outcome


def judge(case: Case, outcome: Outcome) -> None:
    connects, events = outcome.of("connect"), outcome.of("event")
    if case.place == "create":
        refused = outcome.of("set") + outcome.of("create")
        checks.expect(refused, f"it was not refused\n    {outcome}")
        expect_words(case, refused[0]["text"], "the error", outcome)
        checks.expect(refused[0]["status"] == case.status, f"the status is {refused[0]['status']}\n    {outcome}")
        return
    if case.place == "token":
        tokens = outcome.of("token")
        checks.expect(tokens, f"no token was wanted\n    {outcome}")
        expect_words(case, tokens[0]["text"], "the token's error", outcome)
        checks.expect(tokens[0]["status"] == case.status, f"the status is {tokens[0]['status']}\n    {outcome}")
        return
    checks.expect(connects, f"there was nothing to connect with\n    {outcome}")
    if case.place == "good":
        checks.expect(connects[0]["status"] == "OK", f"it does not work\n    {outcome}")
        expect_in_some(case, outcome.logged(), "log line", outcome)
    else:
        checks.expect(connects[0]["status"] == "TIMED_OUT", f"connect said {connects[0]['status']}\n    {outcome}")
        expect_words(case, connects[0]["text"], "connect's error", outcome)
        expect_in_some(case, outcome.logged(), "log line", outcome)
        checks.expect(bool(events) == (case.place == "login"), f"{len(events)} events\n    {outcome}")
    if case.place == "login":
        expect_words(case, events[0]["text"], "the event", outcome)
        checks.expect(events[0]["status"] == case.status, f"the event's status is {events[0]['status']}\n    {outcome}")
    if case.also:
        case.also(outcome)


def expect_words(case: Case, text: str, where: str, outcome: Outcome) -> None:
    missing = [word for word in case.words if word.lower() not in text.lower()]
    checks.expect(not missing, f"{where} lacks {missing}: {text}\n    {outcome}")


def expect_in_some(case: Case, texts: list, what: str, outcome: Outcome) -> None:
    if case.words:
        found = any(all(word.lower() in text.lower() for word in case.words) for text in texts)
        checks.expect(found, f"no {what} has {case.words}\n    {outcome}")


def keeps_quiet(case: Case, outcome: Outcome) -> None:
    for line in outcome.lines:
        told = [word for word in case.not_words if word in line["text"]]
        checks.expect(not told, f"a line tells {told}: {line}")


def run(rows: list, place: pathlib.Path, run_checks: checks.Checks, canary: bool = False) -> None:
    """rows: (ground, case). With canary every fault is switched off, and a case passes if it notices."""
    waiting, running = list(rows), []
    while waiting or running:
        while waiting and len(running) < SIDE_BY_SIDE:
            ground, case = waiting.pop(0)
            running.append(Running(case, ground, place, canary))
        done = [each for each in running if each.is_done()]
        running = [each for each in running if each not in done]
        for each in done:
            finish(each, run_checks, canary)
        if not done:
            time.sleep(0.01)


def finish(each: Running, run_checks: checks.Checks, canary: bool) -> None:
    with run_checks.check(f"{'canary: ' if canary else ''}{each.case.name}") as check:
        outcome = each.end()
        check.begun = each.begun
        if canary:
            checks.expect(is_noticed(each.case, outcome), f"passes without its fault\n    {outcome}")
            works = each.case.place == "good" or [line["status"] for line in outcome.of("connect")] == ["OK"]
            checks.expect(works, f"what is right does not work\n    {outcome}")
            return
        judge(each.case, outcome)
        keeps_quiet(each.case, outcome)
        refused = outcome.of("set") + outcome.of("create") + outcome.of("connect")
        check.note = refused[0]["text"]


def is_noticed(case: Case, outcome: Outcome) -> bool:
    try:
        judge(case, outcome)
    except AssertionError:
        return True
    return False


def main_of(name: str, cases: Callable) -> None:
    """The main of a table: cases is called with a folder for what it makes."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    run_checks = checks.Checks()
    with checks.Workplace(name) as place:
        rows = [(ground, case) for ground, case in cases(place)
                if not words or any(word in case.name for word in words)]
        names = [case.name for _, case in rows]
        checks.expect(len(set(names)) == len(names), "two cases have the same name")
        run(rows, place, run_checks, "--canary" in sys.argv)
    run_checks.finish()
