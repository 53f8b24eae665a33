"""One worker process: load the app, then take a job, run it, settle it, until told to stop.

Signals only record; the loop acts. SIGTERM or SIGINT while a call runs lets it finish; while it waits, ends the
wait. When the supervisor dies, its end of the line closes and the worker stops as for SIGTERM, with the same grace.
"""

import faulthandler
import logging
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Protocol

from ayl import delivery, loading
from ayl.chance import chance
from ayl.engines import orders_for, source_for, watch_for
from ayl.engines.base import Source
from ayl.errors import AylError
from ayl.settings import Settings
from ayl.worker import deliveries, exits, line, logbook, rest, titles
from ayl.worker.consumer import Consumer
from ayl.worker.deadlines import Deadlines
from ayl.worker.execution import Next, counts
from ayl.worker.line import Line
from ayl.worker.liveness import Liveness
from ayl.worker.minder import Minder
from ayl.worker.outcomes import fail
from ayl.worker.parting import part
from ayl.worker.plan import Plan
from ayl.worker.reports import Reports
from ayl.worker.reports import Slots as Reported
from ayl.worker.slots import Bell, CannotGoOn, either, work_side_by_side
from ayl.worker.terms import Terms
from ayl.worker.wear import Wear, resident

log = logging.getLogger("ayl.worker")

ENDS = {Next.RETIRE: exits.RETIRED, Next.QUIET: exits.QUIET, Next.EMPTY: exits.EMPTY}
"""Why its slots have ended, when nobody told them to, and the exit code for it."""


class Stopping:
    """What calls see of a stop. No threading.Event: a signal's handler could not set that while it is waited for."""

    def __init__(self) -> None:
        self._is_set = False
        self._reader, self._writer = os.pipe()

    def set(self) -> None:
        """For good. Called by a signal's handler."""
        if not self._is_set:
            self._is_set = True
            os.write(self._writer, b"!")

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.select(timeout)
        return self._is_set


class Stop:
    """Remembers that a signal asked to stop, and makes a descriptor readable for whoever waits."""

    def __init__(self) -> None:
        self.requested = False
        self.stopping = Stopping()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def install(self) -> None:
        """Take over SIGTERM and SIGINT, and forget signals that were a call's own affair."""
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._record)
        for number in (signal.SIGTSTP, signal.SIGHUP):  # a terminal sends them to all; they are the supervisor's
            signal.signal(number, lambda *_: None)

    def fileno(self) -> int:
        """Readable once a signal has come."""
        return self._reader.fileno()

    def wait(self, seconds: float) -> None:
        """Wait this long, or until a signal comes."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(seconds)

    def request(self) -> None:
        """As a signal does. May be said by any thread."""
        self._record()
        with suppress(BlockingIOError):
            self._writer.send(b"!")

    def _record(self, *_: object) -> None:
        self.requested = True
        self.stopping.set()


class Slots(Reported, Protocol):
    """The same, as their process sees them."""

    def work(self, settings: Settings) -> Next:
        """Until told to stop, or by a message to end."""

    def give_back(self) -> bool:
        """At once, all that is in hand; whether calls were cut off. Called by another thread."""


def main(plan: Plan, descriptor: int, memory: int) -> int:
    """Work until told to stop; the exit code. `descriptor`: this end of the line to the supervisor; `memory`: that of
    its `Deadlines`.
    """
    signals = begin(plan)
    to_supervisor = Line.at(descriptor)
    workers: list[Slots] = []
    reports: list[Reports] = []  # once there is anything to tell
    threading.Thread(
        target=_listen, args=(to_supervisor, plan.grace, workers, reports), name="ayl line", daemon=True
    ).start()
    bell = Bell(signals.stopping.set)
    stop = signals if plan.slots == plan.threads == 1 else bell
    deadlines = Deadlines(plan.slots, memory, partial(to_supervisor.say, line.SOONER))
    terms = Terms(deadlines, signals.stopping, fail)
    wake_up = either(stop, terms.alone)
    try:
        settings = load(plan)
        tubes = plan.tubes or settings.tubes(plan.lanes)
        log.info("takes jobs from %s", ", ".join(tubes))
        connected = partial(to_supervisor.say, line.CONNECTED)
        watch = watch_for(tubes, plan.shares, strict=plan.strict)
        connect = partial(source_for, settings, watch, linked=connected)
        connect(wake_up.fileno()).close()  # so that settings that make no sense are told now
        sources = [connect(wake_up.fileno()) for _ in range(plan.threads)]
    except AylError as error:
        log.error("%s", error)
        return exits.CONFIG
    to_supervisor.say(line.LOADED, f"{', '.join(tubes)}\n{settings.engine}")
    deliveries.begin(settings)
    minder = Minder()

    def worn(reason: str) -> None:
        log.info("has done enough (%s): another is to take its place", reason)
        to_supervisor.say(line.WORN)

    wear = Wear(plan.limits.shortened(chance()), resident, worn)
    terms.titles = titles.shown(terms.running, plan.name)
    workers += [Consumer(source, stop, minder, wear, terms, burst=plan.burst) for source in sources]
    reports.append(Reports(workers, terms.running, lambda: wear.jobs + sum(other.ended for other in terms.others)))
    Liveness(workers, settings.timeout, partial(part, exits.STUCK)).begin()
    try:
        with ExitStack() as stack:
            workers += _others(plan, connect, bell, wear, terms, stack)
            slots = [partial(worker.work, settings) for worker in workers]
            after = slots[0]() if stop is signals else work_side_by_side(slots, signals, bell)
        return ENDS.get(after, exits.OK)
    except CannotGoOn as error:
        log.critical("%s", error)
        return error.exit_code
    finally:
        if counts.untrusted:
            log.warning("%d jobs were not to be trusted and are buried", counts.untrusted)
        for source in sources:
            source.close()
        deliveries.end()
        delivery.close()  # what calls have sent with; Python that winds up could not do it any more
        # While Python winds up, its handlers are gone already; a reminder must not kill what is ending well.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _others(
    plan: Plan, connect: Callable[..., Source], bell: Bell, wear: Wear, terms: Terms, stack: ExitStack
) -> list[Slots]:
    """The slots that are no threads; most workers have none, and need nothing that is loaded here."""
    made: list[Slots] = []
    if plan.coroutines:
        from ayl.worker.coroutines import Coroutines  # asyncio takes long to load
        from ayl.worker.loop import Loop

        loop = stack.enter_context(Loop())
        wake_up = stack.enter_context(either(bell, terms.alone))
        pooled = partial(connect, wake_up.fileno(), orders=orders_for(plan.coroutines))
        made.append(Coroutines(plan.coroutines, pooled, bell, loop, wear, terms, burst=plan.burst))
    if plan.processes:
        from ayl.worker.relay import Relay

        made += [Relay(plan.of_a_child(), connect, bell, wear, terms) for _ in range(plan.processes)]
    return made


def begin(plan: Plan) -> Stop:
    """First of all: what is heard of the process, and what it hears."""
    logbook.begin(plan.log_level, plan.name)
    faulthandler.enable()  # what crashes in C tells where
    signals = Stop()
    signals.install()
    return signals


def load(plan: Plan) -> Settings:
    """Import what registers the calls that may be made; the settings. Raises AylError."""
    settings = loading.load(plan.app_path, plan.require)
    rest.declare()
    return settings


def _listen(to_supervisor: Line, grace: float | None, workers: Sequence[Slots], reports: Sequence[Reports]) -> None:
    """To the supervisor, as long as there is one."""
    while words := to_supervisor.hear():
        if line.ASK in words and reports:
            to_supervisor.say(line.REPORT, reports[0].now())
        if line.GIVE_BACK in words:
            _give_back(workers)
    os.kill(os.getpid(), signal.SIGTERM)
    if grace is not None:
        time.sleep(grace)
        _give_back(workers)


def _give_back(workers: Sequence[Slots]) -> None:
    """The calls that run are cut off, and nobody is to wait for them: their jobs go back as if never taken.

    The process ends with them, because a call that is in C cannot be ended otherwise.
    """
    cut = [worker.give_back() for worker in workers]
    if any(cut):
        log.warning("cut off what ran and gave it back: the grace is over")
        part(exits.CUT)


if __name__ == "__main__":
    sys.exit(main(Plan.from_json(sys.argv[1]), *map(int, sys.argv[2:])))
