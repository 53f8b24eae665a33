"""What the manual shows of `watch` and `top` is what they draw of the same numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ayl.admin import Jobs, TubeStatistics, Workers
from ayl.admin.onlooker import Change, SeenTube
from ayl.cli.live.drawing import line, plain
from ayl.cli.live.tubes import PAUSED, TITLES, Row, drawn
from ayl.cli.live.view import FOOT
from tests.pages import ROOT, Block, Page

if TYPE_CHECKING:
    from ayl.cli.live.drawing import Line

MANUAL = Page("docs/ayl_beanstalk.md")
CAPTURES = [block for block in MANUAL.blocks if "WATCH" in block.text]


def table(block: Block) -> list[str]:
    """Its lines from the titles to the end or to an empty one."""
    text = block.text[re.search(r"^TUBE", block.text, re.MULTILINE).start() :]  # type: ignore[union-attr] # in each
    return text.partition("\n\n")[0].splitlines()


def seen(shown: str, ends: list[int]) -> Row | Line:
    """The tube that a line is about, with its numbers at the ends of columns; other lines as they are."""
    values = [shown[start:end].strip() for start, end in zip([0, *ends], ends, strict=False)]
    if len(values) < len(TITLES) or not all(value.isdecimal() for value in (values[1], *values[3:5], *values[6:8])):
        return line(shown)
    name, workers, more, buried, ready, more_ready, reserved, delayed, done, *paused = values
    minutes, _, seconds = "".join(paused).partition(":")
    pause = int(minutes) * 60 + int(seconds) if seconds else 0
    jobs = Jobs(int(ready), 0, int(reserved), int(delayed), int(buried), 0)
    found = TubeStatistics(name, Workers(int(workers), 0, 0), jobs, 0, 0, 0, pause, pause)
    change = Change(0.5, int(more or 0), int(more_ready or 0), 0, 0, 0, 0.0, float(done)) if done else None
    return Row("", SeenTube(found, change))


@pytest.mark.parametrize("block", CAPTURES, ids=[block.section for block in CAPTURES])
def test_tables_in_the_manual_are_drawn_like_that(block: Block) -> None:
    titles, *lines = table(block)
    ends = [found.end() for found in re.finditer(r"\S+", titles)]
    ends[0] = titles.index("WATCH") - 1
    entries = [seen(shown, ends) for shown in lines]
    rows = [entry for entry in entries if isinstance(entry, Row)]
    assert len(rows) > 3
    assert titles.split() == [*TITLES, PAUSED]
    width = 80 if len(titles) <= 80 else 160
    assert [plain(spans).rstrip() for spans in drawn(entries, rows, width)] == [titles, *lines]


def test_the_keys_in_the_manual_are_those_of_the_screen() -> None:
    (top,) = [block for block in CAPTURES if block.section == "top"]
    assert top.text.endswith(FOOT.format("jobs") + "\n")
    assert len(top.text.splitlines()) == 24


def test_the_manual_has_its_pictures() -> None:
    pictures = re.findall(r"!\[.+\]\((.*)\)", MANUAL.text)
    assert len(pictures) == 4
    for picture in pictures:
        assert (ROOT / "docs" / picture).read_bytes().startswith(b"\x89PNG")
