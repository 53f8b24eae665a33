"""What becomes of a call when no server takes it: spooled, made here and now, or refused to the caller.

Outcomes of the engine that it stands in front of decide, call by call: `Unreachable`, and `RefusedForNow` too, because
a server that is draining or out of memory is as good as none to whoever sends. What a server refuses for good stays
refused: it would be refused again.

Order: of the calls of one thread that may be spooled, none overtakes another on its way to one engine. So while
something that this process has spooled may still wait, further ones go behind it, onto the disk, until it is delivered.
"""

from collections.abc import Sequence
from os.path import lexists
from time import monotonic, time
from typing import TYPE_CHECKING

from ayl import notifications
from ayl.engines.base import Engine
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import NotConfigured, NotSubmitted, RefusedForNow, SpoolFull, SpoolUnusable, Unreachable
from ayl.handle import State
from ayl.options import LADDER
from ayl.options import Unreachable as Policy
from ayl.settings import Settings

if TYPE_CHECKING:
    from ayl.engines.spool.draining import Drain, Drained
    from ayl.engines.spool.store import Spool

NO_SERVER = (Unreachable, RefusedForNow)

DRAIN_SECONDS = 0.2
"""What one send spends on delivering what waits, at most, but for a portion that it has begun."""

LOOK_SECONDS = 5.0
"""Between two looks whether other processes have left something in the spool."""

BUSY_SECONDS = 0.1
"""Between two looks whether another process has delivered all that was before ours."""

PROBES = 5
"""How often delivering is tried within one `probe_interval`; the engine itself fails at once meanwhile."""

SAID: dict[Policy, str] = {
    "spool": "calls are kept in the spool {spool} until it does",
    "synchronous": "calls are made here and now until it does",
    "raise": "calls are refused to their senders until it does",
}
"""Of each policy, what becomes of calls during an outage."""


class FallbackEngine:
    """Stands in front of an engine that needs a server."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self._settings = settings
        try:
            self._directory = settings.spool_directory()
        except NotConfigured:  # no home: that matters only once something is to be spooled
            self._directory = ""
        self._spool: Spool | None = None
        self._drain: Drain | None = None
        self._look_at = 0.0  # when to look into the spool, seconds of the monotonic clock
        self._out = False  # no server took the last message
        self._unusable = ""  # what was said last of the directory
        # The latest time that this process spooled something, and up to which of these times all is delivered.
        self._kept: object = None
        self._clear: object = None

    def submit(self, submissions: Sequence[Submission]) -> Sequence[Receipt | Exception]:
        """As the engine does; for a call that was made in place and raised, what it raised."""
        if monotonic() >= self._look_at:
            self._deliver()
        if self._kept is not self._clear:
            return self._behind(submissions)
        return self._tried(submissions)

    def _behind(self, submissions: Sequence[Submission]) -> Sequence[Receipt | Exception]:
        """What may be spooled goes behind what waits there; the rest is tried."""
        rest = [each for each in submissions if each.unreachable != "spool"]
        tried = iter(self._tried(rest) if rest else ())
        kept = iter(
            self._keep(
                [each for each in submissions if each.unreachable == "spool"], ["earlier calls still wait for a server"]
            )
        )
        return [next(kept if each.unreachable == "spool" else tried) for each in submissions]

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        if receipt.state is State.SPOOLED:
            return self._store().withdraw(receipt.place, message_id)
        return self.engine.withdraw(receipt, message_id)

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        return self.engine.job_state(receipt, message_id)

    def close(self) -> None:
        self.engine.close()

    # No server

    def _tried(self, submissions: Sequence[Submission]) -> Sequence[Receipt | Exception]:
        outcomes = self.engine.submit(submissions)
        for outcome in outcomes:
            if type(outcome) is not Receipt and isinstance(outcome, NO_SERVER):
                return self._fall_back(submissions, outcomes)
        if self._out:
            self._back()
        return outcomes

    def _fall_back(
        self, submissions: Sequence[Submission], outcomes: Sequence[Receipt | Exception]
    ) -> list[Receipt | Exception]:
        final = [*outcomes]
        left = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, NO_SERVER)]
        numbers: dict[str, list[int]] = {policy: [] for policy in LADDER}
        for number in left:
            numbers[submissions[number].unreachable].append(number)
        if news := not self._out:
            self._gone(outcomes[left[0]], submissions[left[0]].unreachable)
        # First what has to be kept: a hook, or a call that is made here, may take long, or end this process.
        spooled = numbers["spool"]
        kept = self._keep([submissions[number] for number in spooled], [str(outcomes[number]) for number in spooled])
        for number, receipt in zip(spooled, kept, strict=True):
            final[number] = receipt
        if news:
            told = [submissions[number] for number in left]
            notifications.outage(self._settings.engine, str(outcomes[left[0]]), told)
        for number in numbers["synchronous"]:
            final[number] = _made_here(submissions[number])
        return final

    def _keep(self, submissions: Sequence[Submission], why: Sequence[str]) -> list[Receipt | Exception]:
        """Spool them. `why`, of the first: what an error begins with if that cannot be done."""
        if not submissions:
            return []
        from ayl.engines.spool.records import Record  # all of the spool only where something is to be spooled

        now = time()
        records = [
            Record(each.id, each.tube, each.priority, now + each.delay if each.delay else 0.0, each.time_to_run,
                   self._settings.engine, now, each.body)
            for each in submissions
        ]  # fmt: skip
        try:
            places = self._store().append(records)
        except (NotSubmitted, NotConfigured) as error:
            return [SpoolUnusable(f"{why[0]}, and {error}")] * len(records)
        if self._kept is self._clear:
            self._look_at = monotonic() + self._pause()
        self._kept = object()
        return [
            SpoolFull(f"{why[0]}, and {place}") if isinstance(place, SpoolFull) else Receipt(State.SPOOLED, None, place)
            for place in places
        ]

    # A server again

    def _deliver(self) -> None:
        """Deliver what waits, for a while, if there is anything."""
        self._look_at = monotonic() + LOOK_SECONDS
        kept = self._kept
        if not lexists(self._directory):  # somebody has removed it with all that was kept there
            self._clear = kept
            return
        drained = self.drain().run(DRAIN_SECONDS)
        if drained.delivered and self._out:
            self._back()
        if drained.delivered:
            self._say_delivered(drained)
        self._say_unusable(str(drained.trouble) if isinstance(drained.trouble, SpoolUnusable) else "")
        if not drained.rest:
            self._clear = kept
        elif drained.trouble is not None:
            self._look_at = monotonic() + self._pause()
        else:
            self._look_at = monotonic() + (0.0 if drained.delivered else BUSY_SECONDS)

    def drain(self) -> "Drain":
        """What delivers the calls that wait for this engine."""
        if self._drain is None:
            from ayl.engines.spool.draining import Drain  # only where something waits

            self._drain = Drain(self._store(), self._settings.engine, self.engine.submit)
        return self._drain

    def _store(self) -> "Spool":
        if self._spool is None:
            from ayl.engines.spool.store import Spool  # as above

            self._spool = Spool(self._settings.spool_directory(), self._settings.spool_limit)
        return self._spool

    def _pause(self) -> float:
        return self._settings.probe_interval / PROBES

    # Said once, not for every call

    def _gone(self, error: object, policy: Policy) -> None:
        from logging import getLogger  # as long to import as a third of ayl, and most processes never need it here

        self._out = True
        said = SAID[policy].format(spool=self._directory)
        getLogger("ayl").warning("%s; %s", error, said)

    def _back(self) -> None:
        from logging import getLogger  # as above

        self._out = False
        self._look_at = 0.0
        getLogger("ayl").warning("the server takes calls again")
        notifications.answered(self._settings.engine)

    def _say_delivered(self, drained: "Drained") -> None:
        from logging import getLogger  # as above

        getLogger("ayl").info("delivered %d calls that had waited for a server", drained.delivered)

    def _say_unusable(self, trouble: str) -> None:
        if trouble and trouble != self._unusable:
            from logging import getLogger  # as above

            getLogger("ayl").warning("calls that wait for a server are not delivered for now: %s", trouble)
        self._unusable = trouble


def _made_here(submission: Submission) -> Receipt | Exception:
    """What a send with the engine `synchronous` gives or raises."""
    from ayl.engines.synchronous import SynchronousEngine  # only during an outage

    return SynchronousEngine().submit([submission])[0]
