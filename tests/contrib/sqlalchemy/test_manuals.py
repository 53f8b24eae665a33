"""docs/sqlalchemy.md and docs/sqlmodel.md are true: every snippet is run in its order, with a server and real workers.

Snippets that begin with the name of a file are saved as that file.
"""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import requires
from typing import TYPE_CHECKING

import pytest

from tests.test_readme import BIN, PATIENCE, ROOT, Block, Shop, shop, wait_for_server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["shop"]

FILE = re.compile(r"# (\w+\.py)\n")

WORKER = "ayl_worker"


def blocks(page: str) -> list[Block]:
    text = (ROOT / "docs" / page).read_text()
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]


class Reader:
    """Follows a page. Each worker is started when the one before it has seen everything."""

    def __init__(self, shop: Shop, expected: list[list[str]]) -> None:
        self.shop = shop
        self.expected = iter(expected)
        self.checked: list[str] = []

    def follow(self, block: Block) -> None:
        if block.language == "console":
            for line in block.text.splitlines():
                self.command(line.removeprefix("$ "))
        elif (name := FILE.match(block.text)) is None:
            self.shop.python(block.text)
        else:
            (self.shop.directory / name[1]).write_text(block.text)
            if name[1].startswith("test_"):
                self.passes(name[1])

    def command(self, line: str) -> None:
        if line.startswith("pip install"):
            extras = re.findall(r'"?ayl\[(\w+)\]"?', line)
            assert extras
            assert [need for need in requires("ayl") or () if need.endswith(f"extra == '{extras[0]}'")]
            return
        if line.startswith(WORKER) and (self.shop.directory / f"{WORKER}.log").exists():
            self.saw_all()
        self.shop.run(line)
        if line.startswith("ayl_server"):
            wait_for_server(self.shop.port)

    def passes(self, name: str) -> None:
        words = [str(BIN / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", name]
        done = subprocess.run(
            words, cwd=self.shop.directory, env=self.shop.environment, capture_output=True, text=True,
            check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert "1 passed" in done.stdout, done.stdout + done.stderr

    def saw_all(self) -> None:
        for line in next(self.expected):
            self.shop.wait_until(line, log=WORKER)
        log = self.shop.log(WORKER)
        self.checked.append(log)
        assert not re.search(r"failed|buried|comes back", log), log


EXPECTED = {
    "sqlalchemy.md": [
        [
            "order 1 with ups, together with 1 more",
            "2 orders",
            "order 1 with dhl",
            "order 2 with post",
        ],
        [
            "article 1 is indexed",
            "article 1 is published",
            "article 2 is published",
            "article 2 is indexed",
        ],
        ["parcel 1 is in Paris", "parcel 1 was seen"],
    ],
    "sqlmodel.md": [["welcome, Ann", "Ann goes to Rome"]],
}

NEVER = ("never", "pigeon", "Traceback", "WARNING", "ERROR")


@pytest.mark.parametrize("page", EXPECTED)
def test_following_the_page_step_by_step_works(page: str, shop: Shop) -> None:
    reader = Reader(shop, EXPECTED[page])
    for block in blocks(page):
        reader.follow(block)
    reader.saw_all()
    for log in reader.checked:
        assert not [word for word in NEVER if word in log], log


def test_the_second_module_for_several_databases_serves_its_own_class(tmp_path: Path) -> None:
    (module,) = [block.text for block in blocks("sqlalchemy.md") if block.text.startswith("# ledger.py")]
    (tmp_path / "ledger.py").write_text(module)
    story = (
        "import ayl\n"
        "ayl.configure(app='ledger', version='1', engine='synchronous')\n"
        "from ledger import Entry, engine\n"
        "from sqlalchemy.orm import Session\n"
        "Entry.ayl_send('write', 'paid')\n"
        "print([entry.text for entry in Session(engine).query(Entry)])\n"
    )
    done = subprocess.run([str(BIN / "python"), "-c", story], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "['paid']\n"
