"""What the annotations of a function say is held against the arguments: where a call is sent, and before it is made."""

from __future__ import annotations

import functools
import sys
import types
import typing
from datetime import date  # noqa: TC003 - read by what is tested
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import calling
from ayl.annotations import check_of
from ayl.errors import ArgumentsDoNotFit, CannotRun
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address as OnlyForTypeCheckers

    from tests.ayl.conftest import Outbox

LOG: list[Any] = []


class Parent:
    id = 1

    @classmethod
    def find(cls, key: int) -> Parent:
        return cls()


@ayl.model("annotated.Customer")
class Customer(Parent): ...


class Regular(Customer): ...


class Order(Parent):
    def ship(self, carrier: str, weight: float = 1.0, /, *others: int, insured: bool = False, **notes: str) -> None:
        LOG.append((carrier, weight, others, insured, notes))

    def old(self, count: int = None) -> None:  # type: ignore[assignment] # noqa: RUF013 - as it was once written
        LOG.append(count)

    def fresh(self, count: int | None = None) -> None: ...

    def partly(self, known: int, hidden: OnlyForTypeCheckers, also: str = "") -> None:
        LOG.append((known, hidden, also))

    @staticmethod
    def count(since: date) -> None: ...

    @classmethod
    def make(cls, carrier: str) -> None: ...

    async def later(self, carrier: str) -> None: ...

    @functools.lru_cache  # noqa: B019 - an object that wraps a function
    def cached(self, carrier: str) -> None: ...

    to_ups = functools.partialmethod(ship, "ups")

    def give(self, customer: Customer) -> None:
        LOG.append(type(customer))

    @typing.no_type_check
    def loose(self, carrier: str) -> None:
        LOG.append(carrier)


ayl.model("annotated.Order")(Order)


class Numbered:
    """An object that is called like a function."""

    def __call__(self, number: int) -> None: ...


called = ayl.task("annotated.called")(Numbered())
partial = ayl.task("annotated.partial")(functools.partial(Order.ship, Order(), "ups"))

MISMATCHES: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("ship", (3,), {}, "carrier is a str, not 3 (int)"),
    ("ship", ("ups", "1"), {}, "weight is a float, not '1' (str)"),
    ("ship", ("ups", 1, 2, "3"), {}, "others[1] is an int, not '3' (str)"),
    ("ship", ("ups",), {"insured": 1}, "insured is a bool, not 1 (int)"),
    ("ship", ("ups",), {"colour": 1}, "notes['colour'] is a str, not 1 (int)"),
    ("ship", ("ups",), {"carrier": 1}, "notes['carrier'] is a str, not 1 (int)"),
    ("old", ("x",), {}, "count is an int or None, not 'x' (str)"),
    ("fresh", ("x",), {}, "count is an int or None, not 'x' (str)"),
    ("partly", ("x", 1), {}, "known is an int, not 'x' (str)"),
    ("partly", (1, 1), {"also": 1}, "also is a str, not 1 (int)"),
    ("count", ("x",), {}, "since is a date, not 'x' (str)"),
    ("make", (1,), {}, "carrier is a str, not 1 (int)"),
    ("later", (1,), {}, "carrier is a str, not 1 (int)"),
    ("cached", (1,), {}, "carrier is a str, not 1 (int)"),
    ("to_ups", ("x",), {}, "weight is a float, not 'x' (str)"),
]
MATCHES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ship", ("ups", 1, 2, 3), {"insured": True, "colour": "red"}),
    ("old", (None,), {}),
    ("old", (), {}),
    ("partly", (1, "anything"), {}),
    ("loose", (3,), {}),
]


def refused(send: Callable[[], object]) -> str:
    with pytest.raises(ArgumentsDoNotFit) as caught:
        send()
    return str(caught.value)


@pytest.mark.parametrize(("name", "args", "kwargs", "said"), MISMATCHES)
def test_a_mismatch_names_the_parameter_where_it_is_sent(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], said: str, outbox: Outbox
) -> None:
    for _ in range(2):  # what is remembered of the first must not let the second pass
        answer = refused(lambda: ayl.ayl_send(Order(), name, *args, **kwargs))
        assert answer.startswith(f"annotated.Order.{name}(")
        assert answer.endswith(f"): {said}")
    assert outbox.writes == []


@pytest.mark.parametrize(("name", "args", "kwargs", "said"), MISMATCHES)
def test_a_mismatch_in_a_message_is_buried_and_nothing_is_called(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], said: str
) -> None:
    LOG.clear()
    with pytest.raises(CannotRun) as caught:
        calling.perform(written(on={"$ref": ["annotated.Order", 1]}, do=name, args=[*args], kwargs=kwargs))
    assert str(caught.value).endswith(f"): {said}")
    assert LOG == []


@pytest.mark.parametrize(("name", "args", "kwargs"), MATCHES)
@pytest.mark.usefixtures("inline")
def test_what_fits_is_called(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    LOG.clear()
    ayl.ayl_send(Order(), name, *args, **kwargs)
    ayl.ayl_send(Order(), name, *args, **kwargs)
    assert len(LOG) == 2


def test_the_whole_error_reads_as_one_sentence(outbox: Outbox) -> None:
    assert refused(lambda: ayl.send(Order().later, 3)) == (  # type: ignore[arg-type]
        "annotated.Order.later(carrier: str): carrier is a str, not 3 (int)"
    )


def test_functions_that_are_objects_are_checked_like_others(outbox: Outbox) -> None:
    assert "number is an int" in refused(lambda: ayl.send(called, "x"))  # type: ignore[arg-type]
    assert "weight is a float" in refused(lambda: ayl.send(partial, "x"))
    ayl.send(called, 1)
    ayl.send(partial, 1)


def test_what_can_never_travel_is_told_before_that_it_does_not_fit(outbox: Outbox) -> None:
    with pytest.raises(TypeError, match=r"args\[0\] is of type builtin_function_or_method: a message carries values"):
        ayl.ayl_send(Order(), "ship", print)


def test_a_list_is_looked_at_each_time_however_often_lists_went_well(outbox: Outbox) -> None:
    @ayl.task("annotated.many")
    def many(numbers: list[int]) -> None: ...

    for _ in range(3):
        ayl.send(many, [1, 2])
    assert "numbers[1] is an int" in refused(lambda: ayl.send(many, [1, "x"]))  # type: ignore[list-item]


def test_a_subclass_is_found_where_its_base_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    LOG.clear()
    monkeypatch.setattr(Customer, "find", classmethod(lambda cls, key: Regular()))
    on = {"$ref": ["annotated.Order", 1]}
    calling.perform(written(on=on, do="give", args=[{"$ref": ["annotated.Customer", 1]}]))
    assert [found is Regular for found in LOG] == [True]


def test_an_object_of_another_class_is_not_given_to_the_call() -> None:
    LOG.clear()
    reference = {"$ref": ["annotated.Order", 1]}
    with pytest.raises(CannotRun, match=r"customer is a .*Customer, not a .*Order"):
        calling.perform(written(on=reference, do="give", args=[reference]))
    assert LOG == []


def test_none_stands_for_an_object_that_is_gone_if_its_class_says_so() -> None:
    @ayl.model("annotated.Passing", gone="pass_none")
    class Passing:
        @classmethod
        def find(cls, key: int) -> None: ...

    @ayl.task("annotated.visit")
    def visit(passing, staying: Customer | str = "") -> None:  # type: ignore[no-untyped-def]
        LOG.append(passing)

    visit.__annotations__["passing"] = Passing
    LOG.clear()
    calling.perform(written(do="annotated.visit", args=[{"$ref": ["annotated.Passing", 1]}]))
    assert LOG == [None]
    with pytest.raises(CannotRun, match=r"staying is a .*Customer or a str, not None"):
        calling.perform(written(do="annotated.visit", args=[{"$ref": ["annotated.Passing", 1]}, None]))


def test_an_instance_of_a_class_that_was_made_anew_still_fits() -> None:
    newer = types.new_class("Customer")
    newer.__module__, newer.__qualname__ = __name__, "Customer"
    check = check_of(Customer)
    assert check is not None
    assert check.look(newer()) is None


def test_annotations_that_were_kept_as_text_are_read_in_their_own_module(outbox: Outbox) -> None:
    other = types.ModuleType("annotations_other")
    other.__dict__["Whole"] = int
    exec("def f(x: 'Whole', y: 'Missing', z: 'Whole | None' = None): ...", vars(other))  # noqa: S102 - a module
    sys.modules[other.__name__] = other

    @functools.wraps(other.f)
    def wrapped(*args: Any, **kwargs: Any) -> None: ...

    function = ayl.task("annotated.wrapped")(wrapped)
    assert "x is an int" in refused(lambda: ayl.send(function, "a", 1))
    assert "z is an int or None" in refused(lambda: ayl.send(function, 1, 1, "a"))
    ayl.send(function, 1, "anything", None)
    del sys.modules[other.__name__]


def test_no_attribute_of_a_stored_object_is_read(outbox: Outbox) -> None:
    read: list[str] = []

    @ayl.model("annotated.Watched")
    class Watched:
        id = 1
        find = classmethod(lambda cls, key: cls())

        def __getattribute__(self, name: str) -> Any:
            read.append(name)
            return super().__getattribute__(name)

        def __repr__(self) -> str:
            raise AssertionError("a repr may ask a database")

    check = check_of(list[int | Watched])
    wrong = check_of(list[int])
    assert check is not None
    assert wrong is not None
    assert check.look([Watched()]) is None
    assert "annotated.Watched" not in str(wrong.look([Watched()]))
    assert set(read) <= {"__class__"}
