"""The short form of `python -m tests.cli.many_jobs`."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from ayl.cli.beanstalk import ayl_beanstalk
from tests.ayl.conftest import _clean

from .long_commands import LONG, Long
from .many_jobs import completed, interrupted
from .matrix import MODULE
from .operators import commands
from .scenes import fresh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ayl.admin import Server

__all__ = ["_clean"]


@pytest.fixture(autouse=True)
def _afresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop(MODULE, None)


@pytest.mark.parametrize("long", LONG, ids=lambda long: long.name)
def test_what_takes_long_tells_how_far_it_is_and_after_ctrl_c_what_was_done(
    long: Long, common_server: Server, tmp_path: Path
) -> None:
    scene = fresh(common_server, tmp_path, long.jobs)

    def run(server: Server, words: Sequence[str]) -> tuple[int, str]:
        done = CliRunner().invoke(ayl_beanstalk, ["-h", str(server), "-t", scene.tube, *words])
        return done.exit_code, done.stdout

    until = long.until or completed(scene, long, run) // 3
    interrupted(fresh(common_server, tmp_path, long.jobs), long, until)


def test_every_command_that_takes_long_is_among_them() -> None:
    followed = {
        name
        for name, command in commands().items()
        if command.callback and "request.follow(" in inspect.getsource(inspect.unwrap(command.callback))
    }
    assert followed == {long.name for long in LONG}
