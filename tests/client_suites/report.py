"""Reads xUnit reports, which pytest, nose and mocha all write."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from .outcome import Result, Verdict

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {"failure": Verdict.FAILED, "error": Verdict.FAILED, "skipped": Verdict.SKIPPED}
"""An element inside a test case, and what it says of it."""


def read(path: Path) -> tuple[Result, ...]:
    """The results in the report; none when there is no report, or half a one."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - whoever wrote it has just run with all our rights
    except (OSError, ET.ParseError):
        return ()
    return tuple(_result(case) for case in root.iter("testcase"))


def _result(case: ET.Element) -> Result:
    group, name = case.get("classname", ""), case.get("name", "")
    test = name if group == name else f"{group} {name}".strip()
    for child in case:
        if child.tag in MARKS:
            return Result(test, MARKS[child.tag], (child.text or child.get("message") or "").strip())
    return Result(test, Verdict.PASSED)
