"""The blocks of code in a page of docs/, so that tests can run them as their readers would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parent.parent / "docs"


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str
    section: str
    """The heading that it stands under."""

    @property
    def file(self) -> str:
        """The file that its first line, a comment, says it is; empty if none does."""
        found = re.match(r"# (\S+\.py)$", self.text, re.MULTILINE)
        return found[1] if found else ""


def blocks(page: str) -> list[Block]:
    """Those of a page, in order."""
    found, section = [], ""
    for heading, language, text in re.findall(
        r"^#+ ([^\n]*)$|^```(\w*)\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE
    ):
        if heading:
            section = heading
        else:
            found.append(Block(language, text, section))
    return found
