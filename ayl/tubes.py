"""Tube names: `app/version`, or `app/version/lane`."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ayl.errors import InvalidOption

MAX_TUBE_NAME = 200
"""Bytes (beanstalk protocol)."""

DEFAULT_LANE = "default"
"""The lane that is the app's own tube: Ruby ayl's name for it, for whoever has to name it."""

# The protocol's alphabet for tube names without '/', which joins the parts here.
_part = re.compile(r"[A-Za-z0-9+;.$_()][A-Za-z0-9\-+;.$_()]*").fullmatch


RULE = "1 to 200 of A-Z a-z 0-9 - + / ; . $ _ ( ), the first no '-'"
"""What the protocol allows, for error messages."""

_whole = re.compile(r"(?!-)[A-Za-z0-9+/;.$_()-]{1,200}").fullmatch


def legal(name: str) -> bool:
    """Whether a tube may have this name (beanstalk protocol)."""
    return _whole(name) is not None


def is_wild(name: str) -> bool:
    """Whether it stands for all tubes that it matches: `*` is any text."""
    return "*" in name


def stem(name: str) -> str:
    """The name itself; of one with `*` the shortest tube that it matches."""
    return name.replace("*", "")


def watchable(name: str) -> bool:
    """Whether a worker may be given this name: that of a tube, or one with `*` and something before that."""
    return legal(stem(name)) and not name.startswith("*")


def matching(patterns: Iterable[str], tubes: Iterable[str]) -> list[str]:
    """Those of `tubes` that one of the patterns matches, sorted."""
    find = re.compile("|".join(".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)).fullmatch
    return sorted(filter(find, tubes))


def lane_watchable(name: str) -> bool:
    """Whether a worker may be given this name of a lane: one that can be sent to, or one with `*`."""
    return _part(name.replace("*", "x")) is not None


def is_default_too(lane: str) -> bool:
    """Whether this name of lanes, with `*`, stands for the app's own tube beside others."""
    return is_wild(lane) and bool(matching([lane], [DEFAULT_LANE]))


def lane_tubes(own: str, lanes: Sequence[str]) -> tuple[str, ...]:
    """The tubes of these lanes of an app whose own tube is `own`, in their order, names with `*` included.
    InvalidOption if one is too long.
    """
    tubes = []
    for lane in lanes:
        if lane == DEFAULT_LANE or (is_default_too(lane) and DEFAULT_LANE not in lanes):
            tubes.append(own)
        if lane != DEFAULT_LANE:
            tubes.append(_short_enough(f"{own}/{lane}"))
    return (*dict.fromkeys(tubes),)


def check_part(what: str, text: str) -> str:
    """`text` if it may be a part of a tube's name; InvalidOption otherwise. `what` names it in the error."""
    if not isinstance(text, str) or not _part(text):
        raise InvalidOption(
            f"{what} {text!r} cannot be part of a tube's name: use letters, digits and + ; . $ _ ( ) -, "
            "not starting with -"
        )
    return text


@lru_cache(1024)
def tube_name(app: str, version: str, lane: str = "") -> str:
    """The tube for these parts; InvalidOption if it is too long."""
    return _short_enough(f"{app}/{version}/{lane}" if lane not in ("", DEFAULT_LANE) else f"{app}/{version}")


def _short_enough(name: str) -> str:
    if len(stem(name)) > MAX_TUBE_NAME:
        raise InvalidOption(f"the tube's name {name!r} has {len(name)} bytes; the protocol allows {MAX_TUBE_NAME}")
    return name


def app_of(tube: str) -> str:
    """The app that a tube is of: its first part."""
    return tube.partition("/")[0]
