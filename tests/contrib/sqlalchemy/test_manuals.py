"""docs/sqlalchemy.md and docs/sqlmodel.md are true: every snippet is run in its order, with a server and real workers.

Snippets that begin with the name of a file are saved as that file. The pages are followed by tests/installed, where
nothing is there but what they install.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.pages import Page
from tests.shop import Shop, installed, shop

if TYPE_CHECKING:
    from tests.pages import Block

__all__ = ["shop"]

WORKER = "ayl_worker"


class Reader:
    """Follows a page. Each worker is started when the one before it has seen everything."""

    def __init__(self, shop: Shop, expected: list[list[str]]) -> None:
        self.shop = shop
        self.expected = iter(expected)
        self.checked: list[str] = []

    def follow(self, block: Block) -> None:
        for line in block.commands:
            self.command(line)
        if block.file:
            (self.shop.directory / block.file).write_text(block.text)
            if block.file.startswith("test_"):
                self.passes(block.file)
        elif block.language == "python":
            self.shop.python(block.text)

    def command(self, line: str) -> None:
        if line.startswith("pip install"):
            self.shop.install(line)
            return
        if line.startswith(WORKER) and (self.shop.directory / f"{WORKER}.log").exists():
            self.saw_all()
        self.shop.run(line)

    def passes(self, name: str) -> None:
        self.shop.install("pip install pytest")
        assert "1 passed" in self.shop.run(f"python -m pytest -q -p no:cacheprovider {name}")

    def saw_all(self) -> None:
        for line in next(self.expected):
            self.shop.wait_until(line, log=WORKER)
        log = self.shop.log(WORKER)
        self.checked.append(log)
        assert not re.search(r"failed|buried|comes back", log), log


EXPECTED = {
    "docs/sqlalchemy.md": [
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
    "docs/sqlmodel.md": [["welcome, Ann", "Ann goes to Rome"]],
}

NEVER = ("never", "pigeon", "Traceback", "WARNING", "ERROR")


def follow(page: str, shop: Shop) -> None:
    reader = Reader(shop, EXPECTED[page])
    for block in Page(page).blocks:
        reader.follow(block)
    reader.saw_all()
    for log in reader.checked:
        assert not [word for word in NEVER if word in log], log


def test_the_pages_say_how_to_install_it() -> None:
    assert "sqlalchemy" in installed(Page("docs/sqlalchemy.md").commands[0])
    assert "sqlmodel" in installed(Page("docs/sqlmodel.md").commands[0])


def test_the_second_module_for_several_databases_serves_its_own_class(shop: Shop) -> None:
    (shop.directory / "ledger.py").write_text(Page("docs/sqlalchemy.md").files["ledger.py"])
    story = (
        "import ayl\n"
        "ayl.configure(app='ledger', version='1', engine='synchronous')\n"
        "from ledger import Entry, engine\n"
        "from sqlalchemy.orm import Session\n"
        "Entry.ayl_send('write', 'paid')\n"
        "print([entry.text for entry in Session(engine).query(Entry)])\n"
    )
    assert shop.python(story) == "['paid']\n"
