"""A file's bytes as YAML nodes, each of which knows its place; or what keeps them from being read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from ayl.daemons.spec.problems import Place, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 1024 * 1024
"""Of a file: thousands of daemons, and read within seconds."""

MOST_VALUES = 100_000
"""With each alias counted as what it stands for: a few lines of them can stand for more than fits into memory."""

PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")}
"""What YAML itself takes values for. (Kinds of our own decide: `1.10` is a version and no number.)"""

MERGE = "tag:yaml.org,2002:merge"


class Unreadable(Exception):
    """No YAML, for this reason."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(text)
        self.problem = Problem(place, "", text)


def parsed(data: bytes, file: str) -> yaml.Node | None:
    """The document of a file; None if it has nothing but comments. Unreadable."""
    text = _text(data, file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _marked(error, file) from None
    except yaml.reader.ReaderError as error:
        number = error.character if isinstance(error.character, int) else ord(error.character)
        what = f"U+{number:04X} is a character that YAML does not allow"
        raise Unreadable(_at(file, text[: error.position]), f"{what}; expected text") from None
    except RecursionError:
        raise Unreadable(Place(file), "is nested too deeply; expected at most a dozen levels") from None
    if node is not None:
        _check(node, file)
    return node


def place(node: yaml.Node, file: str) -> Place:
    """Where a node begins."""
    return Place(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _text(data: bytes, file: str) -> str:
    if len(data) > MOST_BYTES:
        raise Unreadable(Place(file), "is larger than 1 MiB; expected less: spread it over fragments in conf.d")
    if data.startswith(b"\xef\xbb\xbf"):
        raise Unreadable(Place(file, 1, 1), "begins with a byte order mark; expected UTF-8 without one")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise Unreadable(_at(file, before), f"byte 0x{data[error.start]:02x} is no UTF-8; expected UTF-8") from None


def _at(file: str, before: str) -> Place:
    """The place behind this text."""
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _marked(error: yaml.MarkedYAMLError, file: str) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    where = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    if "'\\t'" in str(error.problem):
        return Unreadable(where, "a tab stands where YAML allows none; expected blanks")
    reasons = ", ".join(reason for reason in (error.context, error.problem) if reason)
    return Unreadable(where, f"is no valid YAML: {reasons}; expected `KEY: VALUE` lines, indented by blanks")


def _check(root: yaml.Node, file: str) -> None:
    """Unreadable for tags, merges, and aliases that stand for too much or for themselves."""
    for node in _nodes(root):
        if node.tag == MERGE:
            what = "merge keys (<<) are not understood; expected `defaults`, from which applications inherit"
            raise Unreadable(place(node, file), what)
        if node.tag not in PLAIN and node.tag != "tag:yaml.org,2002:value":
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise Unreadable(place(node, file), f"the tag {tag} is not understood; expected a value without a tag")
    _weigh(root, file)


def _nodes(root: yaml.Node) -> Iterator[yaml.Node]:
    """Each once, however many aliases lead to it; those of a file are in its order."""
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(reversed(_children(node)))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return [*node.value] if isinstance(node, yaml.SequenceNode) else []


def _weigh(root: yaml.Node, file: str) -> None:
    """Counts the values without following an alias twice."""
    weights: dict[int, int] = {}
    above: set[int] = set()
    waiting = [(root, False)]
    while waiting:
        node, is_done = waiting.pop()
        if is_done:
            above.discard(id(node))
            weight = 1 + sum(weights[id(child)] for child in _children(node))
            weights[id(node)] = min(weight, MOST_VALUES + 1)  # its true number can have thousands of digits
        elif id(node) in above:
            raise Unreadable(place(node, file), "an alias stands within what it stands for; expected one that ends")
        elif id(node) not in weights:
            above.add(id(node))
            waiting.append((node, True))
            waiting.extend((child, False) for child in _children(node))
    if weights[id(root)] > MOST_VALUES:
        raise Unreadable(Place(file), f"has more than {MOST_VALUES} values with its aliases; expected fewer")
