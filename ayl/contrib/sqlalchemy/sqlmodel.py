"""SQLModel has the class keywords that it does not know swallowed, those of `ayl.Sendable` too: an error says so."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from sqlmodel.main import SQLModelMetaclass

from ayl.errors import NotRegistered


def _refusing(init: Callable[..., None]) -> Callable[..., None]:
    @wraps(init)
    def refusing(cls: type, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **keywords: Any) -> None:
        # The first place that hears of a class after `__init_subclass__`, which has registered it without them.
        swallowed = sorted(keyword for keyword in keywords if keyword.startswith("ayl_"))
        if swallowed:
            raise NotRegistered(
                f"SQLModel keeps {', '.join(swallowed)} of the class {name} from ayl.Sendable; give it to a decorator: "
                f'@ayl.model("app.{name}", methods=[…], gone=…, was=[…])'
            )
        init(cls, name, bases, namespace, **keywords)

    return refusing


SQLModelMetaclass.__init__ = _refusing(SQLModelMetaclass.__init__)  # type: ignore[method-assign]
