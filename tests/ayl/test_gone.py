"""An object that a message names and that exists no more: what its class says becomes of the call."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

import ayl
from ayl.calling import perform
from ayl.errors import Gone, InvalidOption, NotRegistered, Unavailable
from ayl.failures import GONE_RETRY_SECONDS, GONE_YOUNG_SECONDS, Buried, Delayed, Deleted, Policy, decide
from ayl.life import Past
from ayl.options import HANDLERS
from ayl.registry import registry
from tests.ayl.conftest import written

REASON = "shop.Order 42 exists no more"


class Kept:
    """Found by its key, unless that is 0."""

    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Kept | None:
        if key == 13:
            raise ConnectionError("the store is closed")
        return cls(key) if key else None

    def greet(self, *others: Any) -> None:
        SEEN.append((self.id, *others))


@ayl.model("gone.Buried")
class ByDefault(Kept): ...


@ayl.model("gone.Discarded", gone="discard")
class Discarded(Kept): ...


@ayl.model("gone.Optional", gone="pass_none")
class Optional(Kept): ...


class Stored(Kept, ayl.Sendable, ayl_name="gone.Stored", ayl_gone="discard"): ...


class Later(Stored, ayl_name="gone.Later"): ...


class Stricter(Stored, ayl_name="gone.Stricter", ayl_gone="bury"): ...


SEEN: list[tuple[Any, ...]] = []


@ayl.task("gone.take")
def take(*objects: Any, **named: Any) -> None:
    SEEN.append((*objects, named))


@pytest.fixture(autouse=True)
def _empty() -> None:
    SEEN.clear()


def gone(policy: str) -> Gone:
    return Gone(REASON, policy)


def fate(name: str) -> str:
    """The policy that the worker gets to know when an object of this class is gone."""
    with pytest.raises(Gone, match=rf"^{name} 0 exists no more$") as caught:
        perform(written(on={"$ref": [name, 0]}, do="greet"))
    return caught.value.policy


def test_a_class_says_what_becomes_of_calls_for_what_is_gone() -> None:
    assert fate("gone.Buried") == "bury"
    assert fate("gone.Discarded") == "discard"
    assert fate("gone.Stored") == "discard"


def test_a_subclass_says_the_same_unless_it_says_something_itself() -> None:
    assert fate("gone.Later") == "discard"
    assert fate("gone.Stricter") == "bury"


def test_a_policy_that_does_not_exist_is_refused_where_it_is_declared() -> None:
    with pytest.raises(InvalidOption, match=r"^gone is one of bury, discard, pass_none, not 'pass_nil'$"):
        ayl.model("gone.Wrong", gone="pass_nil")(Kept)  # type: ignore[call-overload]
    with pytest.raises(NotRegistered):
        registry.model("gone.Wrong")


# In the call


ABSENT: dict[str, tuple[list[Any], dict[str, Any], tuple[Any, ...]]] = {
    "an argument": ([{"$ref": ["gone.Optional", 0]}, 1], {}, (None, 1, {})),
    "a keyword": ([], {"who": {"$ref": ["gone.Optional", 0]}}, ({"who": None},)),
    "deep in an argument": ([{"a": [{"$ref": ["gone.Optional", 0]}]}], {}, ({"a": [None]}, {})),
    "twice": ([{"$ref": ["gone.Optional", 0]}, {"$ref": ["gone.Optional", 0]}], {}, (None, None, {})),
}


@pytest.mark.parametrize("where", ABSENT)
def test_none_is_passed_wherever_the_object_was_named(where: str) -> None:
    args, kwargs, seen = ABSENT[where]
    perform(written(do="gone.take", args=args, kwargs=kwargs))
    assert [seen] == SEEN


def test_of_several_only_those_that_are_gone_are_none() -> None:
    perform(written(do="gone.take", args=[{"$ref": ["gone.Optional", key]} for key in (1, 0, 2)]))
    ((first, second, third, _),) = SEEN
    assert (first.id, second, third.id) == (1, None, 2)


def test_on_none_nothing_can_be_called() -> None:
    text = r"^the receiver of gone\.Optional\.greet exists no more, and nothing can be called on None$"
    with pytest.raises(Gone, match=text) as caught:
        perform(written(on={"$ref": ["gone.Optional", 0]}, do="greet"))
    assert isinstance(decide(Policy(), Past(again=True), caught.value), Buried)


def test_one_that_buries_and_one_that_passes_none_go_together() -> None:
    with pytest.raises(Gone, match=r"^gone\.Buried 0"):
        perform(written(do="gone.take", args=[{"$ref": ["gone.Optional", 0]}, {"$ref": ["gone.Buried", 0]}]))
    assert SEEN == []


@pytest.mark.parametrize("name", ["gone.Buried", "gone.Discarded", "gone.Optional"])
def test_what_cannot_be_asked_for_is_not_gone_whatever_the_policy(name: str) -> None:
    with pytest.raises(Unavailable, match="the store is closed"):
        perform(written(do="gone.take", args=[{"$ref": [name, 13]}]))


# What becomes of the job


@pytest.mark.parametrize("handler", HANDLERS)
class TestWhateverTheHandlerOfItsFailures:
    policy: ClassVar[dict[str, Policy]] = {handler: Policy(handler, 7, 3) for handler in HANDLERS}

    @pytest.mark.parametrize("policy", ["bury", "pass_none"])
    def test_a_young_job_is_tried_once_more(self, handler: str, policy: str) -> None:
        young = GONE_YOUNG_SECONDS - 1
        assert decide(self.policy[handler], Past(age=young), gone(policy)) == Delayed(GONE_RETRY_SECONDS, REASON)
        assert decide(self.policy[handler], Past(age=young, again=True), gone(policy)) == Buried(REASON)

    @pytest.mark.parametrize("policy", ["bury", "pass_none"])
    def test_an_older_one_is_buried_at_once(self, handler: str, policy: str) -> None:
        assert decide(self.policy[handler], Past(age=GONE_YOUNG_SECONDS), gone(policy)) == Buried(REASON)

    @pytest.mark.parametrize("age", [0, GONE_YOUNG_SECONDS])
    @pytest.mark.parametrize("again", [False, True])
    def test_one_that_is_not_missed_is_deleted_at_once(self, handler: str, age: int, again: bool) -> None:
        assert decide(self.policy[handler], Past(again=again, age=age), gone("discard")) == Deleted(REASON)


def test_the_second_try_comes_before_the_job_is_old() -> None:
    assert 0 < GONE_RETRY_SECONDS < GONE_YOUNG_SECONDS == 10
