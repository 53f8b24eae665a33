"""`@ayl.upgrade`: what becomes of calls of an older release, and what is refused when it is declared."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

import ayl
from ayl.errors import CannotRun, InvalidOption, NotRegistered
from ayl.translation import upgraded
from ayl.upgrades import release

ORDER = {"$ref": ["shop.Order", 42]}


def ship(*args: Any, **kwargs: Any) -> ayl.Call:
    return ayl.Call(ORDER, "ship", args, kwargs)


class TestTheCall:
    def test_it_says_what_is_called(self) -> None:
        assert (ship().name, ship().model) == ("shop.Order.ship", "shop.Order")
        assert ayl.Call({"$ref": ["shop.Order"]}, "count").name == "shop.Order.count"
        assert ayl.Call(None, "shop.restock").name == "shop.restock"
        assert ayl.Call({"$t": ["value", "shop.Money", {}]}, "add").name == "shop.Money.add"
        assert ayl.Call("text", "upper").model == ""

    def test_it_cannot_be_changed_but_copied(self) -> None:
        call = ship("ups", insured=True)
        with pytest.raises(FrozenInstanceError):
            call.method = "send"  # type: ignore[misc]
        with pytest.raises(TypeError):
            call.kwargs["insured"] = False  # type: ignore[index]
        assert replace(call, method="send") == ayl.Call(ORDER, "send", ("ups",), {"insured": True})


class TestRenames:
    def test_a_class_is_renamed_wherever_a_call_names_it(self) -> None:
        ayl.upgrade("shop.Order", to="shop.sales.Order")
        new = {"$ref": ["shop.sales.Order", 42]}
        assert upgraded(ship([ORDER, {"deep": ORDER}], other=ORDER), "1.4") == ayl.Call(
            new, "ship", ([new, {"deep": new}],), {"other": new}
        )
        assert upgraded(ayl.Call(None, "shop.merge", (ORDER, {"$ref": ["shop.Order"]})), "1.4").args == (
            new,
            {"$ref": ["shop.sales.Order"]},
        )

    def test_a_method_is_renamed_and_its_arguments_are_not(self) -> None:
        ayl.upgrade("shop.Order.ship", to="shop.Order.dispatch")
        assert upgraded(ship(ORDER), "1.4") == ayl.Call(ORDER, "dispatch", (ORDER,))

    def test_a_function_is_renamed(self) -> None:
        ayl.upgrade("shop.restock", to="shop.stock.fill")
        assert upgraded(ayl.Call(None, "shop.restock", (1,)), "1.4") == ayl.Call(None, "shop.stock.fill", (1,))

    def test_one_that_is_for_another_name_changes_nothing(self) -> None:
        ayl.upgrade("shop.Orders", to="shop.sales.Order")
        call = ship("shop.Orders")
        assert upgraded(call, "1.4") is call

    def test_names_that_turn_in_a_circle_come_to_an_end(self) -> None:
        ayl.upgrade("shop.a", to="shop.b")
        ayl.upgrade("shop.b", to="shop.a")
        assert upgraded(ayl.Call(None, "shop.a"), "1").method == "shop.a"


class TestFunctions:
    def test_it_returns_the_new_call(self) -> None:
        @ayl.upgrade("shop.Order.ship", before="1.5")
        def insure(call: ayl.Call) -> ayl.Call:
            return replace(call, kwargs={"insured": False, **call.kwargs})

        assert upgraded(ship("ups"), "1.4") == ship("ups", insured=False)
        assert upgraded(ship("ups", insured=True), "1.4") == ship("ups", insured=True)
        assert insure(ship()) == ship(insured=False)  # it is left as it was

    def test_of_a_class_it_is_asked_for_each_call_on_that_and_no_other(self) -> None:
        asked = []

        @ayl.upgrade("shop.Order", before="1.5")
        def note(call: ayl.Call) -> ayl.Call:
            asked.append(call.name)
            return call

        for call in (ship(), ayl.Call(ORDER, "pack"), ayl.Call(None, "shop.restock", (ORDER,))):
            upgraded(call, "1.4")
        assert asked == ["shop.Order.ship", "shop.Order.pack"]

    def test_releases_follow_on_each_other(self) -> None:
        for before in ("1.10", "1.4", "1.5"):  # in whatever order they are declared

            @ayl.upgrade("shop.Order.ship", before=before)
            def add(call: ayl.Call, before: str = before) -> ayl.Call:
                return replace(call, args=(*call.args, before))

            add.__qualname__ += before

        assert upgraded(ship(), "1.3").args == ("1.4", "1.5", "1.10")
        assert upgraded(ship(), "1.4").args == ("1.5", "1.10")
        assert upgraded(ship(), "1.5rc1").args == ("1.5", "1.10")
        assert upgraded(ship(), "1.9.2").args == ("1.10",)
        assert upgraded(ship(), "2").args == ()

    def test_each_sees_the_name_of_its_time(self) -> None:
        @ayl.upgrade("shop.Order.ship", before="1.4")
        def first(call: ayl.Call) -> ayl.Call:
            return replace(call, args=(*call.args, call.name))

        ayl.upgrade("shop.Order", to="shop.sales.Order", before="1.5")

        @ayl.upgrade("shop.sales.Order.ship", before="1.6")
        def third(call: ayl.Call) -> ayl.Call:
            return replace(call, args=(*call.args, call.name))

        assert upgraded(ship(), "1.3").args == ("shop.Order.ship", "shop.sales.Order.ship")

    def test_what_it_changes_in_place_is_not_the_message(self) -> None:
        @ayl.upgrade("shop.Order.ship")
        def spoil(call: ayl.Call) -> ayl.Call:
            call.args[0].append("spoilt")
            return call

        call = ship([])
        assert upgraded(call, "1.4").args == (["spoilt"],)
        assert call.args == ([],)

    @pytest.mark.parametrize(
        ("does", "said"),
        [
            (lambda call: exec_bury("no gifts any more"), "no gifts any more"),
            (lambda call: call.args[3], "its upgrade .* failed: IndexError: tuple index out of range"),
            (lambda call: None, "its upgrade .* has returned NoneType, and no call"),
        ],
        ids=["bury", "error", "nothing"],
    )
    def test_one_that_cannot_says_why(self, does: Any, said: str) -> None:
        ayl.upgrade("shop.Order.ship")(does)
        with pytest.raises(CannotRun, match=said):
            upgraded(ship(), "1.4")

    def test_a_version_that_has_no_place_among_releases_is_told_of(self) -> None:
        ayl.upgrade("shop.Order", to="shop.sales.Order", before="1.5")
        with pytest.raises(CannotRun, match=r"version 'dev', and nobody can tell whether that is before 1\.5"):
            upgraded(ship(), "dev")


def exec_bury(reason: str) -> ayl.Call:
    raise ayl.Bury(reason)


class TestReleases:
    def test_they_are_in_an_order(self) -> None:
        ordered = ["1.4-rc1", "1.4rc2", "1.4", "1.4.0.1", "1.9", "1.10", "v2", "2026-3-1", "2026-11-22"]
        places = [release(version) for version in ordered]
        assert None not in places
        assert sorted(places) == places  # type: ignore[type-var]
        assert release("1.4") == release("1.4.0") == release("1.4+build7")

    @pytest.mark.parametrize("version", ["dev", "8d788a9", "", "main", "1x"])
    def test_others_have_no_place(self, version: str) -> None:
        assert release(version) is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("declare", "error", "said"),
        [
            (lambda: ayl.upgrade(exec_bury), NotRegistered, "takes an old name first"),  # type: ignore[call-overload]
            (lambda: ayl.upgrade(""), NotRegistered, "'' is no name"),
            (lambda: ayl.upgrade("shop.Order\n"), NotRegistered, "is no name"),
            (lambda: ayl.upgrade("shop.Order", to="shop.Order"), NotRegistered, "is called that already"),
            (lambda: ayl.upgrade("shop.Order.ship", to="shop.Order._ship"), NotRegistered, "is private"),
            (lambda: ayl.upgrade("shop.Order", to=""), NotRegistered, "'' is no name"),
            (lambda: ayl.upgrade("shop.Order", before="soon"), InvalidOption, "made of numbers, as 1.5"),
            (lambda: ayl.upgrade("shop.Order", before="1.5rc1"), InvalidOption, "made of numbers"),
            (lambda: ayl.upgrade("shop.Order", before=1.5), InvalidOption, "made of numbers"),  # type: ignore[call-overload]
            (lambda: ayl.upgrade("shop.Order")(3), NotRegistered, "is for functions, not for 3"),  # type: ignore[type-var]
            (lambda: ayl.upgrade("shop.Order")(lambda: None), NotRegistered, "one argument, the old call"),  # type: ignore[type-var]
            (lambda: ayl.upgrade("shop.Order")(waits), NotRegistered, "make it a plain function"),  # type: ignore[type-var]
        ],
    )
    def test_what_makes_no_sense_is_refused_where_it_is_declared(self, declare: Any, error: Any, said: str) -> None:
        with pytest.raises(error, match=said):
            declare()

    def test_there_is_one_for_each_name_and_release(self) -> None:
        ayl.upgrade("shop.Order", to="shop.A")
        ayl.upgrade("shop.Order", to="shop.A")  # as a module that is loaded again
        ayl.upgrade("shop.Order", to="shop.B", before="1.5")
        with pytest.raises(NotRegistered, match=r"have an upgrade already: shop\.A; there can be one"):
            ayl.upgrade("shop.Order", to="shop.C")


async def waits(call: ayl.Call) -> ayl.Call:
    return call
