"""What a supervisor says of itself, in each of its states."""

from __future__ import annotations

from contextlib import closing
from math import inf
from typing import TYPE_CHECKING, Any

import pytest

from ayl.systemd import Notifier
from ayl.worker.journal import Journal
from ayl.worker.notices import RETRY_SECONDS, Notices, Standing, told
from tests.processes.listener import Listener, fill, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def standing(state: str = "working", **changes: Any) -> Standing:
    facts: dict[str, Any] = {"connected": 2, "processes": 2, "places": 2, "silent": 0}
    facts |= {"tubes": "shop/1.4.2", "engine": "beanstalk://127.0.0.1"}
    return Standing(state, **(facts | changes))


STATUSES = [
    (False, standing(connected=0, tubes=""), "starting: 0 of 2 processes"),
    (False, standing(connected=1), "starting: 1 of 2 processes on shop/1.4.2"),
    (True, standing(), "2 of 2 processes on shop/1.4.2"),
    (True, standing(connected=1, places=1), "1 of 1 process on shop/1.4.2"),
    (True, standing(connected=1, silent=1), "1 of 2 processes on shop/1.4.2, 1 quiet"),
    (True, standing("restarting", processes=3), "restarting: 2 of 2 processes on shop/1.4.2"),
    (True, standing("quiet"), "quiet: 2 processes finish their calls"),
    (True, standing("quiet", processes=0), "quiet: no process is left"),
    (True, standing("stopping", processes=1), "stopping: 1 process finishes its calls"),
    (False, standing("stopping", processes=0), "stopping: no process is left"),
    (True, standing(tubes="x" * 300), f"2 of 2 processes on {'x' * 200}…"),
]


@pytest.mark.parametrize(("is_ready", "now", "status"), STATUSES)
def test_people_are_told_how_many_work_and_where(is_ready: bool, now: Standing, status: str) -> None:
    assert told(now, is_ready=is_ready)["STATUS"] == status


def test_a_keeper_is_told_the_tubes_as_a_list_and_where_they_are_once_it_is_ready() -> None:
    now = standing(tubes="shop/1.4.2, shop/1.4.2/*, mail")
    assert "X_AYL_TUBES" not in told(now, is_ready=False)
    facts = told(now, is_ready=True)
    assert facts["X_AYL_TUBES"] == "shop/1.4.2 shop/1.4.2/* mail"
    assert facts["X_AYL_ENGINE"] == "beanstalk://127.0.0.1"


def test_a_stop_is_told_as_such() -> None:
    assert [
        state
        for state in ("working", "restarting", "quiet", "stopping")
        if "STOPPING" in told(standing(state), is_ready=True)
    ] == ["stopping"]


# One after the other


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "notify")


@pytest.fixture
def listener(name: str) -> Iterator[Listener]:
    with listening(name) as listener:
        yield listener


@pytest.fixture
def notices(name: str, listener: Listener) -> Iterator[Notices]:
    assert listener
    with closing(Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"}, 7)) as notifier:
        yield Notices(notifier, Journal("INFO"))


def test_it_is_ready_once_all_places_have_a_worker_and_stays_so(listener: Listener, notices: Notices) -> None:
    for tenth, connected in enumerate((0, 1, 2, 1)):
        notices.look(tenth / 10, standing(connected=connected))
    heard = [listener.next() for _ in range(4)]
    assert [("READY" in facts, facts["STATUS"][:9]) for facts in heard] == [
        (False, "starting:"),
        (False, "starting:"),
        (True, "2 of 2 pr"),
        (False, "1 of 2 pr"),
    ]


@pytest.mark.parametrize("state", ["quiet", "stopping"])
def test_who_is_told_to_be_quiet_or_to_stop_before_that_is_not_ready(
    listener: Listener, notices: Notices, state: str
) -> None:
    notices.look(0.0, standing(state))
    assert "READY" not in listener.next()


def test_without_places_that_are_to_work_it_is_not_ready(listener: Listener, notices: Notices) -> None:
    notices.look(0.0, standing(connected=0, places=1, silent=1))
    assert "READY" not in listener.next()


def test_only_what_has_changed_is_told_again(listener: Listener, notices: Notices) -> None:
    for now in (0.0, 0.1, 0.2):
        notices.look(now, standing())
    notices.look(0.3, standing(tubes="shop/1.4.3"))
    assert listener.next() == {
        "X_AYL_TUBES": "shop/1.4.2",
        "X_AYL_ENGINE": "beanstalk://127.0.0.1",
        "READY": "1",
        "STATUS": "2 of 2 processes on shop/1.4.2",
    }
    assert listener.next() == {"X_AYL_TUBES": "shop/1.4.3", "STATUS": "2 of 2 processes on shop/1.4.3"}


def test_as_long_as_a_server_is_away_it_asks_for_more_time(listener: Listener, notices: Notices) -> None:
    for second in range(50):
        notices.look(float(second), standing(connected=0))
    assert listener.next()["STATUS"] == "starting: 0 of 2 processes on shop/1.4.2"
    for _ in range(3):  # after a second, and then as soon as a third of it is over
        assert listener.plea() == "60000000"
    notices.look(50.0, standing())
    assert listener.next()["READY"] == "1"
    for second in range(51, 100):
        notices.look(float(second), standing())
    assert all(listener.any() == {"WATCHDOG": "1"} for _ in range(50))
    assert listener.silent()


def test_signs_of_life_come_when_half_the_period_is_over(listener: Listener, notices: Notices) -> None:
    came = []
    for tenth in range(21):
        notices.look(tenth / 10, standing())
        if not listener.silent():
            came.append(tenth / 10)
            while not listener.silent():
                pass
    assert came == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert notices.due == 2.5


def test_where_there_is_no_room_it_tries_again_soon(listener: Listener, name: str, notices: Notices) -> None:
    fill(name)
    notices.look(0.25, standing())
    notices.look(0.3, standing())
    assert notices.due == 0.75  # the next sign of life
    notices.look(0.5, standing())
    assert notices.due == 0.75
    while not listener.silent():
        pass
    notices.look(0.6, standing())
    assert listener.any()["READY"] == "1"


def test_without_signs_of_life_it_tries_again_soon_as_well(listener: Listener, name: str) -> None:
    fill(name)
    with closing(Notifier({"NOTIFY_SOCKET": name}, 7)) as notifier:
        notices = Notices(notifier, Journal("INFO"))
        notices.look(3.0, standing())
        assert notices.due == 3.0 + RETRY_SECONDS
        while not listener.silent():
            pass
        notices.look(3.0 + RETRY_SECONDS, standing())
        assert listener.any()["READY"] == "1"
        assert notices.due == inf


def test_that_nobody_can_be_told_is_logged_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, 7)) as notifier:
        notices = Notices(notifier, Journal("INFO"))
        notices.look(0.0, standing())
        notices.look(1.0, standing(connected=1))
    assert capsys.readouterr().err.count("systemd cannot be told how we are: No such file or directory") == 1
