"""Whether every call that fits some parameters fits others, too. Pure.

A call that waits may have been written in any way that its parameters allow, by places or by names. So the rules
are strict: what they let pass is sure to fit, with the same meaning for each argument; what they tell of may be a
call that nobody has ever written so.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ayl.manifest.annotations import takes_all
from ayl.manifest.surface import Kind, Parameter

BY_PLACE: frozenset[Kind] = frozenset({"positional_only", "positional_or_keyword"})
BY_NAME: frozenset[Kind] = frozenset({"positional_or_keyword", "keyword_only"})


class Shape:
    """The parameters of one callable, sorted by how a call can give them."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self.placed = [one for one in parameters if one.kind in BY_PLACE]
        """In their order."""
        self.named = {one.name: one for one in parameters if one.kind in BY_NAME}
        self.places = {one.name: place for place, one in enumerate(self.placed)}
        self.further = next((one for one in parameters if one.kind == "var_positional"), None)
        """`*args`"""
        self.others = next((one for one in parameters if one.kind == "var_keyword"), None)
        """`**kwargs`"""

    def at(self, place: int) -> Parameter | None:
        """What takes the argument at this place."""
        return self.placed[place] if place < len(self.placed) else self.further

    def called(self, name: str) -> Parameter | None:
        """What takes the argument of this name. Nothing does if a parameter is called so that has no name for callers:
        `**kwargs` would, but inspect's bind refuses that in Python 3.11.
        """
        only_by_place = name in self.places and name not in self.named
        return None if only_by_place else self.named.get(name, self.others)


def _reached(old: Shape, new: Shape) -> Iterator[str]:
    """An argument must be taken, and by one parameter, whichever way it is given."""
    for place, one in enumerate(old.placed):
        by_place = new.at(place)
        if one.kind in BY_NAME:
            yield from _either_way(one.name, place, by_place, new)
        elif by_place is None:
            yield f"{one.name} is gone"
    for name, one in old.named.items():
        if one.kind == "keyword_only" and new.called(name) is None:
            yield f"{name} cannot be given by its name any more" if name in new.places else f"{name} is gone"
    for star, before, now in (("*", old.further, new.further), ("**", old.others, new.others)):
        if before is not None and now is None:
            yield f"{star}{before.name} is gone"


def _either_way(name: str, place: int, by_place: Parameter | None, new: Shape) -> Iterator[str]:
    by_name = new.called(name)
    is_there = name in new.named or name in new.places
    if by_place is by_name and by_place is not None:
        return
    if is_there and (by_place is None or by_place is new.further):
        yield f"{name} cannot be given by its place any more"
    elif by_name is None:
        yield f"{name} cannot be given by its name any more" if is_there else f"{name} is gone"
    elif by_place is None:
        yield f"{name} is gone"
    elif by_place is not new.further:
        yield f"{name} is not at place {place + 1} any more: {by_place.name} is"


def _taken_twice(old: Shape, new: Shape) -> Iterator[str]:
    """An argument must not be taken by a parameter that is new, nor by one that has another already."""
    most = float("inf") if old.further else len(old.placed)
    for name, one in old.named.items():
        if one.kind == "keyword_only" and new.places.get(name, most) < most:
            yield f"{name} may now be given by its place, where other arguments are"
    if old.further is not None:
        for one in new.placed[len(old.placed) :]:
            yield f"{one.name} would take what *{old.further.name} took"
    if old.others is not None:
        same = {one.name for one, other in zip(old.placed, new.placed, strict=False) if one.name == other.name}
        for name in [*new.named.keys() - old.named.keys(), *(new.places.keys() - new.named.keys() - same)]:
            yield f"{name} would take what **{old.others.name} took"


def _required(old: Shape, new: Shape) -> Iterator[str]:
    """A call may have left out what has to be given now."""
    for one in {**{one.name: one for one in new.placed}, **new.named}.values():
        if one.default:
            continue
        before = old.named.get(one.name)
        place = new.places.get(one.name)
        if before is None and place is not None and place < len(old.placed):
            before = old.placed[place]
        if before is None:
            yield f"{one.name} is new and has no default"
        elif before.default:
            yield f"{one.name} has no default any more"


def _narrowed(old: Shape, new: Shape, renamed: Mapping[str, str]) -> Iterator[str]:
    """A value that fitted may not."""
    takers: list[tuple[str, Parameter, Parameter | None]] = []
    for place, one in enumerate(old.placed):
        takers.append((one.name, one, new.at(place)))
    takers += [(name, one, new.called(name)) for name, one in old.named.items()]
    takers += [(f"*{old.further.name}", old.further, new.further)] if old.further else []
    takers += [(f"**{old.others.name}", old.others, new.others)] if old.others else []
    for shown, before, now in takers:
        if now is not None and not takes_all(now.annotation, before.annotation, renamed):
            yield f"{shown} was {before.annotation or 'anything'} and is {now.annotation} now"


RULES: tuple[Callable[[Shape, Shape], Iterator[str]], ...] = (_reached, _taken_twice, _required)


def misfits(
    old: Sequence[Parameter], new: Sequence[Parameter], renamed: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Why a call that fits the old ones may not fit the new ones; nothing if all do. `renamed`: classes, old to new
    names.
    """
    was, now = Shape(old), Shape(new)
    found = [said for rule in RULES for said in rule(was, now)]
    return [*dict.fromkeys([*found, *_narrowed(was, now, renamed)])]
