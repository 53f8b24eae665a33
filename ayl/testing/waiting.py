"""The calls that have not been sent yet: the commonest reason why a test does not see one."""

import gc

from ayl import message as messages
from ayl.batches import Batch
from ayl.commits import Waiting
from ayl.engines.submissions import Parcel
from ayl.handle import State
from ayl.message import Message

CURES = {
    State.UNCOMMITTED: "wait for a commit (in tests that never commit: `with ayl.testing.at_once():`, ayl_at_once)",
    State.BATCHED: "wait in a batch that has not ended",
}


def held_back() -> list[str]:
    """A paragraph about what still waits, for a failed assertion; empty if nothing does.

    It looks through all objects of the process, so that sends in production need not be noted down for this.
    """
    calls: dict[State, list[str]] = {state: [] for state in CURES}
    for parcel in _parcels():
        if parcel.handle.state in calls:
            message = messages.decode(parcel.submission.body)
            if isinstance(message, Message):
                calls[parcel.handle.state].append(f"  {messages.human(message)}")
    return [
        line for state, shown in calls.items() if shown for line in (f"not sent yet, for they {CURES[state]}:", *shown)
    ]


def _parcels() -> list[Parcel]:
    found: dict[int, Parcel] = {}
    oldest_first = (obj for generation in (2, 1, 0) for obj in gc.get_objects(generation))
    for obj in oldest_first:
        if type(obj) is Waiting:
            found[id(obj.parcel)] = obj.parcel
        elif type(obj) is Batch:
            found.update((id(parcel), parcel) for parcel in obj.waiting)
    return sorted(found.values(), key=lambda parcel: parcel.handle.id[:13])  # the time in a UUID version 7
