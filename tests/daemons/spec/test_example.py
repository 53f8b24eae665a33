"""`etc/daemons.yml.example`: every key once, with its meaning; it loads, and so does what is commented out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from ayl.daemons.spec.keys import FILE, FRAGMENT, KEYS
from ayl.daemons.spec.releases import SOURCES
from ayl.daemons.spec.schema import schema
from ayl.daemons.spec.sections import Mapped, Named

from .machines import Imagined, configured, problems
from .validity import is_valid

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[3] / "etc" / "daemons.yml.example"
LINES = EXAMPLE.read_text().splitlines()
OFF = "#:"
"""How a line begins that is switched off."""


def switched_on(line: str) -> str:
    return f"{line.removeprefix(OFF)}" if line.startswith(OFF) else line


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def machine() -> Imagined:
    """One that has all that the example speaks of."""
    files = ["VERSION", "/etc/ayl/shop.env", *(f"/etc/ayl/tls/{name}" for name in ("server.pem", "server.key"))]
    made = Imagined({f"/srv/shop/{name}" if name[0] != "/" else name: b"" for name in files})
    made.files["/etc/ayl/tls/clients.pem"] = b""
    made.directories.add("/srv/shop/scheduler")
    made.programs |= {"/usr/bin/ayl_server", "/usr/bin/python3.11", "/usr/bin/python"}
    return made


def keys_of(node: yaml.Node, section: Mapped) -> Iterator[tuple[str, str, int]]:
    """The keys within a section: its name, their own, and their lines (from 0)."""
    assert isinstance(node, yaml.MappingNode), section.name
    for name, value in node.value:
        yield section.name, name.value, name.start_mark.line
        kind = section.keys()[name.value].kind
        if isinstance(kind, Mapped):
            yield from keys_of(value, kind)
        elif isinstance(kind, Named):
            for _, one in value.value:
                if one.value:
                    yield from keys_of(one, kind.section)


def all_keys() -> list[tuple[str, str, int]]:
    """Those that are switched off, too."""
    node = yaml.compose("\n".join(map(switched_on, LINES)), Loader=yaml.SafeLoader)
    assert node is not None
    return [*keys_of(node, FILE)]


def test_every_key_of_the_table_is_there_once() -> None:
    there = Counter((section, name) for section, name, _ in all_keys())
    assert set(there.values()) == {1}
    for key in KEYS:
        sections = [section.name for section in key.where if section is not FRAGMENT]
        assert sum(there[section, key.name] for section in sections) == 1, f"{key.name} of {sections}"


def test_every_way_to_find_a_version_is_there() -> None:
    text = "\n".join(map(switched_on, LINES))
    assert all(re.search(rf"^ +{source}: ", text, re.MULTILINE) for source in SOURCES)


def test_every_key_has_a_comment() -> None:
    for _, _, number in all_keys():
        line = LINES[number]
        # Before a section the comment may have lines of its own.
        assert " # " in line.removeprefix(OFF) or LINES[number - 1].startswith("# "), line


def test_it_loads() -> None:
    found = configured("\n".join(LINES), machine())
    assert [daemon.name for daemon in found.daemons] == ["server", "shop.calls", "shop.mail", "shop.scheduler"]
    assert found.warnings == ()


def test_it_is_valid_by_the_schema() -> None:
    whole = schema()
    document = yaml.safe_load("\n".join(LINES))
    assert is_valid(document, whole, whole)
    assert not is_valid(document | {"servers": {}}, whole, whole)


def blocks() -> list[range]:
    """The lines of each key that is switched off, with what stands in it."""
    found: list[range] = []
    for number, line in enumerate(LINES):
        if not line.startswith(OFF):
            continue
        depth = indent(switched_on(line))
        if found and found[-1].stop == number and depth > indent(switched_on(LINES[found[-1].start])):
            found[-1] = range(found[-1].start, number + 1)
        else:
            found.append(range(number, number + 1))
    return found


def rival(block: range) -> range:
    """The lines of the key of the same section that a comment says it stands instead of; or none."""
    line = switched_on(LINES[block.start])
    instead = re.search(r"# instead of (\w+)", line)
    if instead is None:
        return range(0)
    key = " " * indent(line) + instead[1] + ":"
    start = max(number for number in range(block.start) if LINES[number].startswith(key))
    return range(start, start + 1)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: switched_on(LINES[block.start]).split(":")[0].strip())
def test_what_is_switched_off_loads_once_it_is_switched_on(block: range) -> None:
    text = "\n".join(
        switched_on(line) if number in block else line
        for number, line in enumerate(LINES)
        if number not in rival(block)
    )
    assert problems(text, machine()) == []
