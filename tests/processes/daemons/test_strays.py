"""Daemons that run and are no longer in their file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate


def with_a_clock(estate: Estate) -> None:
    estate.plant["daemons"] = {"clock": {"command": "sleep 1000"}}
    estate.write()
    estate.says("start")
    del estate.plant["daemons"]
    estate.write()


def test_status_shows_them(estate: Estate) -> None:
    with_a_clock(estate)
    assert estate.status()["plant.clock"]["state"] == "working"


def test_a_reload_stops_them(estate: Estate) -> None:
    with_a_clock(estate)
    said = estate.says("reload").splitlines()
    assert said[0].startswith("plant.clock: stopped")
    assert said[1:] == ["plant.beds: unchanged"]


def test_a_stop_stops_them(estate: Estate) -> None:
    with_a_clock(estate)
    assert "plant.clock: stopped" in estate.says("stop")
    eventually(lambda: not estate.processes())


def test_those_of_another_file_are_left_alone(estate: Estate) -> None:
    estate.says("start")
    other = estate.folder / "other.yml"
    other.write_text(estate.config.read_text().replace("plant", "garden").replace("garden.water", "plant.water"))
    estate.says("check", "--config", str(estate.config))
    assert "plant" not in estate.says("status", "--config", str(other), code=3)
    assert "plant" not in estate.says("stop", "--config", str(other))
    estate.says("status")


def test_a_stop_of_any_stops_them_whatever_file_they_came_of(estate: Estate) -> None:
    with_a_clock(estate)
    (estate.run / "plant.clock" / "order.json").write_text("nothing")
    estate.config.unlink()
    said = estate.says("stop", "--any", str(estate.run))
    assert ("plant.beds: stopped" in said, "plant.clock: stopped" in said) == (True, True)
    eventually(lambda: not estate.processes())
    assert "nothing to do" in estate.says("stop", "--any", str(estate.run))


def test_any_takes_no_names(estate: Estate) -> None:
    assert "please leave NAME out" in estate.says("stop", "--any", str(estate.run), "plant", code=2)
