"""Registering a class lets messages call what its author wrote, and nothing that its framework brings along."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from collections import UserList
from pathlib import Path
from threading import Thread
from typing import Any

import pydantic
import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun, NotCallable
from tests.ayl.conftest import written
from tests.ayl.hostile import app

REACHED: list[str] = []
OWN = ["count_all", "ship"]

SENDABLE = {
    "DjangoOrder": ["count_all", "save", "ship", "ship_safely"],  # it has a save of its own
    "DjangoProxy": ["count_all", "save", "ship", "ship_safely"],
    "DjangoUser": OWN,
    "PeeweeOrder": OWN,
    "PlayhouseOrder": OWN,
    "SqlalchemyOrder": ["check_id", *OWN],
    "SqlmodelOrder": OWN,
    "PydanticOrder": ["count_all", "positive", "ship"],
    "PydanticRoot": OWN,
    "AttrsOrder": OWN,
    "StructOrder": OWN,
    "AllowedOrder": ["delete_instance", "ship"],
}


@pytest.fixture(scope="module")
def sendable() -> Any:
    """Found in a process of its own: Django is configured once in each."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-W", "ignore", "-m", "tests.ayl.hostile.frameworks"]
    return json.loads(subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout)


@pytest.mark.parametrize("name", SENDABLE)
def test_only_what_the_author_wrote_or_names_can_be_sent(name: str, sendable: dict[str, list[str]]) -> None:
    assert sendable[name] == SENDABLE[name]


@ayl.value("frameworks.Model")
class Model(pydantic.BaseModel):
    amount: int

    def double(self) -> None:
        REACHED.append("double")


class Pickled:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return REACHED.append, ("unpickled",)


PICKLE = {"$t": ["bytes", base64.b64encode(pickle.dumps(Pickled())).decode()]}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("do", "args", "kwargs"),
    [
        ("parse_raw", [PICKLE], {"proto": "pickle", "allow_pickle": True}),
        ("parse_file", ["/etc/passwd"], {}),
        ("model_copy", [], {}),
    ],
)
def test_what_a_values_framework_brings_is_not_called(do: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    on = {"$t": ["value", "frameworks.Model", {"amount": 1}]}
    REACHED.clear()
    with pytest.raises(CannotRun, match=f"{do} is not the class's own but pydantic.main's, and cannot be sent$"):
        calling.perform(written(on=on, do=do, args=args, kwargs=kwargs))
    assert REACHED == []
    calling.perform(written(on=on, do="double"))
    assert REACHED == ["double"]


class Running(pydantic.BaseModel):
    def run(self, *_args: Any) -> None: ...


def test_a_models_field_that_hides_a_method_is_not_called() -> None:
    # What a message puts there could be a class, which would be made.
    with pytest.warns(UserWarning, match="shadows an attribute"):

        class Hidden(Running):
            run: Any = None

    ayl.value("frameworks.Hidden")(Hidden)
    on = {"$t": ["value", "frameworks.Hidden", {"run": {"$ref": ["hostile.Safe"]}}]}
    app.REACHED.clear()
    with pytest.raises(CannotRun, match=r"Hidden\.run is a field"):
        calling.perform(written(on=on, do="run", args=[1]))
    assert app.REACHED == []


class Files(type(Path())):  # type: ignore[misc] # a concrete Path
    def tidy(self) -> None: ...


class Background(Thread):
    def tidy(self) -> None: ...


class Basket(UserList[int]):
    def tidy(self) -> None: ...


class Bag(dict[str, int]):
    def tidy(self) -> None: ...


@pytest.mark.parametrize(
    ("cls", "name", "module"),
    [(Files, "unlink", "pathlib"), (Background, "start", "threading"), (Basket, "clear", "collections")],
)
def test_what_pythons_own_library_brings_is_not_called(cls: Any, name: str, module: str) -> None:
    ayl.model("frameworks.Library")(cls)
    with pytest.raises(NotCallable, match=f"frameworks.Library.{name} is not the class's own but {module}'s") as caught:
        ayl.ayl_send(cls, name)
    assert "methods=[…] of @ayl.model can allow it by name" in str(caught.value)
    with pytest.raises(CannotRun, match=f"not the class's own but {module}'s"):
        calling.perform(written(on={"$ref": ["frameworks.Library"]}, do=name))


def test_the_methods_of_builtin_types_come_along() -> None:
    @ayl.model("frameworks.Bag2")
    class Found(Bag):
        find = classmethod(lambda cls, key: cls(a=1))

    calling.perform(written(on={"$ref": ["frameworks.Bag2", 1]}, do="clear"))
    calling.perform(written(on={"$ref": ["frameworks.Bag2", 1]}, do="tidy"))


def test_a_library_method_that_is_named_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    @ayl.model("frameworks.Basket", methods=["clear"])
    class Named(Basket):
        find = classmethod(lambda cls, key: cls([1]))

    calling.perform(written(on={"$ref": ["frameworks.Basket", 1]}, do="clear"))
    with pytest.raises(CannotRun, match="tidy is not among the methods that may be sent: clear"):
        calling.perform(written(on={"$ref": ["frameworks.Basket", 1]}, do="tidy"))
