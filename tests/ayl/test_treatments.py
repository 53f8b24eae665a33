"""Rules by exception: declared beside the code, asked by the worker."""

from __future__ import annotations

from typing import Any

import pytest

import ayl
from ayl.calling import rules_for
from ayl.errors import CannotRun, InvalidOption, TimeToRunExceeded, Unavailable
from ayl.treatments import SETTLED, compiled, treatment
from tests.ayl.conftest import written


class NoCustomer(LookupError): ...


@ayl.task("treated.remind", retry_on=TimeoutError, discard_on=(NoCustomer, KeyError), bury_on=[ValueError])
def remind() -> None: ...


@ayl.task("treated.plain")
def plain() -> None: ...


@ayl.model("treated.Base", discard_on=KeyError)
class Base:
    @classmethod
    def find(cls, key: int) -> Base:
        return cls()

    @ayl.rules(bury_on=NoCustomer)
    def ship(self) -> None: ...

    def clear(self) -> None: ...

    @classmethod
    @ayl.rules(retry_on=OSError)
    def below(cls) -> None: ...

    @ayl.rules(retry_on=OSError)
    @staticmethod
    def above() -> None: ...


class Order(Base, ayl.Sendable, ayl_name="treated.Order", ayl_bury_on=LookupError, ayl_retry_on=(OSError,)):
    def clear(self) -> None: ...


class Draft(ayl.Sendable, ayl_name=None, ayl_discard_on=OSError):
    """Abstract: its rules are those of what comes of it."""

    @classmethod
    def find(cls, key: int) -> Draft:
        return cls()


class Letter(Draft, ayl_name="treated.Letter"):
    def send(self) -> None: ...


def of(do: str, on: Any = None, *, error: BaseException) -> str | None:
    return treatment(error, rules_for(written(do=do, on=on)))


def on(name: str) -> dict[str, Any]:
    return {"$ref": [name, 1]}


@pytest.mark.parametrize(
    ("error", "treated"),
    [
        (TimeoutError(), "retry"), (TimeToRunExceeded("1 s"), "retry"),
        (NoCustomer(), "discard"), (KeyError(), "discard"), (ValueError(), "bury"), (UnicodeError(), "bury"),
        (LookupError(), None), (RuntimeError(), None), (SystemExit(), None),
        (ExceptionGroup("", [TimeoutError(), ExceptionGroup("", [TimeoutError()])]), "retry"),
        (ExceptionGroup("", [TimeoutError(), KeyError()]), None),
    ],
)  # fmt: skip
def test_a_function_says_what_becomes_of_its_calls_by_what_they_raise(
    error: BaseException, treated: str | None
) -> None:
    assert of("treated.remind", error=error) == treated


def test_the_nearest_class_of_several_that_fit_holds() -> None:
    rules = [compiled({"retry_on": OSError, "bury_on": ConnectionError, "discard_on": BrokenPipeError})]
    assert [treatment(error(), rules) for error in (OSError, ConnectionResetError, BrokenPipeError)] == [
        "retry", "bury", "discard",
    ]  # fmt: skip


def test_a_method_s_rules_are_asked_before_its_class_s_and_that_before_its_bases() -> None:
    assert of("ship", on("treated.Base"), error=NoCustomer()) == "bury"
    assert of("ship", on("treated.Base"), error=KeyError()) == "discard"
    assert of("clear", on("treated.Base"), error=NoCustomer()) is None
    assert of("clear", on("treated.Order"), error=KeyError()) == "bury"
    assert of("clear", on("treated.Order"), error=OSError()) == "retry"
    assert of("ship", on("treated.Order"), error=NoCustomer()) == "bury"
    assert of("send", on("treated.Letter"), error=OSError()) == "discard"


@pytest.mark.parametrize("name", ["below", "above"])
def test_it_does_not_matter_which_decorator_stands_above(name: str) -> None:
    assert of(name, {"$ref": ["treated.Base"]}, error=OSError()) == "retry"


@pytest.mark.parametrize(
    ("do", "on"),
    [
        ("treated.plain", None), ("treated.unknown", None), ("ship", {"$ref": ["treated.Unknown", 1]}), ("append", []),
        ("ship", {"$ref": []}), ("ship", {"$ref": [["x"], 1]}), ("ship", {"$ref": "treated.Base"}), ("ship", 5),
        ("vanished", {"$ref": ["treated.Letter", 1]}),
    ],
)  # fmt: skip
def test_a_message_that_names_nothing_has_no_rules_of_a_method(do: str, on: Any) -> None:
    assert of(do, on, error=NoCustomer()) in (None, "discard")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"retry_on": "TimeoutError"}, "retry_on takes classes of exceptions, not 'TimeoutError'"),
        ({"retry_on": 3}, "retry_on takes classes of exceptions, not 3"),
        ({"bury_on": (int,)}, "bury_on takes classes of exceptions, not <class 'int'>"),
        ({"bury_on": ValueError("x")}, "bury_on takes classes of exceptions"),
        ({"retry_on": OSError, "bury_on": [OSError]}, "OSError is in two rules: bury_on, and one before it"),
        ({"retry": OSError}, "unknown rule 'retry'; known are retry_on, discard_on, bury_on"),
        ({"discard_on": Unavailable}, "discard_on has no say in Unavailable"),
        ({"discard_on": CannotRun}, "discard_on has no say in CannotRun"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_where_it_is_declared(given: Any, said: str) -> None:
    for declare in (ayl.rules, ayl.task, ayl.model):
        with pytest.raises(InvalidOption) as caught:
            declare(**given)
        assert str(caught.value).startswith(said)


def test_what_ayl_decides_is_no_rule_s_to_decide() -> None:
    assert all(issubclass(error, Exception) for error in SETTLED)
    assert treatment(Unavailable("x"), [compiled({"discard_on": Exception})]) == "discard", "which is why it asks first"


def test_a_rule_given_twice_for_the_same_end_is_one() -> None:
    assert compiled({"retry_on": (OSError, OSError)}) == {OSError: "retry"}
    assert compiled({}) == {}
