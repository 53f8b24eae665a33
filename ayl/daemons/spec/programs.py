"""The kind of commands: a program and its arguments, which no shell reads."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ayl.daemons.spec.kinds import TEXT, Single, called, scalar
from ayl.daemons.spec.problems import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Reader


SHELL = {"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1"}
"""Words that a shell would understand."""

_word = Single("a word", TEXT, {"type": ["string", "number", "boolean"]}, takes_truths=True)


@dataclass(frozen=True, slots=True)
class Command:
    """A program and its arguments: a list, or text that is split as a shell splits it."""

    expected: str = 'a list of words, or text that is split at its blanks ("…" keeps some together)'

    def read(self, node: yaml.Node, key: str, reader: Reader) -> tuple[str, ...]:
        if isinstance(node, yaml.SequenceNode):
            found = [reader.value(_word, part, f"{key}[{at}]") for at, part in enumerate(node.value)]
            words = tuple(item.value for item in found if item is not None)
            if not node.value:
                raise Wrong("is an empty list")
            return words
        if isinstance(node, yaml.MappingNode):
            raise Wrong(called(node))
        return _split(scalar(node), reader)

    def schema(self) -> Mapping[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": _word.schema(), "minItems": 1}]}


def _split(line: str, reader: Reader) -> tuple[str, ...]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise Wrong(f"cannot be split ({str(error).lower()})") from None
    if not words:
        raise Wrong("is empty")
    for word in words:
        if word in SHELL:
            raise Wrong(f"no shell reads this, and {word} means nothing", 'a list such as [sh, -c, "…"]')
    # After the split, so that a variable with blanks stays one word.
    return tuple(TEXT(reader.expanded(word)) if word else word for word in words)
