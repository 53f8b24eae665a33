"""The short form of `python -m tests.cli.killed_moves`."""

import pytest

from .killed_moves import campaign
from .servers import KINDS, Kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_nothing_is_lost_when_the_command_or_the_server_is_killed(kind: Kind) -> None:
    assert "none is lost" in campaign(kind, kills=3, jobs=200, seed=6, longest=0.1)
