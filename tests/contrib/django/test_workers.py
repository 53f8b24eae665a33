"""Real workers of a Django project, begun by `manage.py ayl_worker` and by `ayl_worker`."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.contrib.django import project
from tests.processes.conftest import our_server
from tests.processes.deadline import eventually
from tests.processes.servers import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgres import Postgres
    from tests.processes.servers import Server

__all__ = ["our_server"]

WAREHOUSE = Path(__file__).parent / "warehouse"
SETUP = ("--app-path", str(WAREHOUSE), "--require", "ayl.contrib.django.setup")

_versions = count(1)


class Warehouse:
    """The project with a database and a tube of its own, and a worker."""

    def __init__(self, server: Server, folder: Path, database: dict[str, Any]) -> None:
        self.log = folder / "worker.log"
        self.folder = folder
        self.environment = environment(
            DJANGO_SETTINGS_MODULE="settings",
            WAREHOUSE_DATABASE=json.dumps(database),
            WAREHOUSE_VERSION=f"{os.getpid()}.{next(_versions)}",
            AYL_ENGINE=server.url,
        )
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self, *command: str) -> None:
        """A worker, by this command; ready once it waits for jobs."""
        with self.log.open("wb") as log:
            self.worker = subprocess.Popen(
                [sys.executable, *command], env=self.environment, cwd=self.folder, stdout=log, stderr=log
            )
        eventually(lambda: "takes jobs from" in self.said(), self.said)

    def migrate(self) -> None:
        """Make the tables."""
        self.manage("migrate", "--run-syncdb")

    def manage(self, *words: str) -> str:
        return self._run(str(WAREHOUSE / "manage.py"), *words)

    def shell(self, code: str) -> str:
        """What this code prints in the project."""
        start = f"import sys; sys.path.insert(0, {str(WAREHOUSE)!r})\nimport django; django.setup()\n"
        return self._run("-c", f"{start}from stock.models import *\n{code}")

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def said(self) -> str:
        return self.log.read_text()

    def close(self) -> None:
        if self.worker is not None:
            self.worker.send_signal(signal.SIGTERM)
            assert self.worker.wait(20) == 0, self.said()


@pytest.fixture(scope="module")
def tables(our_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, which take longer to make than to copy."""
    folder = tmp_path_factory.mktemp("tables")
    database = project.sqlite(folder)
    Warehouse(our_server, folder, database).migrate()
    return Path(database["NAME"])


@pytest.fixture
def on_sqlite(our_server: Server, tmp_path: Path, tables: Path) -> Iterator[tuple[Warehouse, Callable[[], list[str]]]]:
    """With a file, and a look at the names in it."""
    database = project.sqlite(tmp_path)
    shutil.copy(tables, database["NAME"])
    warehouse = Warehouse(our_server, tmp_path, database)

    def names() -> list[str]:
        connection = sqlite3.connect(database["NAME"])
        try:
            return [name for (name,) in connection.execute("SELECT name FROM stock_thing ORDER BY id")]
        finally:
            connection.close()

    yield warehouse, names
    warehouse.close()


COMMANDS = {
    "manage.py": (str(WAREHOUSE / "manage.py"), "ayl_worker", "--log-level", "DEBUG"),
    "manage.py with options of its own": (
        str(WAREHOUSE / "manage.py"), "ayl_worker", "--settings=settings", "--traceback", "--workers", "2"),
    "ayl_worker": ("-m", "ayl.cli.worker", *SETUP),
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_worker_of_the_project_makes_its_calls(
    command: tuple[str, ...], on_sqlite: tuple[Warehouse, Callable[[], list[str]]]
) -> None:
    warehouse, names = on_sqlite
    if command[0] == "-m":
        command = ("-c", "from ayl.cli.worker import main; main()", *SETUP)
    warehouse.start(*command)
    warehouse.shell("""
from django.db import transaction
first, second = Thing.objects.create(), Thing.objects.create()
with transaction.atomic():
    first.ayl_send("rename", "socks")
    second.ayl_send("rename_later", "shoes")
    ayl.send(restock, "hats")
""")
    # One query finds the object; the other thread of coroutines has made none, and neither has a function.
    eventually(lambda: sorted(names()) == ["hats 0", "shoes 0", "socks 1"], warehouse.said)


def test_sync_code_in_a_coroutine_fails_as_django_says(
    on_sqlite: tuple[Warehouse, Callable[[], list[str]]],
) -> None:
    warehouse, _ = on_sqlite
    warehouse.start(*COMMANDS["manage.py"])
    warehouse.shell('Thing.objects.create().ayl_send("forget_to_await")')
    eventually(lambda: "SynchronousOnlyOperation: You cannot call this from an async context" in warehouse.said(),
               warehouse.said)  # fmt: skip


def test_the_help_is_the_worker_s(on_sqlite: tuple[Warehouse, Callable[[], list[str]]]) -> None:
    warehouse, _ = on_sqlite
    assert "ayl_worker" in warehouse.manage("help")
    assert "Takes the options of ayl_worker" in warehouse.manage("ayl_worker", "--help")


@pytest.mark.parametrize("healthy", [True, False], ids=["with health checks", "without"])
def test_kept_connections_outlive_a_restart_of_the_database(
    healthy: bool, our_server: Server, tmp_path: Path, postgres: Postgres
) -> None:
    place = postgres.fresh()
    database = project.postgresql(place) | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": healthy}
    warehouse = Warehouse(our_server, tmp_path, database)
    warehouse.migrate()

    def names() -> list[str]:
        with psycopg.connect(host=place["host"], user=place["user"], dbname=place["dbname"]) as connection:
            rows = connection.execute("SELECT split_part(name, ' ', 1) FROM stock_thing ORDER BY id").fetchall()
        return [name for (name,) in rows]

    send = """
first, second = Thing.objects.order_by("id")
first.ayl_send("rename", "{0}")
second.ayl_send("rename_later", "{0}")
ayl.send(restock, "{0}") if "{0}" == "after" else None
"""
    try:
        warehouse.shell("Thing.objects.create(); Thing.objects.create()")
        warehouse.start(*COMMANDS["manage.py"])
        warehouse.shell(send.format("before"))
        eventually(lambda: names() == ["before", "before"], warehouse.said)
        postgres.restart()
        warehouse.shell(send.format("after"))
        eventually(lambda: names() == ["after", "after", "after"], warehouse.said)
        if healthy:
            assert "comes back" not in warehouse.said()
        else:
            # One job finds out in each of the two threads; an object that could not be looked for is no failed call.
            assert warehouse.said().count("comes back in 1 s") == 2
            assert "cannot be looked for: OperationalError" in warehouse.said()
    finally:
        warehouse.close()
