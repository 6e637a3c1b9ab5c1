"""R1: leaders are killed. Each kill falls while that broker owes answers to every sender: either it has written and
answered, and the proxy keeps the answers; or it stands still with the requests in its hands."""
import time

import checks
from rig import Plan, Rig, Sending

HELD_SECONDS = 0.3


def plans_r1(options) -> list[Plan]:
    return [Plan(f"in flight {in_flight}", options.records, options.rate,
                 settings={"max.in.flight.requests.per.connection": in_flight, "delivery.timeout.ms": 2147483647})
            for in_flight in (1, 5)]


def spread(sendings: list[Sending], times: int, act) -> None:
    """Calls act(number) times, in the middle of an equal share of the records each; the share's rest is sent while it
    lasts."""
    for number in range(times):
        for sending in sendings:
            share = sending.plan.records / times
            sending.limit(int(share * (number + 1)))
        for sending in sendings:
            due = int(sending.plan.records / times * (number + 0.5))
            sending.sender.wait_for(lambda: sending.sender.sent >= due, f"record {due} is sent")
        act(number)
    for sending in sendings:
        sending.limit(sending.plan.records)


def owe(rig: Rig, node: int, sendings: list[Sending], number: int) -> None:
    proxy = rig.proxies[node]
    if number % 2 == 0:
        proxy.hold()
        count, what = proxy.held, "answers are withheld"
    else:
        rig.cluster.pause(node)
        count, what = proxy.owed, "a frozen broker owes answers"
    for sending in sendings:
        sending.sender.wait_for(lambda: count(sending.client_id) > 0, f"{what} from {sending.plan.name}")
    time.sleep(HELD_SECONDS)
    for sending in sendings:
        checks.expect(proxy.owed(sending.client_id) > 0, "the broker no longer owes answers")


def bring_back(rig: Rig, node: int, sendings: list[Sending]) -> None:
    rig.cluster.restart(node)
    rig.proxies[node].open()
    rig.wait_whole([name for sending in sendings for name in sending.topic_names])


def act_r1(rig: Rig, sendings: list[Sending], options) -> str:
    def kill(number: int) -> None:
        node = rig.busiest_leader(sendings[number % len(sendings)].prefix)
        owe(rig, node, sendings, number)
        rig.cluster.kill(node)
        rig.proxies[node].cut()
        bring_back(rig, node, sendings)
    spread(sendings, options.kills, kill)
    return f"{options.kills} kills"
