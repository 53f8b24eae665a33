"""One slot: takes jobs, makes their calls, settles."""

import logging
from time import monotonic
from typing import Protocol

from ayl.engines.base import Lease, Source
from ayl.errors import Unreachable
from ayl.settings import Settings
from ayl.worker.execution import Next, execute
from ayl.worker.hand import Hand, Held, Hold
from ayl.worker.minder import Minder
from ayl.worker.portion import IN_HAND_SECONDS, Portion
from ayl.worker.terms import Terms
from ayl.worker.wear import Wear

log = logging.getLogger("ayl.worker")

RECONNECT_SECONDS = 1.0
"""Between two tries to reach a server that does not answer."""


class Stop(Protocol):
    """Who tells a slot to stop."""

    requested: bool

    def install(self) -> None:
        """See to it that signals are heard, whatever the last call has done about them."""

    def fileno(self) -> int:
        """Readable once there is news."""

    def wait(self, seconds: float) -> None:
        """Wait this long, or until there is news."""


class Consumer:
    """Over one source, whose wake-up descriptor is readable once `stop` has news."""

    def __init__(
        self,
        source: Source,
        stop: Stop,
        minder: Minder,
        wear: Wear,
        terms: Terms,
        *,
        burst: bool = False,
        hold: Hold = Held,
    ) -> None:
        """`burst`: end once no job is ready. `hold` makes what a job in hand is held in."""
        self._source = source
        self._stop = stop
        self._minder = minder
        self._wear = wear
        self._wait = not burst
        self._hand = Hand(source, hold)
        self._portion = Portion()
        self._trouble = ""  # the server's, until it brings a job
        self._troubled_at = 0.0
        self._asks_since: float | None = None  # of a server, for a job
        self._alone = terms.alone
        self._alone.join()  # here, for another slot may want to be alone before this one has begun
        self._slot = terms.slot(lambda: self._hand.lighten(self._hand.portion))

    def work(self, settings: Settings) -> Next:
        """Until told to stop, or by a message to end."""
        try:
            return self._work(settings)
        finally:
            self._alone.leave()

    def _work(self, settings: Settings) -> Next:
        while True:
            try:
                self._stop.install()
                if self._stop.requested:
                    return Next.GO_ON
                if self._alone.is_wanted:
                    self._source.close()  # which withdraws what it has asked for
                    self._alone.step_aside()
                    continue
                self._asks_since = monotonic()
                lease = self._source.take(wait=self._wait)
                self._asks_since = None
                if self._trouble:
                    log.info("the server answers again")
                    self._trouble = ""
                if lease is None and not self._wait and not self._is_to_pause:
                    return Next.EMPTY
                if lease is not None and (after := self._work_off(lease, settings)) is not Next.GO_ON:
                    return after
            except Unreachable as error:
                self._asks_since = None
                self._source.close()
                self._hand.drop()
                if not self._trouble:
                    log.warning("%s; trying again every %g s", error, RECONNECT_SECONDS)
                self._trouble = str(error)
                self._troubled_at = monotonic()
                self._stop.wait(RECONNECT_SECONDS)

    @property
    def trouble(self) -> str:
        """Why no job can be taken now; empty if that is not so."""
        return self._trouble if self._trouble and self._source.proved < self._troubled_at else ""

    @property
    def moved_at(self) -> float:
        """When it has last got on with taking a job, of the monotonic clock; now while it does not ask for one."""
        since = self._asks_since
        return monotonic() if since is None else max(since, self._source.proved)

    @property
    def _is_to_pause(self) -> bool:
        return self._stop.requested or self._alone.is_wanted

    def give_back(self) -> bool:
        """At once, all that is in hand, from another thread; whether a call was cut off, which must not go on."""
        return self._hand.give_back()

    def _work_off(self, lease: Lease, settings: Settings) -> Next:
        """This job, and those that are ready behind it."""
        leases, asked, came = [lease], 1, 0 if self._source.waited else 1
        while leases:
            self._hand.take_up(leases)
            ahead = self._portion.size if came == asked else 1
            if ahead > 1:
                self._hand.ask_ahead(ahead)
            if ahead > 1 or len(leases) > 1:
                self._minder.mind(self._hand)
            began = monotonic()
            ran, after = self._make_calls(settings, began + IN_HAND_SECONDS)
            if after is not Next.GO_ON or self._is_to_pause:
                self._hand.lighten(self._hand.portion)
                return after
            self._portion.learn(asked, came, ran, monotonic() - began)
            leases = self._hand.go_on(self._portion.size, wait=self._wait)
            asked, came = ahead if ahead > 1 else self._portion.size, len(leases)
        return Next.GO_ON

    def _make_calls(self, settings: Settings, until: float) -> tuple[int, Next]:
        """Of the jobs in hand; how many there were."""
        ran = 0
        while not self._is_to_pause and (lease := self._hand.next()) is not None:
            ran += 1
            after = execute(lease, settings, self._slot)
            if after is Next.RENEW:
                self._wear.renew()
            elif after is not Next.GO_ON:
                return ran, after
            self._wear.count()
            if monotonic() > until and self._hand.has_more:
                self._hand.lighten(self._hand.portion)
                break
        return ran, Next.GO_ON
