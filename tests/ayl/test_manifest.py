"""What a release may be asked for, written down, and whether what was asked of another fits it."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal  # noqa: TC003 - as above
from enum import Enum
from itertools import chain, combinations_with_replacement, permutations, product
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ayl
from ayl.annotations import check_of
from ayl.errors import ArgumentsDoNotFit
from ayl.manifest import Manifest, manifest, problems, read, write
from ayl.manifest.annotations import takes_all, told
from ayl.manifest.parameters import misfits
from ayl.manifest.surface import Method, Model, Parameter, Task, Upgrade, Value
from ayl.targets import Target

if TYPE_CHECKING:
    from collections.abc import Iterator


@ayl.value("manifest.Colour")
class Colour(Enum):
    RED = 1
    BLUE = 2


@ayl.value("manifest.Money")
@dataclass
class Money:
    amount: Decimal
    currency: str = "EUR"


@ayl.model("manifest.Customer")
class Customer:
    @classmethod
    def find(cls, key: int) -> Customer:
        return cls()


@ayl.model("manifest.Order", was=["manifest.Purchase"])
class Order:
    field = 3

    @classmethod
    def find(cls, key: int) -> Order:
        return cls()

    def ship(
        self, carrier: str, /, *rest: int, to: Customer | None = None, price: Money | None = None, **odd: Any
    ) -> None: ...

    def paint(self, colour: Literal["red", 3] | Colour, mixed: Sequence[Mapping[str, typing.Any]] = ()) -> None: ...

    @staticmethod
    def count() -> None: ...

    @property
    def size(self) -> int:
        return 3

    def _charge(self) -> None: ...

    def each(self) -> Any:
        yield 1


@ayl.task("manifest.restock", was=["manifest.refill"])
def restock(thing: str, number: int = 1) -> None: ...


def param(name: str, kind: str = "positional_or_keyword", default: bool = False, annotation: str = "") -> Parameter:
    return Parameter(name, kind, default, annotation)  # type: ignore[arg-type]


class TestWhatIsWritten:
    @pytest.fixture(autouse=True)
    def upgrades(self) -> None:
        ayl.upgrade("manifest.Box", to="manifest.Order")
        ayl.upgrade("manifest.Order.ship", before="1.10")(unchanged)
        ayl.upgrade("manifest.Order.ship", before="1.9")(unchanged)

    def test_it_holds_all_that_a_message_may_name(self) -> None:
        found = manifest("shop", "1.4")
        assert (found.app, found.version, found.format) == ("shop", "1.4", 1)
        order = found.models["manifest.Order"]
        assert order.was == ("manifest.Purchase",)
        assert sorted(order.methods) == ["count", "find", "paint", "ship"]
        assert [name for name, method in order.methods.items() if method.on_class] == ["count", "find"]
        assert order.methods["ship"].parameters == (
            param("carrier", "positional_only", annotation="str"),
            param("rest", "var_positional", annotation="int"),
            param("to", "keyword_only", True, "manifest.Customer | None"),
            param("price", "keyword_only", True, "manifest.Money | None"),
            param("odd", "var_keyword"),
        )
        assert order.methods["paint"].parameters == (
            param("colour", annotation="Literal['red'] | Literal[3] | manifest.Colour"),
            param("mixed", default=True, annotation="collections.abc.Sequence[collections.abc.Mapping[str, Any]]"),
        )
        assert found.tasks["manifest.restock"] == Task(
            (param("thing", annotation="str"), param("number", default=True, annotation="int")), ("manifest.refill",)
        )
        assert found.values["manifest.Money"] == Value(fields=("amount", "currency"))
        assert found.values["manifest.Colour"] == Value(members=("BLUE", "RED"))
        by = "tests.ayl.test_manifest.unchanged"
        assert [one for one in found.upgrades if one.old.startswith("manifest.")] == [
            Upgrade("manifest.Box", to="manifest.Order"),
            Upgrade("manifest.Order.ship", "1.9", by=by),
            Upgrade("manifest.Order.ship", "1.10", by=by),
        ]

    def test_its_text_is_always_the_same_and_can_be_read_again(self) -> None:
        found = manifest("shop", "1.4")
        text = write(found)
        assert write(read(text.encode(), "a file")) == text
        names = [*json.loads(text)["models"]]
        assert names == sorted(names)
        longer = {**found.models, "a.First": Model({})}
        added = write(Manifest(app="shop", version="1.4", models=longer, tasks=found.tasks, values=found.values))
        assert '    "a.First": {\n      "methods": {}\n    },\n' in added


def unchanged(call: ayl.Call) -> ayl.Call:
    return call


def release(version: str = "1.5", **parts: Any) -> Manifest:
    return Manifest(app="shop", version=version, **parts)


def only(methods: dict[str, Method], name: str = "shop.Order", **more: Any) -> Manifest:
    return release(models={name: Model(methods, **more)})


OLD = release(
    "1.4",
    models={"shop.Order": Model({"ship": Method((param("carrier"),)), "count": Method((), on_class=True)})},
    tasks={"shop.restock": Task((param("thing"),))},
    values={"shop.Money": Value(("amount",)), "shop.Colour": Value(members=("RED",))},
)

SHIP = OLD.models["shop.Order"].methods


class TestProblems:
    def said(self, new: Manifest, old: Manifest = OLD) -> set[str]:
        return {f"{found.name}: {found.problem}" for found in problems(old, new)}

    def test_the_same_release_has_none(self) -> None:
        assert problems(OLD, OLD) == []

    def test_everything_that_is_gone_is_named(self) -> None:
        assert self.said(release()) == {
            "shop.Order.ship: no class 'shop.Order' is registered any more",
            "shop.Order.count: no class 'shop.Order' is registered any more",
            "shop.restock: no function 'shop.restock' is registered any more",
            "shop.Money: no value has this name any more",
            "shop.Colour: no value has this name any more",
        }

    @pytest.mark.parametrize(
        ("parts", "said"),
        [
            (
                {"models": {"shop.Order": Model({"count": Method((), on_class=True)})}},
                {"shop.Order.ship: no method 'ship' of shop.Order may be called any more"},
            ),
            (
                {"models": {"shop.Order": Model(SHIP | {"count": Method(())})}},
                {"shop.Order.count: is a method of instances now: it cannot be called on the class any more"},
            ),
            (
                {"models": {"shop.Order": Model(SHIP | {"ship": Method((param("carrier"), param("insured")))})}},
                {"shop.Order.ship: insured is new and has no default"},
            ),
            ({"models": {"shop.sales.Order": Model(SHIP, was=("shop.Order",))}}, set()),
            ({"tasks": {"shop.fill": Task((param("thing"),), was=("shop.restock",))}}, set()),
            (
                {"values": {"shop.Money": Value(("cents",)), "shop.Colour": Value(members=("BLUE",))}},
                {
                    "shop.Money: has no field 'amount' any more, which each one that was sent has",
                    "shop.Money: has a new field 'cents', which none that was sent has",
                    "shop.Colour: has no member 'RED' any more",
                },
            ),
        ],
        ids=["method", "instances", "required", "class was", "function was", "values"],
    )
    def test_each_change_is_told(self, parts: dict[str, Any], said: set[str]) -> None:
        same = {name: getattr(OLD, name) for name in ("models", "tasks", "values")}
        assert self.said(release(**same | parts)) == said

    def test_upgrades_are_applied_before(self) -> None:
        new = release(
            models={"shop.sales.Order": Model({"send": SHIP["ship"], "count": SHIP["count"]})},
            tasks={"shop.fill": Task((param("thing"), param("number")))},
            values=OLD.values,
            upgrades=(
                Upgrade("shop.Order", to="shop.sales.Order"),
                Upgrade("shop.sales.Order.ship", to="shop.sales.Order.send"),
                Upgrade("shop.restock", before="1.5", by="shop.upgrades.restock"),
            ),
        )
        assert self.said(new) == set()
        late = release("1.5", tasks=OLD.tasks)
        assert self.said(new, late) == {"shop.restock: no function 'shop.restock' is registered any more"}
        assert "nobody can tell whether that is before 1.5" in "".join(self.said(new, release("dev", tasks=OLD.tasks)))

    def test_a_class_that_was_renamed_is_the_same_in_annotations(self) -> None:
        takes = {"add": Method((param("other", annotation="list[shop.Order] | None"),))}
        now = {"add": Method((param("other", annotation="None | list[shop.sales.Order]"),))}
        assert self.said(only(now, "shop.sales.Order", was=("shop.Order",)), only(takes)) == set()
        assert self.said(only(now), only(takes)) == {
            "shop.Order.add: other was list[shop.Order] | None and is None | list[shop.sales.Order] now"
        }


TYPES: list[Any] = [
    None, bool, int, float, complex, str, bytes, bytearray, date, datetime, list, dict, tuple, object, Any,
    Colour, Literal["a"], Literal["a", 1] | None, Literal[Colour.RED], int | None, int | str, bool | str | None,
    list[int], list[bool], list[Any], list[int | str], Sequence[int], Sequence[float], dict[str, int],
    Mapping[str, Any], Mapping[str, float], tuple[int, ...], tuple[int, str], tuple[bool, str], tuple[float, ...],
    set[int], frozenset[int],
]  # fmt: skip

VALUES: list[Any] = [
    None, True, 1, 1.5, 1j, "a", "b", b"a", bytearray(b"a"), date(2026, 1, 1), datetime.now(UTC), [], [1], [True],
    [1.5], ["a"], [None], {}, {"a": 1}, {"a": True}, {"a": 1.5}, {1: 1}, (), (1,), (1, 2), (True, "a"), (1, "a"),
    (1.5, 2), {1}, {"a"}, frozenset({1}), Colour.RED, Colour.BLUE, object(),
]  # fmt: skip


def fits(annotation: Any, value: Any) -> bool:
    check = check_of(annotation)
    return check is None or check.look(value) is None


class TestAnnotations:
    def test_what_is_told_to_take_all_does(self) -> None:
        wider = [(wide, narrow) for wide in TYPES for narrow in TYPES if takes_all(told(wide), told(narrow))]
        wrong = [pair for pair in wider for value in VALUES if fits(pair[1], value) and not fits(pair[0], value)]
        assert wrong == []
        assert len(wider) > 3 * len(TYPES)

    @pytest.mark.parametrize("annotation", TYPES, ids=str)
    def test_each_takes_itself(self, annotation: Any) -> None:
        assert takes_all(told(annotation), told(annotation))

    @pytest.mark.parametrize(
        ("wide", "narrow"),
        [
            ("int | None", "int"),
            ("None | str | int", "int | str"),
            ("float", "int"),
            ("complex", "bool"),
            ("str", "Literal['a, b'] | Literal['|']"),
            ("shop.Colour", "Literal[shop.Colour.RED]"),
            ("list[float]", "list[bool]"),
            ("list", "list[int]"),
            ("collections.abc.Sequence[int]", "list[int]"),
            ("collections.abc.Mapping[str, Any]", "dict[str, int]"),
            ("tuple[int, ...]", "tuple[bool, int]"),
            ("date", "datetime"),
            ("", "shop.Order"),
            ("shop.f.<locals>.Order", "shop.f.<locals>.Order"),
        ],
    )
    def test_what_is_wider_is_known_to_be(self, wide: str, narrow: str) -> None:
        assert takes_all(wide, narrow)

    @pytest.mark.parametrize(
        ("wide", "narrow"),
        [
            ("int", ""),
            ("int", "int | None"),
            ("int", "float"),
            ("Literal['a']", "str"),
            ("Literal[1]", "Literal[True]"),
            ("list[int]", "list"),
            ("list[int]", "list[int | None]"),
            ("tuple[int, str]", "tuple[int, ...]"),
            ("tuple[int, ...]", "tuple"),
            ("shop.Order", "shop.Customer"),
        ],
    )
    def test_what_is_not_is_told(self, wide: str, narrow: str) -> None:
        assert not takes_all(wide, narrow)


def parsed(text: str) -> list[Parameter]:
    """Parameters as Python writes them, of small letters."""
    namespace: dict[str, Any] = {}
    exec(f"def f({text}): ...", namespace)  # noqa: S102 - a text of ours
    kinds = [
        "positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword",
    ]  # fmt: skip
    return [
        param(one.name, kinds[one.kind], one.default is not one.empty)
        for one in inspect.signature(namespace["f"]).parameters.values()
    ]


class TestParameters:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("", "", []),
            ("a", "a", []),
            ("a", "a, b=1, *rest, c=2, **odd", []),
            ("a, /", "b, /", []),
            ("a, /", "a", []),
            ("a", "a=1", []),
            ("*, a", "a", []),
            ("*, a", "**odd", []),
            ("a, b", "*rest, **odd", []),
            ("*, a=1, b", "*, b, a=1", []),
            ("a", "", ["a is gone"]),
            ("a, /", "", ["a is gone"]),
            ("*, a", "", ["a is gone"]),
            ("*rest", "", ["*rest is gone"]),
            ("**odd", "", ["**odd is gone"]),
            ("a", "*rest", ["a is gone"]),
            ("a", "**odd", ["a is gone"]),
            ("a", "a, b", ["b is new and has no default"]),
            ("a", "a, *, b", ["b is new and has no default"]),
            ("a=1", "a", ["a has no default any more"]),
            ("a=1, /", "a, /", ["a has no default any more"]),
            ("*, a=1", "*, a", ["a has no default any more"]),
            ("a", "a, /", ["a cannot be given by its name any more"]),
            ("a", "a, /, **odd", ["a cannot be given by its name any more"]),
            ("a", "*, a", ["a cannot be given by its place any more"]),
            ("*, a", "a, /", ["a cannot be given by its name any more"]),
            ("a", "b", ["a is gone"]),
            ("a, b", "b, a", ["a is not at place 1 any more: b is", "b is not at place 2 any more: a is"]),
            ("a, /, *, b", "b", ["b may now be given by its place, where other arguments are"]),
            ("*rest", "a=1, *rest", ["a would take what *rest took"]),
            ("**odd", "a=1, **odd", ["a would take what **odd took"]),
            ("a, /, **odd", "a, **odd", ["a would take what **odd took"]),
        ],
    )
    def test_each_change_is_told_as_what_it_is(self, old: str, new: str, said: list[str]) -> None:
        assert misfits(parsed(old), parsed(new)) == said


NAMES = ("a", "b", "c")


@st.composite
def parameters(draw: st.DrawFn) -> list[Parameter]:
    """Any that Python allows, of a few names."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, 3))]
    kinds = sorted(draw(st.lists(st.sampled_from([0, 1, 3]), min_size=len(names), max_size=len(names))))
    defaults = [draw(st.booleans()) for _ in names]
    placed = sum(kind < 3 for kind in kinds)
    defaults[:placed] = sorted(defaults[:placed])
    words = {0: "positional_only", 1: "positional_or_keyword", 3: "keyword_only"}
    annotation = st.sampled_from([*HINTS])
    found = [
        param(name, words[kind], default, draw(annotation))
        for name, kind, default in zip(names, kinds, defaults, strict=True)
    ]
    if draw(st.booleans()):
        found.insert(placed, param("rest", "var_positional", annotation=draw(annotation)))
    if draw(st.booleans()):
        found.append(param("odd", "var_keyword", annotation=draw(annotation)))
    return found


KINDS = {kind.name.lower(): kind for kind in inspect._ParameterKind}
HINTS = {"": Any, "int": int, "str": str, "int | None": int | None}


def target(of: list[Parameter]) -> Target:
    """A function that has these, as a worker sees it."""

    def function(*args: Any, **kwargs: Any) -> None: ...

    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                one.name,
                KINDS[one.kind],
                default=0 if one.default else inspect.Parameter.empty,
                annotation=HINTS[one.annotation],
            )
            for one in of
        ]
    )
    return Target("f", "", function, bound=0)


def binds(function: Target, args: list[Any], kwargs: dict[str, Any]) -> bool:
    try:
        function.check(args, kwargs)
        function.check_values(args, kwargs)
    except ArgumentsDoNotFit:
        return False
    return True


def every_shape(names: Sequence[str]) -> Iterator[list[Parameter]]:
    """All parameters of at most these names that Python allows, without annotations."""
    words = ("positional_only", "positional_or_keyword", "keyword_only")
    for some in chain.from_iterable(permutations(names, length) for length in range(len(names) + 1)):
        for kinds in combinations_with_replacement(range(3), len(some)):
            for defaults in product((False, True), repeat=len(some)):
                placed = [default for kind, default in zip(kinds, defaults, strict=True) if kind < 2]
                if placed != sorted(placed):
                    continue
                made = [
                    param(name, words[kind], default) for name, kind, default in zip(some, kinds, defaults, strict=True)
                ]
                for rest, odd in product(([], [param("rest", "var_positional")]), ([], [param("odd", "var_keyword")])):
                    yield [*made[: len(placed)], *rest, *made[len(placed) :], *odd]


def test_of_all_small_signatures_whatever_binds_and_is_told_compatible_binds() -> None:
    calls = [(places, names) for places in range(4) for names in product((False, True), repeat=3)]
    shapes = [*every_shape("ab")]
    taken = []
    for shape in shapes:
        function = target(shape)
        named = [{name: 1 for name, is_given in zip("abc", names, strict=True) if is_given} for _, names in calls]
        taken.append(
            {number for number, (places, _) in enumerate(calls) if binds(function, [1] * places, named[number])}
        )
    pairs = [*product(range(len(shapes)), repeat=2)]
    compatible = [(old, new) for old, new in pairs if not misfits(shapes[old], shapes[new])]
    wrong = [(shapes[old], shapes[new]) for old, new in compatible if not taken[old] <= taken[new]]
    assert wrong[:1] == []
    # Nor is it too strict: of those that bind whatever the other does, a third keeps the meaning of each argument.
    assert len(compatible) > sum(taken[old] <= taken[new] for old, new in pairs) / 4


@settings(max_examples=100)
@given(old=parameters(), data=st.data())
def test_whatever_fits_with_its_types_and_is_told_compatible_fits(old: list[Parameter], data: Any) -> None:
    def changed(one: Parameter) -> Parameter:
        annotation = data.draw(st.sampled_from([one.annotation, *HINTS]))
        return param(one.name, one.kind, one.default, annotation)

    new = [changed(one) for one in old]
    if misfits(old, new):
        return
    value = st.sampled_from([1, "x", None])
    args = data.draw(st.lists(value, max_size=4))
    kwargs = data.draw(st.dictionaries(st.sampled_from([*NAMES, "d"]), value, max_size=3))
    if binds(target(old), args, kwargs):
        assert binds(target(new), args, kwargs)
