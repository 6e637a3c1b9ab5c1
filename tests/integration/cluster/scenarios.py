"""The scenarios by name, with their numbers."""
import argparse
import dataclasses
from typing import Callable

import canary
import checks
import kills
import moves
import network
from rig import PROOF, Plan, Rig, Sending

NUMBERS = {
    "records": "records of each sender",
    "rate": "records a second of each sender",
    "kills": "R1: how many",
    "loops": "R2, R3: how often all brokers are restarted, or stand still",
    "stop": "R3: seconds that brokers stand still",
    "run": "R3: seconds that they run between",
    "stride": "R5: bytes from one cut to the next",
    "moves": "R6: how often leaders change",
}


def choose(full: dict, short: dict, given: argparse.Namespace) -> argparse.Namespace:
    """The numbers of one scenario: its own, but those that were given."""
    chosen = dict(short if given.short else full)
    chosen |= {name: getattr(given, name) for name in NUMBERS if getattr(given, name) is not None}
    return argparse.Namespace(**chosen, seed=given.seed)


def add_arguments(parser: argparse.ArgumentParser, names: tuple) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", default=list(names), help=" ".join(names))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1, help="of what the proxies draw")
    for name, text in NUMBERS.items():
        parser.add_argument(f"--{name}", type=int, help=text)


def describe(sending: Sending) -> str:
    return " ".join(f"{name}={value}" for name, value in (sending.found | sending.proof).items() if name != "right")


class Canary:
    numbers = short = {"records": 20_000, "rate": 4000}

    def check(self, run: checks.Checks, rig: Rig, given: argparse.Namespace) -> None:
        canary.check(run, rig, choose(self.numbers, self.short, given))


@dataclasses.dataclass
class Scenario:
    """plans: what is sent. act: what happens meanwhile; returns a few words on it, and may wait for the senders."""
    name: str
    title: str
    plans: Callable[[argparse.Namespace], list[Plan]]
    act: Callable[[Rig, list[Sending], argparse.Namespace], str]
    numbers: dict
    short: dict

    def play(self, rig: Rig, options: argparse.Namespace, plans: list[Plan]) -> tuple[str, list[Sending]]:
        """Sends, acts, waits for the ends and reads back; what the senders were, verified."""
        sendings = [rig.start(self.name, plan) for plan in plans]
        note = self.act(rig, sendings, options)
        for sending in sendings:
            sending.sender.finish(must_succeed=sending.plan.client == "sendoff")
        rig.wait_whole([name for sending in sendings for name in sending.topic_names])
        for sending in sendings:
            sending.verify()
        return note, sendings

    def check(self, run: checks.Checks, rig: Rig, given: argparse.Namespace) -> None:
        """A check for each sender, or one that failed if it did not come to that."""
        options = choose(self.numbers, self.short, given)
        sendings: list[Sending] = []
        with run.check(f"{self.name}: {self.title}") as check:
            note, sendings = self.play(rig, options, self.plans(options))
            total = {name: sum(sending.proof.get(name, 0) for sending in sendings) for name in PROOF}
            check.note = f"{note}; " + " ".join(f"{name}={value}" for name, value in total.items())
            checks.expect(any(total.values()), "nothing had to be sent again: this proves nothing")
        for sending in sendings:
            with run.check(f"{self.name}: records of {sending.plan.name}") as check:
                check.note = describe(sending)
                checks.expect(sending.is_right(), f"the verifier found {sending.found}, the sender "
                                                  f"{sending.sender.summary}, {sending.sender.errors[-5:]}")


ALL = {scenario.name: scenario for scenario in (
    Scenario("R1", "leaders are killed while they owe answers", kills.plans_r1, kills.act_r1,
             {"records": 1_000_000, "rate": 4000, "kills": 20}, {"records": 100_000, "rate": 4000, "kills": 3}),
    Scenario("R2", "brokers are restarted in turn while they owe answers", kills.plans_r2, kills.act_r2,
             {"records": 500_000, "rate": 2000, "loops": 10}, {"records": 24_000, "rate": 2000, "loops": 1}),
    Scenario("R3", "one, then two of three brokers stand still", kills.plans_r3, kills.act_r3,
             {"records": 500_000, "rate": 200, "loops": 20, "stop": 45, "run": 20},
             {"records": 10_000, "rate": 300, "loops": 1, "stop": 12, "run": 5}),
    Scenario("R4", "connections live 50 to 1500 ms, a fifth of the answers is dropped", network.plans_r4,
             network.act_r4, {"records": 1_000_000, "rate": 10_000}, {"records": 100_000, "rate": 5000}),
    Scenario("R5", "an exchange of three batches is cut at each byte", network.plans_r5, network.act_r5,
             {"stride": 1}, {"stride": 7}),
    Scenario("R6", "leaders move every 500 ms", moves.plans_r6, moves.act_r6,
             {"records": 1_000_000, "rate": 4000, "moves": 500}, {"records": 60_000, "rate": 3000, "moves": 40}),
)} | {"canary": Canary()}
