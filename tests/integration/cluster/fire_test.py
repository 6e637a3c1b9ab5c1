#!/usr/bin/env python3
"""fire_test.py [SCENARIO ...] [--short] [--records N] [--kills N] [--rate R] [--seed S]
A cluster of three nodes under fire, and an independent verifier: nothing lost, doubled, out of order, misrouted,
corrupt or made up, every report right and there once. README.md says what each scenario does. Without numbers each
has its own: those of the reference, or with --short those that `make test` has time for. A run in which no batch had
to be sent again, no answer was OUT_OF_ORDER and no outcome had to be found out has proved nothing, and fails."""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import checks  # noqa: E402  pylint: disable=wrong-import-position
import scenarios  # noqa: E402  pylint: disable=wrong-import-position
from rig import Rig  # noqa: E402  pylint: disable=wrong-import-position


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    scenarios.add_arguments(parser, tuple(scenarios.ALL))
    return parser.parse_args()


def main() -> None:
    options = parse()
    run = checks.Checks()
    with checks.Workplace("fire") as place, Rig(place, options.seed) as rig:
        for name in options.scenarios or [name for name, each in scenarios.ALL.items() if each.numbers_of(options)]:
            scenarios.ALL[name].check(run, rig, options)
    run.finish()


if __name__ == "__main__":
    main()
