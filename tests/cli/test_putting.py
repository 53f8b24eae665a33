"""`ayl_beanstalk put_job` and `put_sleep_job`."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from ayl import admin, message, settings
from ayl.cli import ExitCode
from ayl.worker import rest

from .operators import Operator
from .servers import KINDS, Kind, wait_until

if TYPE_CHECKING:
    import greenstalk


class TestPutJob:
    def test_the_body_is_put_as_it_is_with_ayls_defaults(
        self, operator: Operator, app: greenstalk.Client[bytes]
    ) -> None:
        found = operator.gets("put_job", "hé\udcff there")
        assert found == {"tube": operator.tube, "job": found["job"], "size": 10}
        job = app.peek_ready()
        assert (job.id, job.body) == (found["job"], b"h\xc3\xa9\xff there")
        stats = app.stats_job(job)
        assert (stats["pri"], stats["delay"], stats["ttr"]) == (512, 0, 120)

    def test_it_takes_the_options_of_a_job(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        said = operator.reads("put_job", "x", "--priority", 0, "--delay", 900, "--time-to-run", 7)
        job = app.peek_delayed()
        assert said == f"put job {job.id} into {operator.tube} (1 byte)\n"
        stats = app.stats_job(job)
        assert (stats["pri"], stats["delay"], stats["ttr"]) == (0, 900, 7)

    @pytest.mark.parametrize("body", [b"", b"\x00\xff\r\nput 1 2 3 4\r\n", b"x" * 65535], ids=["empty", "odd", "large"])
    def test_a_dash_takes_standard_input_byte_for_byte(
        self, operator: Operator, app: greenstalk.Client[bytes], body: bytes
    ) -> None:
        operator.reads("put_job", "-", stdin=body)
        assert app.peek_ready().body == body

    def test_what_is_too_large_is_refused_with_both_sizes(self, operator: Operator) -> None:
        done = operator.types("put_job", "-", stdin=b"x" * 65536)
        assert done.exit_code == ExitCode.REFUSED
        assert "65,536 bytes are too many for " in done.stderr
        assert "it takes 65,535 (its option -z)" in done.stderr

    @pytest.mark.parametrize(
        "words", [(), ("--priority", -1), ("--priority", 2**32), ("--delay", "x"), ("--time-to-run", 0)], ids=str
    )
    def test_wrong_options_put_nothing(self, operator: Operator, words: tuple[object, ...]) -> None:
        operator.is_told("put_job", *words, *["body"] * bool(words), code=ExitCode.USAGE)
        assert f"no tube '{operator.tube}'" in operator.is_told("peek_ready")

    def test_no_job_is_put_into_tubes_that_a_pattern_matches(self, operator: Operator) -> None:
        assert "no tube can be named 'a*'" in operator.is_told("put_job", "x", tube="a*")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_server_that_drains_refuses_in_its_own_word(kind: Kind) -> None:
    with kind.running() as server:
        os.kill(int(admin.statistics(server).reported["pid"]), signal.SIGUSR1)
        wait_until(lambda: admin.statistics(server).draining)
        assert "refused: DRAINING" in Operator(server, "a").is_told("put_job", "x")


class TestPutSleepJob:
    def test_it_is_a_call_of_what_every_worker_knows(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        operator.tube = "shop/1.4.2/mail"
        said = operator.reads("put_sleep_job")
        app.use(operator.tube)
        job = app.peek_ready()
        assert said == f"put job {job.id} into {operator.tube}: it keeps a worker busy for 20 s\n"
        call = message.decode(job.body)
        assert isinstance(call, message.Message)
        assert (call.app, call.ver, call.do, call.args) == ("shop", "1.4.2", rest.NAME, [20])
        assert call.time_to_run == app.stats_job(job)["ttr"] == 80
        app.delete(job)

    def test_the_seconds_can_be_said(self, operator: Operator, app: greenstalk.Client[bytes]) -> None:
        operator.reads("put_sleep_job", 3000)
        job = app.peek_ready()
        assert json.loads(job.body)["args"] == [3000]
        assert app.stats_job(job)["ttr"] > 3000

    def test_it_is_signed_where_messages_are(
        self, operator: Operator, app: greenstalk.Client[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AYL_SECRETS", "a:correct-horse-battery")
        settings.reset()
        operator.reads("put_sleep_job", 1)
        settings.reset()
        assert app.peek_ready().body.startswith(b'{"sig":"a.')

    def test_it_is_said_whose_worker(self, operator: Operator) -> None:
        assert "put_sleep_job -t TUBE" in operator.is_told("put_sleep_job", tube="", code=ExitCode.USAGE)
