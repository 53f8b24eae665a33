"""A page of docs/, taken apart for the test that follows it."""

from __future__ import annotations

import doctest
import re
from typing import TYPE_CHECKING

from tests.test_readme import ROOT, Block

if TYPE_CHECKING:
    from tests.test_readme import Shop


class Manual:
    """What stands in the page's blocks of code."""

    def __init__(self, name: str) -> None:
        text = (ROOT / "docs" / name).read_text()
        blocks = [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]
        self.commands = [
            line.removeprefix("$ ")
            for block in blocks
            if block.language == "console"
            for line in block.text.splitlines()
        ]
        python = [block.text for block in blocks if block.language == "python"]
        self.sessions = [text for text in python if text.startswith(">>>")]
        self.files = {text.partition("\n")[0].removeprefix("# "): text for text in python if text not in self.sessions}
        """By the name that stands in their first line."""

    def write(self, shop: Shop) -> None:
        """All files into the shop's directory."""
        for name, text in self.files.items():
            assert re.fullmatch(r"\w+\.py", name), name
            (shop.directory / name).write_text(text)

    def play(self, shop: Shop, setting: str = "") -> list[str]:
        """What doctest has to say of each session, in a process of its own; `setting` is Python that comes before."""
        options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
        program = f"{setting}\nimport doctest; doctest.testfile('session.txt', False, optionflags={options})"
        said: list[str] = []
        for session in self.sessions:
            (shop.directory / "session.txt").write_text(session)
            said.append(shop.python(program))
        return said
