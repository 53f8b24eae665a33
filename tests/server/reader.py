"""Read transcripts: text files of named scenarios. README.md beside this file shows the notation.

Everything is checked while reading, so that a slip in a transcript is an error at collection
and never a scenario that silently tests nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .notation import expand, split_comment
from .transcript import (
    TAGS,
    At,
    ClockStarts,
    Connect,
    Drain,
    Field,
    HalfClose,
    HangUp,
    Hear,
    HearList,
    HearNothing,
    HearRaw,
    HearReport,
    Scenario,
    SeeEnd,
    Send,
    Step,
    Wait,
    slug,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


class BadTranscript(Exception):
    """The transcript itself is wrong: the writer of the file must act."""


# -- lines ------------------------------------------------------------------------------------------------

_SPOKEN = re.compile(r"(?P<who>\w+)(?P<arrow>>>|>|<<|<)(?:\[(?P<tag>\w+)\])?(?: (?P<text>.*))?")
_REPORTED = re.compile(r"OK (?P<whole>whole )?report")
_LISTED = re.compile(r"OK list(?P<names>( \S+)+)")
_DEED = re.compile(
    r"(?P<who>\w+) (?:\[(?P<tag>\w+)\] )?(?P<deed>connects|half-closes|hangs up|hears nothing|sees the end)"
)
_WORLD = re.compile(r"(?P<word>wait|at) (?P<seconds>\d+(\.\d+)?)|(?P<bare>drain|clock starts)")
_FIELD = re.compile(r"\s+(?P<key>[\w-]+)(?:\[(?P<tag>\w+)\])?: (?P<value>.+)")

DEEDS: dict[str, type[Step]] = {
    "connects": Connect,
    "half-closes": HalfClose,
    "hangs up": HangUp,
    "hears nothing": HearNothing,
    "sees the end": SeeEnd,
}

EXPECTATIONS = Hear | HearRaw | HearReport | HearList | HearNothing | SeeEnd


def _spoken(found: re.Match[str], line: int, text: str) -> Step:
    said, who, tag = found["text"] or "", found["who"], found["tag"] or ""
    if found["arrow"] == "<":
        if report := _REPORTED.fullmatch(said):
            return HearReport(line, text, tag, who, whole=bool(report["whole"]))
        if names := _LISTED.fullmatch(said):
            return HearList(line, text, tag, who, tuple(names["names"].split()))
        return Hear(line, text, tag, who, expand(said) + b"\r\n")
    if found["arrow"] == "<<":
        return HearRaw(line, text, tag, who, expand(said))
    return Send(line, text, tag, who, expand(said) + (b"\r\n" if found["arrow"] == ">" else b""))


def _deed(found: re.Match[str], line: int, text: str) -> Step:
    return DEEDS[found["deed"]](line, text, found["tag"] or "", found["who"])


def _world(found: re.Match[str], line: int, text: str) -> Step:
    if found["bare"]:
        return (Drain if found["bare"] == "drain" else ClockStarts)(line, text, "")
    return (Wait if found["word"] == "wait" else At)(line, text, "", "", float(found["seconds"]))


GRAMMAR: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int, str], Step]], ...] = (
    (_WORLD, _world),
    (_DEED, _deed),
    (_SPOKEN, _spoken),
)


def parse_step(line: int, text: str) -> Step:
    """Read one step; its comment must be off already."""
    for pattern, build in GRAMMAR:
        if found := pattern.fullmatch(text):
            step = build(found, line, text)
            _check_tag(step.tag)
            return step
    raise ValueError(f"not a step: {text!r}")


def _check_tag(tag: str) -> None:
    if tag and tag not in TAGS:
        raise ValueError(f"unknown target [{tag}]; there are {', '.join(sorted(TAGS))}")


# -- scenarios --------------------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A scenario while its lines are read."""

    path: Path
    line: int
    name: str
    steps: list[Step]
    options: tuple[str, ...] = ()
    only: str = ""
    unexplained: int = 0  # line of a [tagged] step whose neighbours gave no reason yet; -1 if one did

    def add(self, line: int, text: str) -> None:
        """Take one line of the file."""
        written, reason = split_comment(text)
        if written.startswith("options "):
            self.options = tuple(written.split()[1:])
        elif written.startswith("only "):
            self._limit(written.removeprefix("only "), reason)
        elif written[0].isspace():
            self._add_field(line, written, reason)
        else:
            self._add_step(parse_step(line, written), reason)

    def _limit(self, tag: str, reason: str) -> None:
        _check_tag(tag)
        if not reason:
            raise ValueError(f"'only {tag}' needs a reason")
        self.only = tag

    def _add_field(self, line: int, text: str, reason: str) -> None:
        found, last = _FIELD.fullmatch(text), self.steps[-1] if self.steps else None
        if found is None or not isinstance(last, HearReport):
            raise ValueError(f"not a field of a report: {text!r}")
        tag = found["tag"] or ""
        _check_tag(tag)
        field = Field(line, found["key"], found["value"], tag)
        self.steps[-1] = replace(last, fields=(*last.fields, field))
        self._note(line, tag, reason)

    def _add_step(self, step: Step, reason: str) -> None:
        self.steps.append(step)
        self._note(step.line, step.tag, reason)

    def _note(self, line: int, tag: str, reason: str) -> None:
        """A difference between targets must say why: on one of the neighbouring lines that make it up."""
        if not tag:
            self.require_reasons()
        elif reason:
            self.unexplained = -1
        elif not self.unexplained:
            self.unexplained = line

    def require_reasons(self) -> None:
        if self.unexplained > 0:
            raise ValueError(f"line {self.unexplained} differs between targets and gives no reason")
        self.unexplained = 0

    def finish(self) -> Scenario:
        self.require_reasons()
        if not any(isinstance(step, EXPECTATIONS) for step in self.steps):
            raise ValueError(f"{self.name!r} expects nothing, so it proves nothing")
        return Scenario(self.path.stem, self.name, self.path, self.line, self.options, self.only, tuple(self.steps))


def parse(path: Path, lines: Iterable[str]) -> Iterator[Scenario]:
    """Read the scenarios of one file."""
    draft: _Draft | None = None
    slugs: set[str] = set()
    number = 0
    try:
        for number, text in enumerate(lines, 1):
            if not text.strip() or text.startswith("#"):
                continue
            if text.startswith("== "):
                if draft is not None:
                    yield draft.finish()
                draft = _Draft(path, number, text.removeprefix("== ").strip(), [])
                _check_name(draft.name, slugs)
            elif draft is None:
                raise ValueError(f"before the first scenario: {text!r}")
            else:
                draft.add(number, text)
        if draft is not None:
            yield draft.finish()
    except ValueError as error:
        raise BadTranscript(f"{path.name}:{number}: {error}") from error


def _check_name(name: str, slugs: set[str]) -> None:
    if slug(name) in slugs:
        raise ValueError(f"a second scenario is called {name!r}")
    slugs.add(slug(name))


def load(directory: Path) -> list[Scenario]:
    """Read all transcripts of a directory, files in alphabetical order."""
    paths = sorted(directory.glob("*.txt"))
    return [scenario for path in paths for scenario in parse(path, path.read_text().splitlines())]
