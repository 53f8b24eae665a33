"""What is loaded when: `import ayl` brings little, and each part what it needs, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ayl

ROOT = Path(__file__).resolve().parent.parent

HEAVY = {
    "asyncio", "click", "concurrent.futures", "decimal", "difflib", "email", "greenstalk", "hashlib", "hmac", "http",
    "json", "logging", "msgspec", "multiprocessing", "pathlib", "random", "socket", "ssl", "subprocess", "tempfile",
    "tomllib", "urllib", "uuid", "yaml", "zoneinfo",
}  # fmt: skip
"""What takes long to load, and is not needed where calls are only declared. (`inspect` comes with dataclasses.)"""

FRAMEWORKS = {"attr", "django", "peewee", "pydantic", "sqlalchemy", "sqlmodel"}

CONTRIB = sorted({path.stem for path in (ROOT / "ayl" / "contrib").iterdir()} & FRAMEWORKS)

DECLARING = """
import ayl
ayl.configure(app="shop", version="1", engine="synchronous")

@ayl.model("imports.Order")
class Order:
    id = 1
    find = classmethod(lambda cls, id: cls())

    @ayl.ayl_after_save(options={"delay": 1})
    def ship(self, carrier: str = "post") -> None: ...

class Item(ayl.Sendable, ayl_name="imports.Item"): ...

@ayl.task("imports.restock")
def restock(number: int) -> None: ...

@ayl.upgrade("imports.Order.send", before="1")
def send(call: ayl.Call) -> ayl.Call: ...
"""
SENDING = DECLARING + "ayl.send(restock, 3)\nOrder().ayl_send('ship', 'ups')\n"
BEANSTALK = DECLARING + (
    "from contextlib import suppress\n"
    "ayl.configure(engine='beanstalk://127.0.0.1:1')\n"
    "with suppress(ayl.AylError): ayl.send(restock, 3)\n"
)


TELL = "\nimport sys\nmodules = [*sys.modules]\nimport json\nprint(json.dumps(modules))"


def loaded(code: str) -> set[str]:
    """The modules that this code loads, but for those that Python itself loads to start."""
    return _modules(code) - _modules("")


def _modules(code: str) -> set[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")}
    command = [sys.executable, "-c", code + TELL]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("code", ["import ayl", DECLARING], ids=["import", "declaring"])
def test_declaring_what_may_be_called_loads_nothing_heavy(code: str) -> None:
    assert not loaded(code) & (HEAVY | FRAMEWORKS)


def test_sending_in_place_loads_no_client() -> None:
    modules = loaded(SENDING)
    assert not modules & {"greenstalk", "click", "ssl", "yaml", "random", "tomllib", "hmac", "logging"}
    assert not modules & FRAMEWORKS


def test_the_client_is_loaded_with_the_first_send() -> None:
    assert "greenstalk" not in loaded(DECLARING)
    modules = loaded(BEANSTALK)
    assert "greenstalk" in modules
    assert not modules & (FRAMEWORKS | {"asyncio", "click", "hmac", "tomllib"})  # logging tells of the outage


def test_a_supervisor_stays_small_beside_its_workers() -> None:
    modules = loaded("import ayl.worker.supervisor")
    assert not modules & (HEAVY - {"socket"} | FRAMEWORKS | {"inspect", "re", "threading", "typing"})
    assert {name for name in modules if name.startswith("ayl.") and not name.startswith("ayl.worker")} == {"ayl.forks"}


@pytest.mark.parametrize("module", CONTRIB)
def test_a_frameworks_module_loads_that_framework_and_no_other(module: str) -> None:
    assert loaded(f"import ayl.contrib.{module}") & FRAMEWORKS <= {module}


def test_every_public_name_is_there_whether_it_was_used_before_or_not() -> None:
    loaded("import ayl\nassert {*ayl.__all__} <= {*dir(ayl)}\nfor name in ayl.__all__: getattr(ayl, name)")
    loaded("from ayl import *\nassert send and value and configure")
    with pytest.raises(AttributeError, match="module 'ayl' has no attribute 'sned'"):
        ayl.sned  # type: ignore[attr-defined] # noqa: B018 - asks for what is not there
