"""What is handed over to an engine, and what it gives for that."""

import msgspec

from ayl.handle import Handle, State
from ayl.options import Unreachable
from ayl.settings import Settings


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A message's bytes and how they are to be queued."""

    body: bytes
    tube: str
    priority: int
    delay: int
    """Seconds."""
    time_to_run: int
    """Seconds."""
    id: str
    """The message's id, which is in its body too."""
    unreachable: Unreachable
    """What becomes of it when no server answers."""


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """What an engine knows of a message that it has taken."""

    state: State
    job_id: int | None = None
    """The server's."""
    place: str = ""
    """Which server or file has it, in the engine's own words."""


class Parcel(msgspec.Struct, frozen=True):
    """A message, ready to leave."""

    settings: Settings
    submission: Submission
    handle: Handle
