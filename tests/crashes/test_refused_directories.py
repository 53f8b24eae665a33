"""Directories that cannot be used for a binlog: one line says why, the exit code too, and all stays as it is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.processes.servers import AYL_SERVER, BEANSTALKD, Kind, Server, serving

from .disks import KINDS, Mounted
from .servers import Place

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = 10
FAILED = 1


def only_line(code: int, said: str, place: Place, reason: str) -> None:
    assert code == FAILED
    assert said == f"ayl_server: the binlog in {place.binlog} cannot be used: {reason}"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Where a second server has its socket and its log."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("owner", [AYL_SERVER, BEANSTALKD], ids=lambda kind: kind.name)
@pytest.mark.parametrize("intruder", [AYL_SERVER, BEANSTALKD], ids=lambda kind: kind.name)
def test_a_directory_in_use_is_left_to_its_server(place: Place, elsewhere: Path, owner: Kind, intruder: Kind) -> None:
    with place.serving(kind=owner) as server, server.client() as client:
        job = client.put(b"")
        other = Server(intruder, elsewhere, "-b", str(place.binlog))
        assert other.wait() == LOCKED
        if intruder is AYL_SERVER:
            assert other.log() == f"ayl_server: another server uses {place.binlog}\n"
        assert client.peek(job).id == job
        client.put(b"")


def test_a_directory_is_free_again_once_its_server_was_killed(place: Place) -> None:
    for _ in range(2):
        with place.serving() as server:
            server.kill()


def test_a_directory_with_beanstalkds_files_is_refused_with_the_way_to_import_them(place: Place) -> None:
    with place.serving("-s", "4096", kind=BEANSTALKD) as server, server.client() as client:
        for _ in range(10):
            client.put(b"x" * 1000)
        server.gets(signal.SIGTERM)
        server.wait()
    before = place.files()
    assert before
    code, said = place.refusal()
    assert code == FAILED
    assert "beanstalkd's" in said
    assert "--import" in said
    assert str(place.binlog) in said
    assert place.files() == before
    with serving(BEANSTALKD, place.folder, "-b", str(place.binlog), tcp=False) as server, server.client() as client:
        assert client.stats()["current-jobs-ready"] == 10


def test_a_directory_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.binlog.rmdir()
    only_line(*place.refusal(), place, "No such file or directory")
    assert not place.binlog.exists()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.binlog.rmdir()
    place.binlog.write_text("letters")
    only_line(*place.refusal(), place, "Not a directory")
    assert place.binlog.read_text() == "letters"


def test_a_directory_of_somebody_elses_is_refused(place: Place) -> None:
    """Root may do everything, so root's server becomes nobody first."""
    with place.serving() as server, server.client() as client:
        client.put(b"")
    before = place.files()
    if os.geteuid() == 0:
        code, said = place.refusal("-u", "nobody")
        reason = "Permission denied (as user nobody)"
    else:
        place.binlog.chmod(0)
        code, said = place.refusal()
        place.binlog.chmod(0o700)
        reason = "Permission denied"
    only_line(code, said, place, reason)
    assert place.files() == before


def test_a_file_system_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with KINDS["mounted" if "mounted" in KINDS else "metered"](tmp_path) as disk:
        place = disk.place
        with disk.serving("-s", "65536") as server, server.client() as client:
            client.put(b"")
        before = place.files()
        if isinstance(disk, Mounted):
            subprocess.run(["mount", "-o", "remount,ro", place.binlog], check=True)
        else:
            place.fault("open", "EROFS")
        code, said = place.refusal("-s", "65536", faulty=disk.faulty)
        assert code == FAILED
        assert re.fullmatch(rf"ayl_server: .*{place.binlog}(/\w+)? cannot be used: Read-only file system", said), said
        assert place.files() == before
