"""The server's reports: text in a simple kind of YAML, which PyYAML reads if it is to."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_text = re.compile(
    r"^(- |(?:name|tube|state|version|hostname|os|platform): |id: (?=[0-9a-f]{16}$))(?!\")(.*)$", re.MULTILINE
)
"""Values that are text whatever they look like. A server's id is 16 digits; a job's is a number."""

_priority = re.compile(r"^pri: (\d+)$", re.MULTILINE)


def parser(parse_yaml: bool | Callable[[str], Any]) -> Callable[[str], Any]:
    """What makes of a report what the program wants: PyYAML, a function of its own, or nobody.

    Without PyYAML the reports stay text, and the log says so.
    """
    if parse_yaml is not True:
        return parse_yaml or str
    try:
        import yaml  # takes long, and not every program asks for reports
    except ImportError:
        logging.getLogger(__name__).error(
            "Failed to load PyYAML, will not parse YAML: reports stay text; pip install PyYAML, or say parse_yaml=False"
        )
        return str
    return lambda report: yaml.safe_load(quoted(report))


def quoted(report: str) -> str:
    """The same with all texts in quotes: YAML would take a tube named `no` for False and one named `007` for a 7."""
    return _text.sub(lambda found: found[1] + "'" + found[2].replace("'", "''") + "'", report)


def priority(report: str) -> int:
    """Of a job. ValueError if the report has none."""
    found = _priority.search(report)
    if found is None:
        raise ValueError("the report of a job has no priority")
    return int(found[1])
