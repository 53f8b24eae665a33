"""Facts that hold however calls are run, whatever the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.processes.servers import AYL_SERVER, KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping


def each_way(names: str, ways: Mapping[str, tuple[Any, ...]]) -> pytest.MarkDecorator:
    """A test for each way, at our server; and one for the first of them at each other. `names`: what a way gives to the
    test; one name has all of it.
    """
    chosen = [(AYL_SERVER, way) for way in ways] + [(kind, next(iter(ways))) for kind in KINDS if kind != AYL_SERVER]
    return pytest.mark.parametrize(
        f"server, {names}",
        [(kind, *(ways[way] if "," in names else [ways[way]])) for kind, way in chosen],
        ids=[f"{kind.name}-{way}" for kind, way in chosen],
        indirect=["server"],
    )
