"""The README and the pages of docs/, taken apart so that tests can follow them as their readers would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str
    section: str
    """The heading that it stands under."""

    @property
    def is_session(self) -> bool:
        """Whether it is Python as typed at a prompt, with what is answered."""
        return self.language == "python" and self.text.startswith(">>>")

    @property
    def file(self) -> str:
        """The file that its first line, a comment, says it is; empty if none does."""
        found = re.match(r"# (\S+\.py)$", self.text, re.MULTILINE)
        return found[1] if found else ""

    @property
    def commands(self) -> list[str]:
        """What is typed at a shell's prompt."""
        return [line.removeprefix("$ ") for line in self.text.splitlines()] if self.language == "console" else []


class Page:
    """What stands in it, in order."""

    def __init__(self, name: str) -> None:
        """`name`: the file in the repository."""
        self.text = (ROOT / name).read_text()
        self.blocks = [*_blocks(self.text)]
        python = [block for block in self.blocks if block.language == "python"]
        self.commands = [command for block in self.blocks for command in block.commands]
        self.sessions = [block.text for block in python if block.is_session]
        self.files = {block.file: block.text for block in python if block.file}
        self.snippets = [block.text for block in python if not block.file and not block.is_session]
        """The rest of its Python."""
        self.long_runs = re.findall(r"`\.venv/bin/python (-m .*?)`", self.text)
        """Commands in the text, that take long: what follows `python`."""

    def write(self, directory: Path) -> None:
        """Save all its files there."""
        for name, text in self.files.items():
            (directory / name).write_text(text)


def _blocks(text: str) -> Iterator[Block]:
    section = ""
    for heading, language, code in re.findall(r"^#+ ([^\n]*)$|^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if heading:
            section = heading
        else:
            yield Block(language, code, section)
