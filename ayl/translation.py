"""What all upgrades together make of a call, one after the other, release by release. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ayl.errors import Bury, CannotRun
from ayl.upgrades import UPGRADES, Call, Release, Table, Upgrade, model_of, release
from ayl.values import references
from ayl.values.tags import REFERENCE, SCALARS, TAG


def upgraded(call: Call, version: str, table: Table = UPGRADES) -> Call:
    """What all upgrades together make of a call that was sent by this version; the very call if none is for it.

    CannotRun, with the reason, if one of them says that there is nothing to be made of it.
    """
    if not are_there(call.receiver, call.method, (*call.args, *call.kwargs.values()), table):
        return call
    present = release(version)
    used: set[tuple[str, str]] = set()
    while applicable := [one for one in _for(call, table) if _is_due(one, call, version, present, used)]:
        chosen = min(applicable, key=lambda one: one.moment)
        used.add((chosen.old, chosen.before))
        call = _applied(chosen, call)
        if chosen.before and (present is None or chosen.moment > present):
            present = chosen.moment
    return call


def are_there(receiver: Any, method: str, values: Iterable[Any], table: Table = UPGRADES) -> bool:
    """Whether any may have to do with this call; most are told by this alone."""
    return any(name in table for name in _names(receiver, method, values))


def _names(receiver: Any, method: str, values: Iterable[Any]) -> list[str]:
    """All names by which there may be an upgrade for it: its own, that of its class, and those that it refers to."""
    model = model_of(receiver)
    names = [f"{model}.{method}" if model else method, model]
    for value in values:
        if type(value) not in SCALARS:
            with suppress(ValueError):  # what is wrong with a value is told where it is decoded
                names += [parts[0] for parts in references(value)]
    return names


def _for(call: Call, table: Table) -> Iterator[Upgrade]:
    """Every upgrade that has to do with one of its names."""
    names = _names(call.receiver, call.method, (*call.args, *call.kwargs.values()))
    for name in dict.fromkeys(names):
        for one in table.get(name, {}).values():
            if one.to or name in names[:2]:
                yield one


def _is_due(one: Upgrade, call: Call, version: str, present: Release | None, used: set[tuple[str, str]]) -> bool:
    if not one.before:
        return (one.old, one.before) not in used
    if present is None:
        raise CannotRun(
            f"it was sent by the version {version!r}, and nobody can tell whether that is before {one.before}, as the "
            f"upgrade of {call.name} to {one} asks"
        )
    return present < one.moment


def _applied(one: Upgrade, call: Call) -> Call:
    if one.function is None:
        return _renamed(call, one.old, one.to)
    try:
        # Of a copy: it may change a list in place.
        new = one.function(Call(_copied(call.receiver), call.method, *_copied([[*call.args], dict(call.kwargs)])))
    except Bury as error:
        raise CannotRun(str(error)) from error
    except Exception as error:
        raise CannotRun(f"its upgrade {one} failed: {type(error).__name__}: {error}") from error
    if not isinstance(new, Call):
        raise CannotRun(f"its upgrade {one} has returned {type(new).__qualname__}, and no call")
    return new


def _renamed(call: Call, old: str, new: str) -> Call:
    if call.name == old and call.receiver is None:
        return replace(call, method=new)
    if call.name == old:
        model, _, method = new.rpartition(".")
        return replace(call, receiver=_rewritten(call.receiver, call.model, model), method=method)
    receiver, *args = (_rewritten(value, old, new) for value in (call.receiver, *call.args))
    return Call(receiver, call.method, (*args,), {name: _rewritten(one, old, new) for name, one in call.kwargs.items()})


def _copied(data: Any) -> Any:
    if type(data) is dict:
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if type(data) is list else data


def _rewritten(data: Any, old: str, new: str) -> Any:
    """The encoded value, in which all references to the class `old` are ones to `new`."""
    match data:
        case {"$ref": [name, *key]} if name == old:
            return {REFERENCE: [new, *key]}
        case {"$t": ["value" | "enum" | "flag" as kind, name, *rest]} if name == old:
            return {TAG: [kind, new, *(_rewritten(item, old, new) for item in rest)]}
        case dict():
            return {key: _rewritten(item, old, new) for key, item in data.items()}
        case list():
            return [_rewritten(item, old, new) for item in data]
    return data
