"""What cannot be declared, and what is said about it: at import, not in a worker."""

from __future__ import annotations

import functools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.errors import NotRegistered
from ayl.registry import registry

if TYPE_CHECKING:
    from pathlib import Path


@ayl.model("undeclarable.Plain")
class Plain: ...


@ayl.task("undeclarable.restock")
def restock() -> None: ...


def test_a_lambda_has_no_name_that_a_worker_could_find() -> None:
    nameless = eval("lambda: 1", {"__name__": __name__})  # noqa: S307 - made outside of any function
    with pytest.raises(NotRegistered, match="<lambda>"):
        ayl.task(nameless)


def test_what_is_declared_inside_a_function_needs_a_name() -> None:
    def function() -> None: ...

    with pytest.raises(NotRegistered, match=r'inside a function.*move it to the top.*@ayl\.model\("[\w.]+\.Order"\)'):
        ayl.model(type("Order", (), {"__qualname__": "make.<locals>.Order"}))
    with pytest.raises(NotRegistered, match=r'inside a function.*@ayl\.task\("[\w.]+\.function"\)'):
        ayl.task(function)


def test_the_cure_for_a_sendable_class_is_its_own_keyword() -> None:
    with pytest.raises(NotRegistered, match=r'ayl_name="[\w.]+\.Order"'):

        class Order(ayl.Sendable): ...


def test_what_is_declared_in_main_needs_a_name(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import ayl\n"
        "def attempt(declare):\n"
        "    try: declare()\n"
        "    except (ayl.AylError, ValueError) as error: print(' '.join(str(error).split()))\n"
        "class Order: pass\n"
        "def ship(): pass\n"
        "attempt(lambda: ayl.model(Order))\n"
        "attempt(lambda: ayl.task(ship))\n"
        "attempt(lambda: ayl.value(Order))\n"
        "ayl.model('local.Order')(Order)\n"
        "ayl.task('local.ship')(ship)\n"
        "print('fine')\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout.splitlines()
    for line, cure in zip(said, ['@ayl.model("app.Order")', '@ayl.task("app.ship")', "@ayl.value"], strict=False):
        assert "is defined in __main__" in line
        assert "move it into a module" in line
        assert cure in line
    assert said[3:] == ["fine"]


@pytest.mark.parametrize("thing", [restock, 3, None, "nothing to decorate", Plain()], ids=repr)
def test_only_classes_are_models(thing: Any) -> None:
    with pytest.raises(NotRegistered, match=r"@ayl\.model is for classes.*functions take @ayl\.task"):
        ayl.model("local.Thing")(thing)


@pytest.mark.parametrize("thing", [Plain, 3, None, classmethod(print)], ids=repr)
def test_only_functions_are_tasks(thing: Any) -> None:
    with pytest.raises(NotRegistered, match=r"@ayl\.task is for functions.*classes take @ayl\.model"):
        ayl.task("local.thing")(thing)


def test_a_static_method_is_a_task_by_the_function_within() -> None:
    with pytest.raises(NotRegistered, match=r"place @ayl\.task below @staticmethod of restock"):
        ayl.task("local.thing")(staticmethod(restock))


def test_a_method_is_no_task_and_its_class_is_what_to_declare() -> None:
    with pytest.raises(NotRegistered, match=r"Order\.ship is a method, .*declare its class with @ayl\.model"):

        class Order:
            @ayl.task("local.ship")
            def ship(self) -> None: ...

    class Shelf:
        @staticmethod
        @ayl.task("local.fill")
        def fill() -> None: ...

    assert registry.tasks["local.fill"] is Shelf.fill


def test_a_callable_without_a_name_of_its_own_needs_one() -> None:
    nameless = functools.partial(restock)
    with pytest.raises(NotRegistered, match=r'give it .*@ayl\.task\("'):
        ayl.task(nameless)


@pytest.mark.parametrize("name", [" ", " shop.Order", "local.Order\n", "shop\0", "\x1b[2J"], ids=repr)
def test_a_name_is_printable_text(name: str) -> None:
    with pytest.raises(NotRegistered, match="is no name for a "):
        ayl.model(name)(type("Order", (), {}))
    with pytest.raises(NotRegistered, match="is no name for a "):
        ayl.task(name)(lambda: None)
