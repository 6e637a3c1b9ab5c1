"""R4: connections live 50 to 1500 ms, and a fifth of the answers never arrives though the broker has written. R5: an
exchange of three batches is cut at each of its bytes."""
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
        sending.limit(sending.plan.records)
    for sending in sendings:
        sending.sender.finish()
    rig.tell("life", 0, 0)
    rig.tell("drop", 0)
    done = {name: value - before[name] for name, value in rig.tally().items()}
    checks.expect(done["dropped"] * 100 >= 10 * done["produce_answers"] and done["ended"] > 10,
                  f"too little happened: {done}")
    return (f"{done['ended']} connections ended, {done['dropped']} of {done['produce_answers']} answers dropped; "
            f"the proxies took {done['cpu_ms']} ms of CPU")


# Records larger than a batch: each is a batch, and a request, of its own.
R5_SETTINGS = {"batch.size": 1, "linger.ms": 0, "retry.backoff.ms": 1, "reconnect.backoff.ms": 1,
               "reconnect.backoff.max.ms": 5}
R5_BATCHES = 3
R5_RECORDS_MAX = 60_000
# Records differ in length, so an exchange may be over before the byte that it should be cut at.
R5_MISSES = 40
R5_CUTS_MIN = {"cut_request": 600, "cut_answer": 150}


def plans_r5(_options) -> list[Plan]:
    return [Plan("", R5_RECORDS_MAX, 1_000_000, partitions=1, settings=R5_SETTINGS)]


def exchange(sending: Sending) -> None:
    """Three batches, sent at once and delivered."""
    due = sending.sender.sent + R5_BATCHES
    sending.limit(due)
    sending.sender.wait_for(lambda: sending.sender.delivered == due, f"{due} records are delivered")


def cut_everywhere(rig: Rig, sending: Sending, side: str, stride: int) -> int:
    """Exchanges that are cut after 1, 1 + stride, ... bytes of what goes in that direction, until they are over
    before it; returns how many were."""
    cuts = misses = 0
    at = 1
    while misses < R5_MISSES:
        proxy = rig.proxies[rig.busiest_leader(sending.prefix)]
        before = proxy.tally()["cut"]
        getattr(proxy, side)(at)
        exchange(sending)
        if proxy.tally()["cut"] > before:
            cuts, misses, at = cuts + 1, 0, at + stride
        else:
            proxy.reset()
            misses, at = misses + 1, at + 1
    checks.expect(cuts * stride >= R5_CUTS_MIN[side], f"only {cuts} exchanges were cut by {side}")
    return cuts


def act_r5(rig: Rig, sendings: list[Sending], options) -> str:
    sending = sendings[0]
    exchange(sending)
    cuts = {side: cut_everywhere(rig, sending, side, options.stride) for side in R5_CUTS_MIN}
    sending.stop()
    return f"cut at {cuts['cut_request']} places of requests and {cuts['cut_answer']} of answers"
