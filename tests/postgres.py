"""A PostgreSQL of the tests' own: Debian's, started on a Unix socket in a temporary directory.

    def test_something(postgres: Postgres) -> None:
        url = postgres.fresh()  # an empty database of this test's own

Its fixture `postgres` is in tests/conftest.py and starts one server for all tests of a run.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "postgres"
"""Debian's user for it, and the role that owns every database here."""


@dataclass
class Postgres:
    """A running server."""

    directory: Path
    """Where its socket is."""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def fresh(self) -> dict[str, str]:
        """Make an empty database; how to connect to it, in libpq's words: host, user, dbname."""
        import psycopg  # every run of pytest loads this file, few need a database

        name = f"test_{next(self._numbers)}"
        with psycopg.connect(host=str(self.directory), user=USER, dbname=USER, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return {"host": str(self.directory), "user": USER, "dbname": name}

    def restart(self) -> None:
        """Stop it at once, cutting all connections, and start it again."""
        _run("pg_ctl", "-D", str(self.directory / "data"), "-m", "immediate", "-w", "restart")


def sqlalchemy_url(place: dict[str, str], driver: str = "psycopg") -> str:
    """The same place in SQLAlchemy's words."""
    return f"postgresql+{driver}://{place['user']}@/{place['dbname']}?host={place['host']}"


@contextmanager
def running() -> Iterator[Postgres]:
    """A server, until the end of the span."""
    directory = Path(mkdtemp(prefix="ayl-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            user = pwd.getpwnam(USER)
            os.chown(directory, user.pw_uid, user.pw_gid)
        data = directory / "data"
        _run("initdb", "-D", str(data), "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={directory} -c fsync=off -c max_connections=50 "
            "-c max_prepared_transactions=5"
        )
        _run("pg_ctl", "-D", str(data), "-w", "-l", str(directory / "log"), "-o", options, "start")
        try:
            yield Postgres(directory)
        finally:
            _run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    as_user: dict[str, Any] = {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [_binary(program), *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,  # the server would keep a pipe open
        stderr=subprocess.STDOUT if program != "pg_ctl" else subprocess.DEVNULL,
        cwd="/",
        text=True,
        timeout=60,
        **as_user,
    )
    assert done.returncode == 0, f"{program} failed: {done.stdout}"


def _binary(program: str) -> str:
    found = [*Path("/usr/lib/postgresql").glob(f"*/bin/{program}")]
    if found:
        return str(max(found, key=lambda path: int(path.parts[-3])))
    elsewhere = shutil.which(program)
    assert elsewhere, f"{program} is missing: apt-get install postgresql (bin/test does it)"
    return elsewhere
