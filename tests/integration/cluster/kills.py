"""R1: leaders are killed. R2: all brokers are restarted in turn. R3: one, then two of three stand still.

What ends a broker does so while it owes answers to every sender: either it has written and answered, and the proxy
keeps the answers; or it stands still with the requests in its hands."""
import time

import checks
from rig import Plan, Rig, Sending

HELD_SECONDS = 0.3
SHARE_BEFORE = 0.2
PEER_SECONDS_MAX = 10  # a peer that no longer sends is not waited for
NO_TIMEOUT = {"delivery.timeout.ms": 2147483647, "max.block.ms": 86400000}
LOW_TRAFFIC_SHARE = 1000  # of the usual pace; until the end of what happens, in so many seconds at most
LOW_TRAFFIC_SECONDS_MAX = 7200
REQUEST_TIMEOUT_MAX_SECONDS = 10


def plans_r1(options) -> list[Plan]:
    return [Plan(f"in flight {in_flight}", options.records, options.rate,
                 settings=NO_TIMEOUT | {"max.in.flight.requests.per.connection": in_flight})
            for in_flight in (1, 5)]


def spread(sendings: list[Sending], times: int, act) -> None:
    """Calls act(number) so many times, each when a part of an equal share of the records is sent; the share's rest is
    sent meanwhile. One more share is for a slow machine, and for what comes after."""
    for number in range(times):
        for sending in sendings:
            sending.limit(sending.plan.records * (number + 1) // (times + 1))
            sending.most = sending.plan.records * (number + 2) // (times + 1)
        for sending in sendings:
            wait_sent(sending, int(sending.plan.records / (times + 1) * (number + SHARE_BEFORE)))
        act(number)
    for sending in sendings:
        sending.limit(sending.plan.records)


def wait_sent(sending: Sending, records: int) -> None:
    """A peer that ended, with its fatal error, or that no longer sends is not waited for."""
    sender = sending.sender
    if not sending.plan.is_peer:
        sender.wait_for(lambda: sender.sent >= records, f"record {records} is sent")
        return
    deadline = time.monotonic() + PEER_SECONDS_MAX
    while sender.is_running() and sender.sent < records and time.monotonic() < deadline:
        time.sleep(0.02)


def is_owed(sending: Sending, count) -> bool:
    """Whether answers are owed to the sender. One that has sent its share gets more to send, of the next one's."""
    sending.sender.feed(min(max(1, sending.plan.rate // 4), sending.most - sending.sender.allowed))
    return count(sending.client_id) > 0


def owe(rig: Rig, node: int, sendings: list[Sending], number: int) -> None:
    proxy = rig.proxies[node]
    if number % 2 == 0:
        proxy.hold()
        count, what = proxy.held, "answers are withheld"
    else:
        rig.cluster.pause(node)
        count, what = proxy.owed, "a frozen broker owes answers"
    own = [sending for sending in sendings if not sending.plan.is_peer]
    for sending in own:
        sending.sender.wait_for(lambda: is_owed(sending, count), f"{what} from {sending.plan.name}")
    deadline = time.monotonic() + PEER_SECONDS_MAX
    while time.monotonic() < deadline and not all(is_owed(sending, count) for sending in sendings):
        time.sleep(0.02)
    time.sleep(HELD_SECONDS)
    for sending in own:
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


def plans_r2(options) -> list[Plan]:
    slow = max(options.rate // LOW_TRAFFIC_SHARE, 1)
    return [Plan("three replicas", options.records, options.rate),
            Plan("one replica", options.records, options.rate, replication=1),
            Plan("one replica, low traffic", LOW_TRAFFIC_SECONDS_MAX * slow, slow, replication=1)]


def act_r2(rig: Rig, sendings: list[Sending], options) -> str:
    busy = [sending for sending in sendings if sending.plan.rate == options.rate]

    def restart(number: int) -> None:
        node = number % len(rig.cluster.nodes)
        owe(rig, node, busy, 0)
        rig.cluster.stop(node)
        rig.proxies[node].cut()
        bring_back(rig, node, sendings)
        rig.wait_leads(node, [sending.prefix for sending in busy])
    for sending in sendings:
        sending.limit(0 if sending in busy else sending.plan.records)
    restarts = options.loops * len(rig.cluster.nodes)
    spread(busy, restarts, restart)
    for sending in sendings:
        if sending not in busy:
            sending.stop()
    return f"{restarts} clean restarts"


def plans_r3(options) -> list[Plan]:
    timeout = options.stop * 2 // 3
    request = {"request.timeout.ms": 1000 * min(REQUEST_TIMEOUT_MAX_SECONDS, max(1, timeout // 2))}
    expiring = {"delivery.timeout.ms": 1000 * timeout, "max.block.ms": 86400000}
    return [Plan("no timeout", options.records, options.rate, settings=NO_TIMEOUT | request),
            Plan(f"delivery timeout {timeout} s", options.records, options.rate, settings=expiring | request,
                 may_expire=True)]


def act_r3(rig: Rig, sendings: list[Sending], options) -> str:
    def freeze(number: int) -> None:
        for nodes in ([number % 3], [number % 3, (number + 1) % 3]):
            for sender in (sending.sender for sending in sendings):
                sender.limit(max(sender.allowed, sender.sent + options.rate * (options.stop + options.run)))
            for node in nodes:
                rig.cluster.pause(node)
            time.sleep(options.stop)
            for node in nodes:
                rig.cluster.resume(node)
            time.sleep(options.run)
    spread(sendings, options.loops, freeze)
    return f"{options.loops} times one and two of three stood still for {options.stop} s"
