"""A short campaign; the long one is `python -m tests.outages --kills 100 --seed 1`."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from ayl.engines.fallback import DRAIN_SECONDS

from .campaign import run
from .figures import Account, Call, judged, table
from .sender import SEND_TIMEOUT

if TYPE_CHECKING:
    from pathlib import Path

SLOW_MACHINE = 2.0
"""Seconds that a send may take longer because this machine does other things too."""


def slowness() -> float:
    """How many times as long it may take because those things want the processors as well."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_no_accepted_call_is_lost_and_doubles_are_puts_whose_reply_was_lost(tmp_path: Path) -> None:
    figures, campaign = run(tmp_path, seed=3, outages=5)
    print(table(figures, campaign.kills, campaign.freezes))  # noqa: T201 - for `pytest -s`
    assert campaign.kills >= 2
    assert [each.policy for each in figures] == ["spool", "synchronous", "raise"]
    for each in figures:
        assert each.accepted > 100, each
        # What waits is delivered first, then comes the call itself: either may find a server that does not answer.
        assert each.max_wait < slowness() * (2 * SEND_TIMEOUT + DRAIN_SECONDS) + SLOW_MACHINE, each
    assert figures[0].refused == figures[1].refused == 0
    assert figures[2].refused > 0


# The judge itself


def account(tmp_path: Path, policy: str, *lines: str, killed: bool = False) -> Account:
    path = tmp_path / policy
    path.write_text("".join(f"{line}\n" for line in lines))
    return Account.read(policy, policy, killed, path)


@pytest.mark.parametrize(
    ("policy", "lines", "at_server", "said"),
    [
        ("spool", ["taken 1 0.1"], [], ["spool: 1 accepted calls are lost"]),
        ("spool", ["taken 1 0.1"], [1, 1], ["spool: 1 doubles, but only 0 puts were not answered and 0 calls"]),
        ("spool", ["put 1", "answered 0", "taken 1 0.1"], [1, 1], []),
        ("spool", ["taken 1 0.1", "taken 2 0.1"], [2, 1], ["spool: 1 calls were overtaken"]),
        ("synchronous", ["made synchronous 1", "taken 1 0.1"], [], []),
        ("synchronous", ["made synchronous 1", "taken 1 0.1"], [1], ["synchronous: 1 doubles"]),
        ("raise", ["refused 1 0.1"], [1], ["raise: 1 doubles, but only 0"]),
        ("raise", ["put 1", "answered 0", "refused 1 0.1"], [1], []),
        ("raise", ["put 3", "answered 3", "taken 1 0.1"], [1], []),
    ],
)
def test_the_judge_sees_what_is_wrong(
    tmp_path: Path, policy: str, lines: list[str], at_server: list[int], said: list[str]
) -> None:
    accounts = [account(tmp_path, policy, *lines)]
    figures = judged(policy, accounts, accounts, [Call(policy, number) for number in at_server])
    wrong = figures.wrong()
    assert len(wrong) == len(said)
    assert all(text.startswith(start) for text, start in zip(wrong, said, strict=True)), wrong


def test_the_call_that_was_under_way_when_its_sender_was_killed_may_be_there(tmp_path: Path) -> None:
    accounts = [account(tmp_path, "spool", "taken 1 0.1", killed=True)]
    assert judged("spool", accounts, accounts, [Call("spool", 1), Call("spool", 2)]).wrong() == []
    assert judged("spool", accounts, accounts, [Call("spool", number) for number in (1, 2, 3)]).wrong()


def test_the_table_has_a_row_for_each_policy(tmp_path: Path) -> None:
    accounts = [account(tmp_path, "spool", "taken 1 0.25")]
    text = table([judged("spool", accounts, accounts, [Call("spool", 1)])], 3, 1)
    assert re.search(r"^\| `spool` \| 1 \(0\) \| 1 \| 0 \| 0 \| 0 \| 0 \| 0 \| 250\.00 ms \| 0\.25 s \|$", text, re.M)
