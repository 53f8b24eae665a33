"""What a process calls itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ayl.worker import proctitle

if TYPE_CHECKING:
    import pytest


def test_without_the_library_there_are_no_titles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "setproctitle", None)
    assert proctitle.setter("ayl_worker") is None


def test_with_it_there_are() -> None:
    assert proctitle.setter("ayl_worker") is not None
