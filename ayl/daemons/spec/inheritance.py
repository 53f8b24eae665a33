"""What a section has from those above it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ayl.daemons.spec.reader import Section, Trouble

EXCLUSIVE = (("virtualenv", "interpreter"), ("lanes", "tubes"), ("command", "interpreter"))
"""Of these, a section has one."""


def inherited(above: Section, own: Section) -> Section:
    """A section with what it does not say itself: variables are merged, files of them added up."""
    gone = {name for pair in EXCLUSIVE for name in pair if any(rival in own for rival in pair)}
    merged = {name: found for name, found in above.items() if name not in gone} | own
    both = above.keys() & own.keys()
    if "environment" in both:
        variables = above["environment"].value | own["environment"].value
        merged["environment"] = replace(own["environment"], value=variables)
    if "environment_files" in both:
        files = above["environment_files"].value + own["environment_files"].value
        merged["environment_files"] = replace(own["environment_files"], value=files)
    return merged


def check_exclusive(own: Section, trouble: Trouble) -> None:
    """Complaints for two of which a section has one."""
    for pair in EXCLUSIVE:
        if all(name in own for name in pair):
            first, second = sorted((own[name] for name in pair), key=lambda found: found.place)
            other = first.key.rpartition(".")[2]
            trouble.add(second, f"stands beside {other} ({first.place}); expected one of the two")
