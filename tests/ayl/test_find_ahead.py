"""A call that names several objects of a kind: they are looked for together, and each once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import ayl
from ayl import references, values
from ayl.calling import perform
from ayl.errors import CannotRun, Gone, Unavailable
from ayl.references import PLAIN, Finding, find, find_ahead
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack

LOOKUPS: list[tuple[str, list[Any]]] = []
"""The class and the keys of each."""


class Together:
    """A locator that finds all of a kind in one go; what it finds is the key itself, in a box."""

    opened = 0

    def identify(self, obj: Any) -> object:
        return obj.id

    def find(self, cls: type, keys: Sequence[object], opened: object) -> Sequence[object | None]:
        LOOKUPS.append((cls.__name__, list(keys)))
        if "closed" in keys:
            raise ConnectionError("the store is closed")
        if "wrong" in keys:
            raise CannotRun("no such key can be")
        return [None if key == "gone" else cls(key) for key in keys]

    def open(self, stack: ExitStack) -> None:
        self.opened += 1


class Box:
    def __init__(self, key: Any) -> None:
        self.id = key

    def look(self, *others: Any) -> None:
        SEEN.append([self.id, *(other.id for other in others)])


@ayl.model("ahead.Order")
class Order(Box): ...


@ayl.model("ahead.Customer", gone="pass_none")
class Customer(Box): ...


SEEN: list[Any] = []


@ayl.task("ahead.take")
def take(*objects: Any) -> None:
    SEEN.append(objects)


@pytest.fixture(autouse=True)
def locator(monkeypatch: pytest.MonkeyPatch) -> Together:
    """In use for both classes."""
    made = Together()
    monkeypatch.setitem(references._locators, Order, made)
    monkeypatch.setitem(references._locators, Customer, made)
    LOOKUPS.clear()
    SEEN.clear()
    return made


def reference(cls: str, key: Any) -> dict[str, Any]:
    return {"$ref": [f"ahead.{cls}", key]}


def call(*args: Any) -> None:
    perform(written(do="ahead.take", args=[*args]))


def test_objects_of_a_kind_are_looked_for_together_wherever_they_stand() -> None:
    on, deep = reference("Order", 1), [{"x": [reference("Order", 3)]}]
    with pytest.raises(AttributeError):  # `look` wants boxes; by then all is found
        perform(written(on=on, do="look", args=[reference("Order", 2), deep]))
    assert LOOKUPS == [("Order", [1, 2, 3])]


def test_keywords_count_too() -> None:
    perform(written(on=reference("Order", 1), do="look", args=[reference("Order", 2)]))
    assert LOOKUPS == [("Order", [1, 2])]
    assert SEEN == [[1, 2]]


def test_each_kind_has_a_look_up_of_its_own(locator: Together) -> None:
    call(*(reference(cls, key) for key in (1, 2) for cls in ("Order", "Customer")))
    assert LOOKUPS == [("Order", [1, 2]), ("Customer", [1, 2])]
    assert [(type(obj).__name__, obj.id) for obj in SEEN[0]] == [
        ("Order", 1), ("Customer", 1), ("Order", 2), ("Customer", 2),
    ]  # fmt: skip
    assert locator.opened == 1


def test_one_of_a_kind_is_looked_for_by_itself() -> None:
    call(reference("Order", 1), reference("Customer", 1))
    assert LOOKUPS == [("Order", [1]), ("Customer", [1])]


def test_an_object_that_is_named_twice_is_one_object() -> None:
    call(reference("Order", 1), reference("Order", 2), reference("Order", 1))
    assert LOOKUPS == [("Order", [1, 2])]
    first, _, again = SEEN[0]
    assert first is again


def test_one_and_true_are_two_keys() -> None:
    call(*(reference("Order", key) for key in (1, True, 1.0, False, 0)))
    assert [[type(key) for key in keys] for _, keys in LOOKUPS] == [[int, bool, float, bool, int]]
    assert [repr(obj.id) for obj in SEEN[0]] == ["1", "True", "1.0", "False", "0"]


@pytest.mark.parametrize(
    "keys", [((1, "x"), (True, "x"), (1.0, "x")), (0.0, -0.0), ((0.0,), (-0.0,)), (((1,),), ((1.0,),))]
)
def test_keys_that_are_equal_but_not_the_same_are_several(keys: tuple[Any, ...]) -> None:
    call(*(reference("Order", values.encode(key, "", lambda _obj: None)) for key in (*keys, *keys)))
    assert [[repr(key) for key in looked_for] for _, looked_for in LOOKUPS] == [[repr(key) for key in keys]]
    assert [repr(obj.id) for obj in SEEN[0]] == [repr(key) for key in keys] * 2


def test_a_tuple_is_a_key_like_any_other() -> None:
    call(*(reference("Order", {"$t": ["tuple", [1, part]]}) for part in ("a", "b", "a")))
    assert LOOKUPS == [("Order", [(1, "a"), (1, "b")])]


def test_keys_that_cannot_be_hashed_are_looked_for_one_by_one() -> None:
    call(*(reference("Order", key) for key in ([1], {"a": 1}, 2, 3)))
    assert LOOKUPS == [("Order", [2, 3]), ("Order", [[1]]), ("Order", [{"a": 1}])]
    assert [obj.id for obj in SEEN[0]] == [[1], {"a": 1}, 2, 3]


def test_one_of_several_that_is_gone_is_told_by_its_key() -> None:
    with pytest.raises(Gone, match=r"^ahead\.Order 'gone' exists no more$"):
        call(reference("Order", 1), reference("Order", "gone"))


def test_of_several_one_that_is_gone_is_none_if_its_class_says_so() -> None:
    call(reference("Customer", 1), reference("Customer", "gone"))
    assert [obj and obj.id for obj in SEEN[0]] == [1, None]
    assert len(LOOKUPS) == 1


def test_a_look_up_that_fails_names_the_first_of_the_keys() -> None:
    with pytest.raises(Unavailable, match=r"^ahead\.Order 1, 2, 3, … cannot be looked for: ConnectionError: the sto"):
        call(*(reference("Order", key) for key in (1, 2, 3, "closed")))


def test_what_the_locator_says_itself_is_heard() -> None:
    with pytest.raises(CannotRun, match=r"^no such key can be$"):
        call(reference("Order", 1), reference("Order", "wrong"))


def test_a_reference_to_nothing_is_left_to_who_decodes_it() -> None:
    with pytest.raises(CannotRun, match=r"^args: no class 'ahead\.Nothing' is registered here"):
        call(reference("Order", 1), reference("Order", 2), reference("Nothing", 1))


def test_classes_are_not_looked_for() -> None:
    call({"$ref": ["ahead.Order"]}, {"$ref": ["ahead.Order"]})
    assert LOOKUPS == []
    assert [(Order, Order)] == SEEN


def test_what_one_job_found_the_next_does_not_see() -> None:
    with Finding():
        find_ahead([["ahead.Order", 1], ["ahead.Order", 2]])
        first = find(["ahead.Order", 1])
    with Finding():
        assert find(["ahead.Order", 1]) is not first


class Plain:
    """Has no locator but the one of plain classes."""

    found: ClassVar[list[int]] = []

    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Plain:
        cls.found.append(key)
        if key == 13:
            raise KeyError("no such thing")
        return cls(key)


def test_plain_classes_are_asked_for_each_key_once() -> None:
    ayl.model("ahead.Plain")(Plain)
    assert references.locator_of(Plain) is PLAIN
    call(*({"$ref": ["ahead.Plain", key]} for key in (1, 2, 1)))
    assert Plain.found == [1, 2]
    with pytest.raises(Gone, match=r"^ahead\.Plain 13 exists no more$") as caught:
        call(*({"$ref": ["ahead.Plain", key]} for key in (1, 13)))
    assert isinstance(caught.value.__cause__, KeyError)
