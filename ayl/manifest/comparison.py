"""Whether calls of an old release that still wait could run in a new one: two manifests, and a table of rules. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ayl import upgrades
from ayl.errors import CannotRun
from ayl.manifest.parameters import misfits
from ayl.manifest.surface import Manifest, Method, Parameter, Value
from ayl.translation import upgraded
from ayl.upgrades import Call


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that calls of the old release may name, and that the new one cannot do with them."""

    name: str
    """`shop.Order.ship`, or the name of a function or a value."""
    problem: str


class _Release:
    """The new one, as calls of the old one see it."""

    def __init__(self, old: Manifest, new: Manifest) -> None:
        self.new = new
        self._version = old.version
        self._upgrades = _table(new)
        self.models = {known: name for name, model in new.models.items() for known in (name, *model.was)}
        """Each name that is known -> the one that is used."""
        self.tasks = {known: name for name, task in new.tasks.items() for known in (name, *task.was)}
        self.renamed = {name: now for name in old.models if (now := self.model(name)) not in (None, name)}

    def model(self, name: str) -> str | None:
        """What a class is called now; None if nothing is called so."""
        now = self.call({"$ref": [name]}, "").model
        return self.models.get(now)

    def call(self, receiver: object, method: str) -> Call:
        """What its upgrades make of it; CannotRun."""
        return upgraded(Call(receiver, method), self._version, self._upgrades)


TRANSLATED = Call(None, "")
"""Stands for whatever a function makes of a call: nobody can tell, and it is trusted."""


def _table(new: Manifest) -> upgrades.Table:
    table: upgrades.Table = {}
    for one in new.upgrades:
        function = (lambda _: TRANSLATED) if one.by else None
        table.setdefault(one.old, {})[one.before] = upgrades.Upgrade(one.old, one.before, one.to, function)
    return table


def problems(old: Manifest, new: Manifest) -> list[Problem]:
    """What could not run, sorted by name; none if everything could."""
    release = _Release(old, new)
    found = [*_models(old, release), *_tasks(old, release), *_values(old.values, new.values)]
    return sorted(found, key=lambda problem: (problem.name, problem.problem))


def _models(old: Manifest, release: _Release) -> Iterator[Problem]:
    for name, model in old.models.items():
        for known in model.was:
            if release.model(known) is None:
                yield Problem(known, "the class is not known by this former name any more")
        for method, was in model.methods.items():
            for said in _method(release, name, method, was):
                yield Problem(f"{name}.{method}", said)


def _method(release: _Release, model: str, method: str, was: Method) -> Iterator[str]:
    ways = [{"$ref": [model, 0]}, {"$ref": [model]}] if was.on_class else [{"$ref": [model, 0]}]
    said = (one for receiver in ways for one in _target(release, receiver, method, was.parameters))
    yield from dict.fromkeys(said)


def _tasks(old: Manifest, release: _Release) -> Iterator[Problem]:
    for name, task in old.tasks.items():
        for known in (name, *task.was):
            for said in _target(release, None, known, task.parameters):
                yield Problem(known, said)


def _target(release: _Release, receiver: object, method: str, was: tuple[Parameter, ...] | None) -> Iterator[str]:
    """What is wrong with calls of this, once they are upgraded."""
    try:
        call = release.call(receiver, method)
    except CannotRun as error:
        yield str(error)
        return
    if call is TRANSLATED:
        return
    found = _found(release, call)
    if isinstance(found, str):
        yield found
    elif found is not None:
        yield from misfits(was, found, release.renamed) if was is not None else ["nobody knows what it took"]


def _found(release: _Release, call: Call) -> tuple[Parameter, ...] | str | None:
    """The parameters of what is called; what to say if there is no such thing, and None if they are not known."""
    new = release.new
    if not call.model:
        task = release.tasks.get(call.method)
        return f"no function {call.method!r} is registered any more" if task is None else new.tasks[task].parameters
    name = release.models.get(call.model)
    if name is None:
        return f"no class {call.model!r} is registered any more"
    method = new.models[name].methods.get(call.method)
    if method is None:
        return f"no method {call.method!r} of {name} may be called any more"
    if len(call.receiver["$ref"]) == 1 and not method.on_class:
        return "is a method of instances now: it cannot be called on the class any more"
    return method.parameters


def _values(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[Problem]:
    for name, was in old.items():
        now = new.get(name)
        if now is None:
            yield Problem(name, "no value has this name any more")
            continue
        for field in was.fields:
            if field not in now.fields:
                yield Problem(name, f"has no field {field!r} any more, which each one that was sent has")
        for field in now.fields:
            if field not in was.fields:
                yield Problem(name, f"has a new field {field!r}, which none that was sent has")
        for member in was.members:
            if member not in now.members:
                yield Problem(name, f"has no member {member!r} any more")
