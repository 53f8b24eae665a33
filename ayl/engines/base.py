"""What an engine is: a way to submit messages, and a way to take them back."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.engines.submissions import Receipt, Submission
    from ayl.life import Standing


class Engine(Protocol):
    """Submits messages. Safe to use from several threads."""

    def submit(self, submissions: "Sequence[Submission]") -> "Sequence[Receipt | Exception]":
        """Hand over the messages in order; for each a receipt, or a NotSubmitted that tells why it was not taken.

        Any other exception in the answer was raised by the call itself, which was made in place.
        """

    def withdraw(self, receipt: "Receipt", message_id: str) -> bool:
        """Take a message back that nobody has begun with; whether that was so. Unreachable if that cannot be known."""

    def job_state(self, receipt: "Receipt", message_id: str) -> str | None:
        """`ready`, `reserved`, `delayed` or `buried`; None: no server has it. Unreachable if that cannot be known."""

    def close(self) -> None:
        """Let go of connections."""


class Lease(Protocol):
    """A job that this process holds until it settles it or the time to run is over.

    Each method asks the server and raises Unreachable if that does not answer.
    """

    @property
    def job_id(self) -> int: ...

    @property
    def body(self) -> bytes: ...

    @property
    def since(self) -> float:
        """When the lease began, at the latest: of the monotonic clock, in seconds."""

    @property
    def is_new(self) -> bool:
        """Whether this surely is the first time that the job was handed out, as far as the order of ids tells."""

    def standing(self) -> "Standing | None":
        """What the server says of the job, when it was first asked; None if the job is gone."""

    def touch(self) -> bool:
        """Begin the time to run anew. False if the lease was lost before."""

    @property
    def successor(self) -> int | None:
        """The id of the job that has taken the place of this one, if it was settled so."""

    def swap(self, body: bytes) -> bool:
        """Hold another job with that body in the place of this one, which is deleted: `job_id`, `body` and `since` are
        its own from then on. False if the lease was lost before. A crash loses nothing.

        Refused or MessageTooLarge if the server does not take it; this job is then held as before.
        """

    def delete(self) -> bool:
        """Settle: the job is done. False if the lease was lost before."""

    def release(self, delay: int, body: bytes | None = None) -> bool:
        """Settle: the job comes back after `delay` seconds. False if the lease was lost before.

        With a `body` another job with that body takes its place: it is put before this one is deleted, so that a crash
        between the two leaves both, and never none. Refused or MessageTooLarge if the server does not take it; this
        job is then held as before.
        """

    def bury(self, body: bytes | None = None) -> bool:
        """Settle: the job is put aside for an operator. False if the lease was lost before. `body`: as in `release`."""


class Source(Protocol):
    """Takes jobs from tubes."""

    @property
    def waited(self) -> bool:
        """Whether the job that was last taken had to be waited for, so that there may be no more of them now."""

    @property
    def proved(self) -> float:
        """When a server has last answered (monotonic clock); at first, when this source was made."""

    def take(self, *, wait: bool = True) -> Lease | None:
        """Wait for a job; None if the wake-up descriptor ended the wait and none was on its way. Unreachable if no
        server answers.

        Without `wait`, None also if no job is ready.
        """

    def delete_and_take(self, leases: "Sequence[Lease]", ready: int, *, wait: bool) -> "tuple[list[bool], list[Lease]]":
        """Settle: these jobs are done; and take up to so many more that are ready now, in one write where that can be.

        For each of `leases` False if it was lost before; and the new ones. With `wait` the next job is asked for, too:
        `take` must be called for it, or `close`. Unreachable if the server does not answer.
        """

    def delete_and_ask(self, leases: "Sequence[Lease]", ready: int) -> None:
        """As `delete_and_take`, without `wait` and before there are answers: `answered` is to be called for them.

        Whatever is asked meanwhile, by leases perhaps, is answered after that.
        """

    def answered(self) -> "tuple[list[bool], list[Lease]]":
        """What `delete_and_take` would have said. Unreachable if that cannot be known any more."""

    def close(self) -> None:
        """Let go of the connection; the server gives back whatever was held."""
