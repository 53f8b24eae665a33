"""Messages that leave together: `with ayl.batch():`."""

from contextlib import suppress
from contextvars import ContextVar, Token
from itertools import groupby
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ayl.delivery import deliver
from ayl.handle import State

if TYPE_CHECKING:
    from ayl.engines.submissions import Parcel

BATCH_SIZE = 500
"""Messages that a batch gathers before it sends them; bounds its memory and what one write holds."""


class Batch:
    """Gathers messages and sends them in few writes, at its end at the latest; also if the span raises.

    A batch changes when calls leave, not whether: what was sent before an exception is sent. What the server refuses
    is raised at the end, when all have been tried; each handle knows its own.

    `async with` sends from another thread meanwhile, so that the event loop goes on.
    """

    def __init__(self) -> None:
        self.waiting: list[Parcel] = []
        """What has gathered."""
        self._refusal: Exception | None = None
        self._token: Token[Batch | None] | None = None
        self.thread = 0
        """Whose sends it gathers. A copy of the context (asyncio.to_thread makes one) shows it to others, which could
        add to it just when it ends.
        """
        self.sent = 0
        """How many messages have been taken by the server, or by what stands in for it."""
        self.closed = False
        """The span has ended; whoever still sees this batch (a task started within it) sends by itself."""

    @property
    def full(self) -> bool:
        """Whether enough has gathered to be sent."""
        return len(self.waiting) >= BATCH_SIZE

    def add(self, parcel: "Parcel") -> None:
        """Take in one message; whoever adds sees to `flush` when the batch is full."""
        self.waiting.append(parcel)

    def flush(self) -> None:
        """Send what has gathered. Raises nothing before the end."""
        waiting, self.waiting = self.waiting, []
        for _, group in groupby(waiting, lambda parcel: id(parcel.settings)):
            parcels = [parcel for parcel in group if parcel.handle.state is not State.CANCELLED]
            if not parcels:
                continue
            for parcel in parcels:
                parcel.handle.state = State.LEAVING
            try:
                refusal = deliver(parcels)
            except Exception as error:  # noqa: BLE001 - from a call that ran in place: raised when all have been tried
                refusal = error
                for parcel in parcels:
                    if parcel.handle.state is State.LEAVING:  # no engine could be made
                        parcel.handle.state = State.BATCHED
            self._refusal = self._refusal or refusal
            self.sent += sum(parcel.handle.state not in (State.BATCHED, State.REFUSED) for parcel in parcels)

    def __enter__(self) -> Self:
        if self._token is not None:
            raise RuntimeError("a batch is for one span: begin another with ayl.batch()")
        self._token = _batch.set(self)
        self.thread = get_ident()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()
        self.flush()
        self._tell(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()
        if self.waiting:
            import asyncio  # takes longer than all of ayl, and who is here has it

            await asyncio.to_thread(self.flush)
        self._tell(error)

    def _leave(self) -> None:
        self.closed = True
        assert self._token is not None  # noqa: S101 - __enter__ has set it
        with suppress(ValueError):  # what is closed in another context (an async generator, say) has to be sent, too
            _batch.reset(self._token)

    def _tell(self, error: BaseException | None) -> None:
        if self._refusal is None:
            return
        if error is None:
            raise self._refusal
        error.add_note(f"and the batch could not be sent: {self._refusal}")  # the span's own error is the one to raise


_batch: ContextVar[Batch | None] = ContextVar("ayl_batch", default=None)


def open_batch() -> Batch | None:
    """The batch that sends made here have to join."""
    batch = _batch.get()
    return None if batch is None or batch.closed or batch.thread != get_ident() else batch


def batch() -> Batch:
    """Sends within `with ayl.batch():` (or `async with`) leave in few writes. See `Batch`.

    Those of this thread, and of the asyncio tasks that are started within; other threads send by themselves.
    """
    return Batch()
