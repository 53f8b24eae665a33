"""The child process of a process slot: it loads the app and makes calls as a worker with one thread does, but has its
jobs from its relay, a thread of the worker process, which has the connection and the leases.

It never outlives its worker: the kernel kills it then (PR_SET_PDEATHSIG), even if a call is in C code.
"""

import ctypes
import logging
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from threading import Thread

from ayl import delivery
from ayl.chance import chance
from ayl.errors import AylError
from ayl.worker import exits, line, titles
from ayl.worker.consumer import Consumer
from ayl.worker.deadlines import Deadlines
from ayl.worker.execution import counts
from ayl.worker.line import Line
from ayl.worker.minder import Minder
from ayl.worker.outcomes import fail
from ayl.worker.parting import part
from ayl.worker.plan import Plan
from ayl.worker.process import ENDS, Stop, begin, load
from ayl.worker.relayed import RelayedSeat, RelayedSource, TalliedHeld, TalliedKeeper
from ayl.worker.tally import Tally
from ayl.worker.terms import Terms
from ayl.worker.wear import Limits, Wear, resident

log = logging.getLogger("ayl.worker")

PR_SET_PDEATHSIG = 1


def main(plan: Plan, descriptor: int, requests: int, deadlines: int, memory: int) -> int:
    """Work until told to stop; the exit code. Descriptors: this end of the line to the relay and of the socket pair for
    jobs, and the memory of its `Deadlines` and of its `Tally`.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signals = begin(plan)
    to_relay = Line.at(descriptor)
    tally = Tally(memory)
    ring = partial(to_relay.say, line.SOONER)
    terms = Terms(Deadlines(1, deadlines, ring), signals.stopping, fail, TalliedKeeper(tally, ring))
    Thread(target=_listen, args=(to_relay, signals, terms), daemon=True).start()
    jobs = socket.socket(fileno=requests)
    jobs.set_inheritable(False)
    try:
        settings = load(plan)
    except AylError as error:
        log.error("%s", error)
        return exits.CONFIG
    to_relay.say(line.LOADED)

    def worn(reason: str) -> None:
        log.info("has done enough (%s): another is to take its place", reason)
        to_relay.say(line.WORN)

    renew = partial(to_relay.say, line.RENEW)
    wear = ChildWear(plan.limits.shortened(chance()), resident, worn, renew)
    terms.titles = titles.shown(terms.running, plan.name)
    source = RelayedSource(jobs, tally, signals.request)
    terms.seat = RelayedSeat(source)
    slot = Consumer(source, signals, Minder(), wear, terms, burst=plan.burst, hold=TalliedHeld)
    try:
        return ENDS.get(slot.work(settings), exits.OK)
    finally:
        if counts.untrusted:
            log.warning("%d jobs were not to be trusted and are buried", counts.untrusted)
        delivery.close()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class ChildWear(Wear):
    """Who is asked to have another take its place asks that of its worker."""

    def __init__(
        self,
        limits: Limits,
        memory: Callable[[], int],
        worn: Callable[[str], object],
        renew: Callable[[], object],
    ) -> None:
        super().__init__(limits, memory, worn)
        self._renew = renew

    def renew(self) -> None:
        self._renew()


def _listen(to_relay: Line, signals: Stop, terms: Terms) -> None:
    """To the relay, as long as there is one."""
    while said := to_relay.hear():
        match said[0]:
            case line.STOP:
                signals.request()
            case line.LOST:
                terms.lose()
    part(exits.CUT)  # the connection is lost with the worker: others may make this call by now


if __name__ == "__main__":
    sys.exit(main(Plan.from_json(sys.argv[1]), *map(int, sys.argv[2:])))
