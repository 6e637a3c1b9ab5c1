"""The scenarios by name, with their numbers."""
import argparse
import dataclasses
from typing import Callable

import canary
import checks
import incarnations
import kills
import many_topics
import moves
import network
import processes
from rig import PROOF, Plan, Rig, Sending

NUMBERS = {
    "records": "records of each sender",
    "rate": "records a second of each sender",
    "kills": "R1: how many",
    "loops": "R2, R3, R7: how often all brokers are restarted, or stand still, or a topic is made",
    "stop": "R3: seconds that brokers stand still",
    "run": "R3, R7: seconds that they run between, or that a topic lives",
    "stride": "R5: bytes from one cut to the next",
    "moves": "R6: how often leaders change",
    "topics": "R8: how many",
}


def choose(numbers: dict, given: argparse.Namespace) -> argparse.Namespace:
    """The numbers of one scenario: its own, but those that were given."""
    chosen = dict(numbers)
    chosen |= {name: getattr(given, name) for name in NUMBERS if getattr(given, name) is not None}
    return argparse.Namespace(**chosen, seed=given.seed)


def add_arguments(parser: argparse.ArgumentParser, names: tuple) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=" ".join(names))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of what the proxies draw")
    for name, text in NUMBERS.items():
        parser.add_argument(f"--{name}", type=int, help=text)


def describe(sending: Sending) -> str:
    return " ".join(f"{name}={value}" for name, value in (sending.found | sending.proof).items() if name != "right")


class Canary:
    def numbers_of(self, _given: argparse.Namespace) -> dict:
        return {"records": 10_000, "rate": 4000}

    def check(self, run: checks.Checks, rig: Rig, given: argparse.Namespace) -> None:
        canary.check(run, rig, choose(self.numbers_of(given), given))


@dataclasses.dataclass
class Scenario:
    """short: no numbers if `make test` has no time for it. plans: what is sent. act: what happens meanwhile; returns a
    few words on it, and may wait for the senders. verify: reads back and sets sending.found."""
    name: str
    title: str
    plans: Callable[[argparse.Namespace], list[Plan]]
    act: Callable[[Rig, list[Sending], argparse.Namespace], str]
    numbers: dict
    short: dict
    verify: Callable[[Rig, Sending], object] = lambda _rig, sending: sending.verify()
    needs_no_fault: bool = False

    def numbers_of(self, given: argparse.Namespace) -> dict:
        return self.short if given.short else self.numbers

    def play(self, rig: Rig, options: argparse.Namespace, plans: list[Plan]) -> tuple[str, list[Sending]]:
        """Sends, acts, waits for the ends and reads back; what the senders were, verified."""
        sendings = [rig.start(self.name, plan) for plan in plans]
        try:
            note = self.act(rig, sendings, options)
        except Exception:
            rig.heal()
            for sending in sendings:
                processes.end(sending.sender.child)
            raise
        for sending in sendings:
            sending.sender.finish(must_succeed=sending.plan.client == "sendoff")
        rig.wait_whole([name for sending in sendings for name in sending.topic_names])
        for sending in sendings:
            self.verify(rig, sending)
        return note, sendings

    def check(self, run: checks.Checks, rig: Rig, given: argparse.Namespace) -> None:
        """A check for each sender, or one that failed if it did not come to that."""
        options = choose(self.numbers_of(given), given)
        sendings: list[Sending] = []
        with run.check(f"{self.name}: {self.title}") as check:
            note, sendings = self.play(rig, options, self.plans(options))
            total = {name: sum(sending.proof.get(name, 0) for sending in sendings) for name in PROOF}
            check.note = f"{note}; " + " ".join(f"{name}={value}" for name, value in total.items())
            checks.expect(self.needs_no_fault or any(total.values()),
                          "nothing had to be sent again: this proves nothing")
        for sending in sendings:
            with run.check(f"{self.name}: records of {sending.plan.name}") as check:
                check.note = describe(sending)
                checks.expect(sending.is_right(), f"the verifier found {sending.found}, the sender "
                                                  f"{sending.sender.summary}, {sending.sender.errors[-5:]}")


ALL = {scenario.name: scenario for scenario in (
    Scenario("R1", "leaders are killed while they owe answers", kills.plans_r1, kills.act_r1,
             {"records": 1_000_000, "rate": 4000, "kills": 20}, {"records": 100_000, "rate": 5000, "kills": 3}),
    Scenario("R2", "brokers are restarted in turn while they owe answers", kills.plans_r2, kills.act_r2,
             {"records": 500_000, "rate": 2000, "loops": 10}, {"records": 24_000, "rate": 2000, "loops": 1}),
    Scenario("R3", "one, then two of three brokers stand still", kills.plans_r3, kills.act_r3,
             {"records": 500_000, "rate": 180, "loops": 20, "stop": 45, "run": 20},
             {"records": 9000, "rate": 300, "loops": 1, "stop": 8, "run": 3}),
    Scenario("R4", "connections live 50 to 1500 ms, a fifth of the answers is dropped", network.plans_r4,
             network.act_r4, {"records": 1_000_000, "rate": 10_000}, {"records": 100_000, "rate": 10_000}),
    Scenario("R5", "an exchange of three batches is cut at each byte", network.plans_r5, network.act_r5,
             {"stride": 1}, {"stride": 7}),
    Scenario("R6", "leaders move every 500 ms", moves.plans_r6, moves.act_r6,
             {"records": 1_000_000, "rate": 4000, "moves": 500}, {"records": 60_000, "rate": 3000, "moves": 40}),
    Scenario("R7", "a topic is deleted and made again, and gains partitions", incarnations.plans_r7,
             incarnations.act_r7, {"rate": 2000, "loops": 12, "run": 10}, {"rate": 2000, "loops": 3, "run": 4},
             incarnations.verify_r7),
    Scenario("R8", "ten thousand topics", many_topics.plans_r8, many_topics.act_r8,
             {"records": 1_000_000, "rate": 20_000, "topics": 10_000}, {}, needs_no_fault=True),
)} | {"canary": Canary()}
