"""What an examination finds: facts, put into one sentence each, with the command that cures."""

from __future__ import annotations

from dataclasses import dataclass, field

TROUBLE, WARNING, NOTE = SEVERITIES = ("trouble", "warning", "note")
"""Somebody has to act · somebody should look · good to know; the worst first."""

Fact = int | float | str | list[str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is as it is."""

    code: str
    """What kind of finding; for scripts, and never changed."""
    severity: str
    """One of SEVERITIES."""
    sentence: str
    cure: str = ""
    """What to do about it; mostly a command to type. Empty where there is nothing to do."""
    facts: dict[str, Fact] = field(default_factory=dict)
    """What it was told from, for scripts."""
    server: str = ""
    """Where; empty if that is clear."""


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Sorted by severity; otherwise as they are."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def span(seconds: float) -> str:
    """`7 s`, `12 min 5 s`, `3 h 4 min`, `2 days 3 h`: as a sentence has it."""
    whole = max(0, int(seconds))
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} day{'s' * (days != 1)} {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def many(number: int, noun: str) -> str:
    """`1 job`, `12,000 jobs`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
