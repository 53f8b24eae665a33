"""Registering a class lets messages call what its author wrote, and nothing that its framework brings along."""

from __future__ import annotations

import base64
import pickle
from typing import Any

import pydantic
import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun
from tests.ayl.conftest import written

REACHED: list[str] = []


@ayl.value("frameworks.Model")
class Model(pydantic.BaseModel):
    amount: int

    def double(self) -> None:
        REACHED.append("double")


class Pickled:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return REACHED.append, ("unpickled",)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("do", "args", "kwargs"),
    [
        (
            "parse_raw",
            [{"$t": ["bytes", base64.b64encode(pickle.dumps(Pickled())).decode()]}],
            {"proto": "pickle", "allow_pickle": True},
        ),
        ("parse_file", ["/etc/passwd"], {}),
    ],
)
def test_what_a_values_framework_brings_is_not_called(do: str, args: list[Any], kwargs: dict[str, Any]) -> None:
    on = {"$t": ["value", "frameworks.Model", {"amount": 1}]}
    REACHED.clear()
    with pytest.raises(CannotRun, match=do):
        calling.perform(written(on=on, do=do, args=args, kwargs=kwargs))
    assert REACHED == []
    calling.perform(written(on=on, do="double"))
    assert REACHED == ["double"]
