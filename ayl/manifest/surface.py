"""The callable surface of a release: everything that a message may name. Data, and its JSON."""

from typing import Literal

import msgspec

from ayl.errors import AylError

FORMAT = 1
"""Of the file; another one is written when what is in it means something else."""

Kind = Literal["positional_only", "positional_or_keyword", "var_positional", "keyword_only", "var_keyword"]


class Parameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """One that a call may give."""

    name: str
    kind: Kind = "positional_or_keyword"
    default: bool = False
    """Whether it has one."""
    annotation: str = ""
    """What is checked of its values; empty for a parameter that takes anything."""


class Method(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public method, without self or cls."""

    parameters: tuple[Parameter, ...] | None = None
    """None for a builtin that tells nothing of them."""
    on_class: bool = False
    """Whether it may be called on the class, too."""


class Model(msgspec.Struct, frozen=True, omit_defaults=True):
    """A class whose objects messages may name."""

    methods: dict[str, Method]
    was: tuple[str, ...] = ()
    """Names that it had before."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function."""

    parameters: tuple[Parameter, ...] | None = None
    was: tuple[str, ...] = ()


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A class whose instances travel by value."""

    fields: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    """Of an Enum."""


class Upgrade(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of a call of an older release."""

    old: str
    before: str = ""
    to: str = ""
    by: str = ""
    """The function that translates."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One release."""

    format: int = FORMAT
    app: str
    version: str
    models: dict[str, Model] = {}
    tasks: dict[str, Task] = {}
    values: dict[str, Value] = {}
    upgrades: tuple[Upgrade, ...] = ()


class NotAManifest(AylError):
    """A file that is none, or one of a later ayl."""


class _Head(msgspec.Struct):
    format: int


def write(manifest: Manifest) -> str:
    """As JSON, always the same for the same release: names are sorted, and each fact has a line of its own."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="sorted"), indent=2).decode() + "\n"


def read(text: bytes, place: str) -> Manifest:
    """The manifest in a file; NotAManifest, which names the place, if there is none."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.format != FORMAT:
            raise NotAManifest(f"{place} is a manifest of format {head.format}; this ayl reads format {FORMAT}")
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotAManifest(
            f"{place} is no manifest: {error}; `ayl_beanstalk manifest --require MODULE -o FILE` writes one"
        ) from None
