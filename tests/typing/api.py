"""The public names as a type checker sees them. Never run: mypy --strict reads it, see test_api.

Every line that is wrong on purpose carries the error it must give; without that error, mypy complains about the
comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, assert_type, overload

import ayl
from ayl import testing as ayl_testing
from ayl.notifications import BuryEvent, FailureEvent, JobEvent, UnreachableEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

T = TypeVar("T")


class Stay:
    """No business of ayl's: an argument."""


class Resident(ayl.Sendable):
    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Resident | None:
        return cls(key)

    def clear_stay(self, number: int, stay: Stay, *, quietly: bool = False) -> str:
        return "cleared"

    async def greet(self, name: str) -> None: ...

    @staticmethod
    def count(since: int = 0) -> int:
        return since

    @classmethod
    def invite(cls, name: str) -> None: ...

    @classmethod
    async def welcome(cls, name: str) -> None: ...

    @overload
    def move(self, room: int) -> int: ...
    @overload
    def move(self, room: str) -> str: ...
    def move(self, room: int | str) -> int | str:
        return room

    def pay(self, amount: int, /, *, currency: str = "EUR") -> None: ...


class Shelf(ayl.Sendable, Generic[T]):
    def put(self, thing: T) -> None: ...


@dataclass(slots=True)
class Parcel(ayl.Sendable, ayl_was=["shop.Box"], ayl_methods=["ship"], ayl_gone="discard"):
    id: int = 1

    def ship(self, carrier: str) -> None: ...


class Named(ayl.Sendable, ayl_name="shop.Named"): ...


class Abstract(ayl.Sendable, ayl_name=None): ...


class Misnamed(ayl.Sendable, ayl_name=3): ...  # type: ignore[arg-type]


@ayl.model
class Plain:
    def ship(self, carrier: str) -> None: ...


@ayl.model("shop.Other", bury_on=ValueError)
class Other:
    def ship(self, carrier: str) -> None: ...


class Ruled(ayl.Sendable, ayl_retry_on=OSError, ayl_discard_on=(KeyError,), ayl_bury_on=[SystemExit]):
    @ayl.rules(bury_on=(PermissionError,))
    def ship(self, carrier: str) -> int:
        return 1

    @classmethod
    @ayl.rules(retry_on=TimeoutError)
    async def find(cls, key: int) -> None: ...


ayl.rules(retry_on="OSError")  # type: ignore[arg-type]
ayl.rules(retry_on=int)  # type: ignore[arg-type]
ayl.rules(drop_on=OSError)  # type: ignore[call-arg]
ayl.task("shop.x", retry_on=3)  # type: ignore[call-overload]
ayl.model("shop.x", burn_on=OSError)  # type: ignore[call-overload]
assert_type(Ruled().ship("ups"), int)


@ayl.task
def restock(thing: str, number: int = 1) -> float:
    return 1.5


@ayl.task("shop.restock_later", retry_on=TimeoutError, discard_on=(KeyError, OSError), bury_on=[ValueError])
async def restock_later(thing: str) -> None: ...


@ayl.value
@dataclass
class Money:
    amount: int


@ayl.value("shop.Colour")
class Colour(Enum):
    RED = 1


resident, stay = Resident(1), Stay()

# By name: any arguments, a handle back

assert_type(resident.ayl_send("clear_stay", 3, stay, quietly=True), ayl.Handle)
assert_type(Resident.ayl_send("count"), ayl.Handle)
assert_type(resident.ayl_send_opts("clear_stay", {"delay": 60}, 3, stay), ayl.Handle)
assert_type(Resident.ayl_send_opts("count", ayl.Options(delay=60)), ayl.Handle)
assert_type(Named().ayl_send("anything"), ayl.Handle)
assert_type(ayl.ayl_send(Plain(), "ship", "ups"), ayl.Handle)
assert_type(ayl.ayl_send([1], "append", 2), ayl.Handle)
assert_type(ayl.ayl_send_opts(Plain, "count", {"lane": "slow"}), ayl.Handle)
assert_type(ayl.opts(delay=3).ayl_send(resident, "clear_stay", 3, stay), ayl.Handle)

resident.ayl_send(resident.clear_stay, 3, stay)  # type: ignore[arg-type]
resident.ayl_send()  # type: ignore[call-arg]
resident.ayl_send_opts("clear_stay", 60)  # type: ignore[arg-type]
resident.ayl_send_opts("clear_stay")  # type: ignore[call-arg]
ayl.ayl_send(resident, 3)  # type: ignore[arg-type]

# By the callable itself: its signature is checked

assert_type(ayl.send(resident.clear_stay, 3, stay), ayl.Handle)
assert_type(ayl.send(resident.clear_stay, 3, stay=stay, quietly=True), ayl.Handle)
assert_type(ayl.send(resident.greet, "Jones"), ayl.Handle)
assert_type(ayl.send(Resident.count), ayl.Handle)
assert_type(ayl.send(Resident.count, since=3), ayl.Handle)
assert_type(ayl.send(Resident.invite, "Jones"), ayl.Handle)
assert_type(ayl.send(Plain().ship, "ups"), ayl.Handle)
assert_type(ayl.send(restock, "socks", number=3), ayl.Handle)
assert_type(ayl.send(restock_later, "socks"), ayl.Handle)
assert_type(ayl.send([1].append, 2), ayl.Handle)
assert_type(ayl.opts(delay=60, lane="slow").send(resident.clear_stay, 3, stay), ayl.Handle)

assert_type(ayl.send(Resident.welcome, "Jones"), ayl.Handle)
assert_type(ayl.send(resident.move, 3), ayl.Handle)
assert_type(ayl.send(resident.move, "three"), ayl.Handle)
assert_type(ayl.send(resident.pay, 3, currency="USD"), ayl.Handle)
assert_type(ayl.send(Parcel(id=3).ship, "ups"), ayl.Handle)
shelf: Shelf[int] = Shelf()
assert_type(ayl.send(shelf.put, 3), ayl.Handle)

ayl.send(resident.clear_stay, "three", stay)  # type: ignore[arg-type]
ayl.send(Resident.welcome, 3)  # type: ignore[arg-type]
ayl.send(resident.move, 3.5)  # type: ignore[arg-type]
ayl.send(resident.pay, amount=3)  # type: ignore[call-arg]
ayl.send(Parcel().ship)  # type: ignore[call-arg]
ayl.send(shelf.put, "socks")  # type: ignore[arg-type]
ayl.send(resident.clear_stay, 3, "stay")  # type: ignore[arg-type]
ayl.send(resident.clear_stay, 3)  # type: ignore[call-arg]
ayl.send(resident.clear_stay, 3, stay, True)  # type: ignore[call-arg]
ayl.send(resident.clear_stay, 3, stay, loudly=True)  # type: ignore[call-arg]
ayl.send(resident.greet, 3)  # type: ignore[arg-type]
ayl.send(resident.leave)  # type: ignore[attr-defined]
ayl.send(Resident.count, since="monday")  # type: ignore[arg-type]
ayl.send(Resident.invite)  # type: ignore[call-arg]
ayl.send(restock, 3)  # type: ignore[arg-type]
ayl.send(restock_later, "socks", 3)  # type: ignore[call-arg]
ayl.send("clear_stay", 3, stay)  # type: ignore[arg-type]
ayl.opts(delay=60).send(resident.clear_stay, "three", stay)  # type: ignore[arg-type]
ayl.opts(delay=60).send(restock, number="many", thing="socks")  # type: ignore[arg-type]

# The decorators leave what they decorate as it was

assert_type(restock("socks"), float)
assert_type(Plain(), Plain)
assert_type(Other().ship("ups"), None)
assert_type(Money(3).amount, int)
assert_type(resident.clear_stay(3, stay), str)
assert_type(Resident.find(3), Resident | None)

# Handles, batches, options, settings

handle = ayl.send(restock, "socks")
assert_type(handle.id, str)
assert_type(handle.tube, str)
assert_type(handle.job_id, int | None)
assert_type(handle.state, ayl.State)
assert_type(handle.cancel(), bool)
assert_type(handle.job_state(), str | None)
assert_type(ayl.send_many([(restock, "socks")]), list[ayl.Handle])


async def from_a_coroutine() -> None:
    assert_type(await ayl.asend(restock, "socks", number=3), ayl.Handle)
    await ayl.asend(restock, number="many", thing="socks")  # type: ignore[arg-type]
    await ayl.opts(delay=60).asend(restock, "socks")
    async with ayl.batch() as in_a_coroutine:
        assert_type(in_a_coroutine.sent, int)


class Hooked(ayl.Sendable):
    @ayl.ayl_after_save
    def index(self) -> int:
        return 3

    @ayl.ayl_after_create(if_=lambda hooked: hooked.index(), options={"delay": 3})
    @ayl.ayl_after_update(unless=lambda hooked: hooked.index())
    @ayl.ayl_after_commit
    def tell(self) -> None: ...


assert_type(Hooked().index(), int)
with ayl.skip_ayl_callbacks(Hooked, "index"), ayl.skip_ayl_callbacks():
    pass

with ayl.batch() as batch:
    assert_type(batch.sent, int)

ayl.Options(priority=1, fuzz=2, delay=3, time_to_run=4, lane="slow", failed_job_handler="bury")
ayl.Options(prioritty=1)  # type: ignore[call-arg]
ayl.Options(delay="soon")  # type: ignore[arg-type]

ayl.configure(app="shop", version="1.4.2", engine="synchronous", timeout=1.5, defaults={"delay": 3})
ayl.configure(defaults=ayl.Options(delay=3))
ayl.configure(app=3)  # type: ignore[arg-type]
ayl.configure(ap="shop")  # type: ignore[call-arg]

# Notifications


@ayl.on_failure
def tell_of_failure(event: FailureEvent) -> int:
    assert_type(event.exception, BaseException | None)
    assert_type(event.retry_in, int | None)
    return event.tries


@ayl.on_bury
def tell_of_burial(event: BuryEvent) -> None:
    assert_type(event.call, str)


@ayl.on_unreachable
def tell_of_outage(event: UnreachableEvent) -> None:
    assert_type(event.server, str)


assert_type(tell_of_failure(FailureEvent(call="shop.restock('socks')")), int)


@ayl.on_failure
@ayl.on_bury
def tell_of_both(event: JobEvent) -> str:
    return event.what


assert_type(tell_of_both(BuryEvent()), str)
ayl.on_bury(tell_of_failure)  # type: ignore[type-var]

# Middleware


@ayl.middleware
def timed(call: ayl.Running) -> Iterator[None]:
    assert_type(call.name, str)
    assert_type(call.options["time_to_run"], Any)
    yield


@ayl.middleware
def generated(call: ayl.Running) -> Generator[None]:
    yield


assert_type(ayl.current(), ayl.Running | None)


def silent(call: ayl.Running) -> None: ...


async def awaited(call: ayl.Running) -> AsyncIterator[None]:
    yield


def unknowing() -> Iterator[None]:
    yield


ayl.middleware(silent)  # type: ignore[type-var]
ayl.middleware(awaited)  # type: ignore[type-var]
ayl.middleware(unknowing)  # type: ignore[type-var]

# Upgrades

assert_type(ayl.upgrade("shop.Order", to="shop.sales.Order"), None)


@ayl.upgrade("shop.Order.ship", before="1.5")
def insured(call: ayl.Call) -> ayl.Call:
    assert_type(call.name, str)
    assert_type(call.args, tuple[Any, ...])
    return ayl.Call(call.receiver, "ship", [*call.args], {**call.kwargs, "insured": False})  # type: ignore[arg-type]


assert_type(insured(ayl.Call(None, "shop.restock")), ayl.Call)
ayl.upgrade("shop.Order.ship")(restock)  # type: ignore[type-var]
ayl.upgrade("shop.Order", to=3)  # type: ignore[call-overload]

# Tests of what was sent

with ayl_testing.recording() as recorded:
    assert_type(recorded, ayl_testing.Recording)
    recorded.assert_sent(restock, "socks", number=3)
    recorded.assert_sent(restock, ayl_testing.ANY, number=ayl_testing.ANY)
    recorded.assert_sent(restock, "socks", number="many")  # type: ignore[arg-type]
    recorded.assert_sent(resident.clear_stay, 3)  # type: ignore[call-arg]
    recorded.assert_sent(Resident.clear_stay, resident, 3, stay)
    recorded.assert_not_sent(resident.clear_stay)
    recorded.assert_sent_times(2, restock, "socks")
    recorded.assert_sent_times(2, restock, 3)  # type: ignore[arg-type]
    assert_type(recorded.of(Resident.clear_stay), list[ayl_testing.SentCall])
    ayl_testing.assert_sent(restock, "socks")
    ayl_testing.assert_sent(restock, 3)  # type: ignore[arg-type]
    assert_type(ayl_testing.run_sent(), int)


def give_up() -> None:
    raise ayl.Bury("no such carrier")


def try_again() -> None:
    raise ayl.Decay(10, "not yet")


ayl.Decay("soon")  # type: ignore[arg-type]
