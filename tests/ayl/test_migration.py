"""What becomes of an old release's call, told by its bytes and by the code that is here; nothing is found or run."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

import ayl
from ayl import calling
from ayl import life as lives
from ayl import message as messages
from ayl.errors import CannotRun
from ayl.life import Life
from ayl.migration import Migration, Verdict
from ayl.signing import key_ring
from tests.ayl.conftest import written

SECRETS = key_ring("2026a:EXAMPLE-of-a-secret-8fzt2m 2025a:EXAMPLE-of-another-5kq9xd")
OLD_SECRETS = key_ring("2025a:EXAMPLE-of-another-5kq9xd")


@ayl.model("migration.Customer")
class Customer:
    @classmethod
    def find(cls, key: int) -> Customer:
        raise AssertionError("nobody is to be looked for")


@ayl.model("migration.Regular")
class Regular(Customer):
    pass


@ayl.model("migration.Order", was=["migration.Purchase"])
class Order:
    @classmethod
    def find(cls, key: int) -> Order:
        raise AssertionError("nothing is to be looked for")

    def ship(self, carrier: str, to: Customer | None = None, *, price: Decimal = Decimal(0)) -> None:
        raise AssertionError("nothing is to be run")

    def add(self, line: Line) -> None:
        raise AssertionError("nothing is to be run")

    @classmethod
    def count(cls) -> None:
        raise AssertionError("nothing is to be run")


@ayl.value("migration.Line")
@dataclass
class Line:
    order: Order
    number: int

    def __post_init__(self) -> None:
        if self.order.is_locked:  # type: ignore[attr-defined]
            raise ValueError("locked")


def order(key: int = 42) -> dict[str, Any]:
    return {"$ref": ["migration.Order", key]}


def call(do: str = "ship", *args: Any, on: Any = None, **kwargs: Any) -> messages.Message:
    return written(ver="1.4", id="the id", on=on or order(), do=do, args=[*args], kwargs=kwargs)


def verdict(message: messages.Message | bytes, life: Life = lives.NEW) -> Verdict:
    body = message if isinstance(message, bytes) else messages.encode(message)
    return Migration("shop", "1.5").verdict(body if life == lives.NEW else lives.write(body, life))


CUSTOMER = {"$ref": ["migration.Customer", 7]}


class TestWhatFits:
    @pytest.mark.parametrize(
        "message",
        [
            call("ship", "ups"),
            call("ship", carrier="ups", price={"$t": ["Decimal", "3.50"]}),
            call("ship", "ups", CUSTOMER),
            call("ship", "ups", {"$ref": ["migration.Regular", 7]}),
            call("ship", "ups", on={"$ref": ["migration.Purchase", 42]}),
            call("count", on={"$ref": ["migration.Order"]}),
            call("add", {"$t": ["value", "migration.Line", {"order": order(), "number": 1}]}),
        ],
        ids=messages.human,
    )
    def test_it_moves_byte_for_byte(self, message: messages.Message) -> None:
        body = b' {"life":{"tries":2},"future":[1],' + messages.encode(message)[1:]
        assert verdict(body) == Verdict(verdict(body).call, "moved", body)

    def test_it_is_counted_under_the_name_that_the_message_has(self) -> None:
        assert verdict(call("ship", "ups")).call == "migration.Order.ship"
        assert verdict(call("ship", "ups", on={"$ref": ["migration.Purchase", 4]})).call == "migration.Purchase.ship"


class TestWhatDoesNot:
    @pytest.mark.parametrize(
        ("message", "said"),
        [
            (call("shipp", "ups"), "migration.Order.shipp does not exist; did you mean 'ship'?"),
            (call("ship"), "missing a required argument: 'carrier'"),
            (call("ship", "ups", insured=True), "unexpected keyword argument 'insured'"),
            (call("ship", 3), "carrier is a str, not 3 (int)"),
            (call("ship", "ups", order()), "to is a tests.ayl.test_migration.Customer or None"),
            (call("ship", "ups", {"$ref": ["migration.Gone", 1]}), "args[1]: no class 'migration.Gone' is registered"),
            (call("ship", on={"$ref": ["migration.Gone", 1]}), "no class 'migration.Gone' is registered here"),
            (call("ship", "ups", on={"$ref": ["migration.Order"]}), "is a method of instances"),
            (call("ship", {"$t": ["value", "migration.Gone", {}]}), "no class is registered with @ayl.value"),
            (call("ship", "ups", {"$ref": ["migration.Order", 1, 2]}), "$ref takes a list of a name"),
            (written(ver="1.4", do="migration.nothing"), "no function 'migration.nothing' is registered here"),
        ],
        ids=lambda given: given if isinstance(given, str) else "",
    )
    def test_it_is_buried_with_the_reason_in_its_life(self, message: messages.Message, said: str) -> None:
        found = verdict(message, Life(2, 1, "ValueError: no ups"))
        assert (found.fate, found.call) == ("buried", messages_name(message))
        assert said in found.reason
        life = lives.read(found.body)
        assert (life.tries, life.kills) == (2, 1)
        assert life.why == messages.one_line(found.reason)[:500]
        assert lives.without(found.body) == messages.encode(message)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"hello", "not a message of ayl"),
            (b'{"type":"ayl","code":"Order.find(1).ship"}', "Ruby text, which is never evaluated"),
            (b'{"life":{"tries":"x"},' + messages.encode(call("ship", "ups"))[1:], "whose life cannot be understood"),
            (messages.encode(written(app="bank", do="pay")), "a message of the app 'bank'; this is 'shop'"),
        ],
    )
    def test_what_is_no_call_of_the_apps_is_buried_as_it_is(self, body: bytes, said: str) -> None:
        found = verdict(body)
        assert (found.call, found.fate, found.body) == ("", "buried", b"")
        assert said in found.reason

    def test_an_order_to_an_old_worker_is_left_to_it(self) -> None:
        found = verdict(b'{"type":"ayl-control","do":"exit","app":"shop"}')
        assert found == Verdict("", "left", b"", "an order to a worker of the old release: exit")


def messages_name(message: messages.Message) -> str:
    return message.do if message.on is None else f"{message.on['$ref'][0]}.{message.do}"


class TestTranslation:
    @pytest.fixture(autouse=True)
    def upgrades(self) -> None:
        ayl.upgrade("shop.OldOrder", to="migration.Order")

        @ayl.upgrade("migration.Order.send", before="1.5")
        def send(old: ayl.Call) -> ayl.Call:
            if "gift" in old.kwargs:
                raise ayl.Bury("there are no gifts any more")
            return replace(old, method="ship", args=("ups", *old.args), kwargs={"price": Decimal("3.50")})

    def test_it_is_another_message_of_the_same_id_made_by_the_new_release(self) -> None:
        found = verdict(call("send", CUSTOMER, on={"$ref": ["shop.OldOrder", 42]}), Life(2, 1, "no ups"))
        assert (found.fate, found.call) == ("translated", "shop.OldOrder.send")
        assert lives.read(found.body) == Life(2, 1, "no ups")
        new = messages.decode(found.body)
        wanted = call("ship", "ups", CUSTOMER, price={"$t": ["Decimal", "3.50"]})
        assert new == messages.rewritten(wanted, ver="1.5")

    def test_a_life_that_nothing_has_happened_in_is_not_written_down(self) -> None:
        assert verdict(call("send")).body.startswith(b'{"type":"ayl"')

    def test_what_its_upgrade_refuses_is_buried_as_it_was_sent(self) -> None:
        found = verdict(call("send", gift=1))
        assert (found.fate, found.reason) == ("buried", "there are no gifts any more")
        assert lives.without(found.body) == messages.encode(call("send", gift=1))

    def test_what_it_makes_is_bound_too(self) -> None:
        found = verdict(call("send", order()))
        assert (found.fate, found.call) == ("buried", "migration.Order.send")
        assert "to is a" in found.reason

    def test_a_call_of_the_new_release_is_not_translated_again(self) -> None:
        found = verdict(messages.rewritten(call("send"), ver="1.5"))
        assert found.fate == "buried"
        assert found.reason.startswith("migration.Order.send does not exist")

    def test_one_that_changes_nothing_lets_the_call_move_as_it_is(self) -> None:
        ayl.upgrade("migration.Order.ship", before="1.5")(replace)
        body = messages.encode(call("ship", "ups"))
        assert verdict(body) == Verdict("migration.Order.ship", "moved", body)

    @pytest.mark.parametrize(
        ("added", "written_as"),
        [
            ([CUSTOMER, "x"], [CUSTOMER, "x"]),
            ((1, CUSTOMER), {"$t": ["tuple", [1, CUSTOMER]]}),
            ({"$x": 1}, {"$t": ["dict", [["$x", 1]]]}),
            ({"a": [Decimal(1)]}, {"a": [{"$t": ["Decimal", "1"]}]}),
            (Order, {"$ref": ["migration.Order"]}),
            (2**70, {"$t": ["int", hex(2**70)]}),
        ],
        ids=repr,
    )
    def test_what_it_adds_may_be_any_value(self, added: Any, written_as: Any) -> None:
        @ayl.task("migration.take")
        def take(value: Any, **rest: Any) -> None: ...

        ayl.upgrade("migration.grab")(lambda old: ayl.Call(None, "migration.take", (added,), {"$odd": added}))
        found = verdict(written(do="migration.grab"))
        new = messages.decode(found.body)
        assert isinstance(new, messages.Message)
        assert new.args == [written_as]
        assert messages.keywords(new) == {"$odd": written_as}

    def test_what_it_adds_and_cannot_travel_is_told_of(self) -> None:
        ayl.upgrade("migration.grab")(lambda old: ayl.Call(None, "migration.take", (print,)))
        found = verdict(written(do="migration.grab"))
        assert found.fate == "buried"
        assert "what its upgrade made of it cannot be written down: args[0] is of type builtin" in found.reason


class TestSignatures:
    def signed(self, message: messages.Message) -> bytes:
        return OLD_SECRETS.sign("shop", messages.encode(message), time.time())

    def judged(self, body: bytes) -> Verdict:
        return Migration("shop", "1.5", SECRETS).verdict(body)

    def test_an_unchanged_call_keeps_its_own(self) -> None:
        body = self.signed(call("ship", "ups"))
        assert self.judged(body) == Verdict("migration.Order.ship", "moved", body)

    def test_a_translated_one_is_signed_with_the_key_that_signs_now(self) -> None:
        ayl.upgrade("migration.Order.send", to="migration.Order.ship")
        body = lives.write(self.signed(call("send", "ups")), Life(2))
        found = self.judged(body)
        assert found.fate == "translated"
        SECRETS.verify("shop", found.body, time.time())
        assert found.body.startswith(b'{"life":{"tries":2},"sig":"2026a.')

    def test_one_that_is_not_signed_is_buried_before_it_is_read(self) -> None:
        found = self.judged(messages.encode(call("ship", "ups")))
        assert (found.call, found.fate, found.body) == ("", "buried", b"")
        assert found.reason == "it is not signed, and this worker has secrets"

    def test_one_that_is_buried_for_another_reason_keeps_its_own(self) -> None:
        body = self.signed(call("gift"))
        found = self.judged(body)
        assert lives.without(found.body) == body
        SECRETS.verify("shop", found.body, time.time())


def test_a_worker_agrees_about_each_of_these() -> None:
    for message in (call("shipp"), call("ship"), call("ship", "ups", insured=True)):
        with pytest.raises(CannotRun) as theirs:
            calling.perform(message)
        assert verdict(message).reason == str(theirs.value)
