"""Reports are read with PyYAML, with a function, or not at all; and what is text stays text."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from ayl.beanstalkc import Connection, reports
from tests.cli.servers import knows, peer

if TYPE_CHECKING:
    from tests.beanstalkc.conftest import Opener

LIKE_SOMETHING_ELSE = ("no", "007", "1e3", "1_000", "2026-11-22", "null", ".inf", "0x1F", "+7", ".", "$()")
"""Names that a tube can have, and that YAML takes for a bool, a number, a date or nothing."""


def test_tubes_are_text_whatever_their_names_look_like(beanstalk: Connection[str], tube: str) -> None:
    for name in LIKE_SOMETHING_ELSE:
        beanstalk.watch(name)
        beanstalk.use(name)
        assert beanstalk.stats_tube(name)["name"] == name
        assert beanstalk.stats_job(beanstalk.put("work"))["tube"] == name
    assert beanstalk.watching() == [tube, *LIKE_SOMETHING_ELSE]
    assert {*LIKE_SOMETHING_ELSE} <= {*beanstalk.tubes()}


SERVER_TYPES = {"version": str, "id": str, "hostname": str, "os": str, "platform": str,
                "rusage-utime": float, "rusage-stime": float, "draining": bool}  # fmt: skip
"""All others are whole numbers."""


def test_a_servers_report_has_its_types(beanstalk: Connection[str]) -> None:
    stats = beanstalk.stats()
    assert len(stats) > 45
    assert {name: type(value) for name, value in stats.items()} == {name: SERVER_TYPES.get(name, int) for name in stats}
    assert stats["os"]


def test_a_tubes_and_a_jobs_report_have_their_types(beanstalk: Connection[str], tube: str) -> None:
    texts = {"name", "tube", "state"}
    for stats in (beanstalk.stats_tube(tube), beanstalk.stats_job(beanstalk.put("work"))):
        assert {name: type(value) for name, value in stats.items()} == {
            name: str if name in texts else int for name in stats
        }


OLD_AND_NEW = """---
id: 0123456789012345
hostname: yes
os: #1 SMP it's "new"
platform: "x86_64"
version: "1.10"
rusage-utime: 0.25
draining: true
uptime: 12
"""


def test_quoted_or_not_a_text_is_what_the_server_said() -> None:
    assert reports.parser(True)(OLD_AND_NEW) == {
        "id": "0123456789012345", "hostname": "yes", "os": "#1 SMP it's \"new\"", "platform": "x86_64",
        "version": "1.10", "rusage-utime": 0.25, "draining": True, "uptime": 12,
    }  # fmt: skip


def test_a_jobs_id_is_a_number() -> None:
    assert reports.parser(True)("---\nid: 981\ntube: 007\n") == {"id": 981, "tube": "007"}


@pytest.mark.parametrize("parse_yaml", [False, None])
def test_reports_stay_text_when_asked_for(parse_yaml: Any, opened: Opener, tube: str) -> None:
    beanstalk = opened(parse_yaml=parse_yaml)
    assert beanstalk.watching() == f"---\n- {tube}\n"
    beanstalk.put("work")
    assert beanstalk.stats().startswith("---\ncurrent-jobs-urgent: ")
    assert beanstalk.stats_tube(tube).startswith("---\nname: ")
    assert "\nstate: reserved\n" in beanstalk.reserve(0).stats()


def test_a_function_is_given_the_text_and_its_answer_is_the_methods(opened: Opener, tube: str) -> None:
    beanstalk = opened(parse_yaml=str.splitlines)
    assert beanstalk.watching() == ["---", f"- {tube}"]
    beanstalk.put("work")
    assert "state: reserved" in beanstalk.reserve(0).stats()


def test_reports_are_text_where_bodies_are_bytes(opened: Opener, tube: str) -> None:
    assert opened(encoding=None, parse_yaml=False).watching() == f"---\n- {tube}\n"
    assert opened(encoding=None).watching() == [tube]


def test_without_pyyaml_reports_stay_text_and_the_log_says_so(
    opened: Opener, tube: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    beanstalk = opened()
    assert beanstalk.watching() == f"---\n- {tube}\n"
    ((_, level, message),) = caplog.record_tuples
    assert level == logging.ERROR
    assert message.startswith("Failed to load PyYAML, will not parse YAML")
    assert "pip install PyYAML" in message


def test_a_function_that_raises_leaves_the_connection_in_order(opened: Opener, tube: str) -> None:
    beanstalk = opened(parse_yaml=int)
    with pytest.raises(ValueError, match="invalid literal"):
        beanstalk.watching()
    assert beanstalk.using() == tube


def test_yaml_that_would_make_objects_is_not_obeyed() -> None:
    import yaml

    hostile = b"---\nuptime: !!python/object/apply:os.getpid []\n"
    with (
        peer(knows({b"stats": hostile})) as server,
        Connection(server.host, server.port) as beanstalk,
        pytest.raises(yaml.constructor.ConstructorError),
    ):
        beanstalk.stats()
