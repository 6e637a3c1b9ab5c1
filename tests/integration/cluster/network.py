"""R4: connections live 50 to 1500 ms, and a fifth of the answers never arrives though the broker has written."""
import checks
from rig import Plan, Rig, Sending

LIFE_MS = (50, 1500)
DROP_PERCENT = 20


def plans_r4(options) -> list[Plan]:
    return [Plan("", options.records, options.rate, settings={"delivery.timeout.ms": 2147483647})]


def act_r4(rig: Rig, sendings: list[Sending], _options) -> str:
    before = rig.tally()
    rig.tell("life", *LIFE_MS)
    rig.tell("drop", DROP_PERCENT)
    rig.tell("reset")
    for sending in sendings:
        sending.sender.finish()
    rig.tell("life", 0, 0)
    rig.tell("drop", 0)
    done = {name: value - before[name] for name, value in rig.tally().items()}
    checks.expect(done["dropped"] * 100 >= 10 * done["produce_answers"] and done["ended"] > 10,
                  f"too little happened: {done}")
    return f"{done['ended']} connections ended, {done['dropped']} of {done['produce_answers']} answers dropped"
