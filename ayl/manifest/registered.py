"""The manifest of the code that is loaded, from what it has registered."""

from collections.abc import Callable, Iterable
from inspect import Parameter as Given
from typing import Any

from ayl.errors import NotCallable
from ayl.manifest.annotations import told
from ayl.manifest.surface import Kind, Manifest, Method, Model, Parameter, Task, Upgrade, Value
from ayl.registry import registry
from ayl.targets import Target, function_target, method_target
from ayl.upgrades import UPGRADES
from ayl.values.classes import NAMES, Codec
from ayl.values.members import Members

KINDS: dict[Any, Kind] = {
    Given.POSITIONAL_ONLY: "positional_only",
    Given.POSITIONAL_OR_KEYWORD: "positional_or_keyword",
    Given.VAR_POSITIONAL: "var_positional",
    Given.KEYWORD_ONLY: "keyword_only",
    Given.VAR_KEYWORD: "var_keyword",
}


def manifest(app: str, version: str) -> Manifest:
    """Of this release: everything that its messages may name."""
    return Manifest(
        app=app,
        version=version,
        models={name: _model(cls, name) for cls, name in registry.model_names.items()},
        tasks={name: _task(name, function) for function, name in registry.task_names.items() if _is_callable(name)},
        values={name: _value(codec) for name, codec in NAMES.items()},
        upgrades=tuple(
            Upgrade(one.old, one.before, one.to, "" if one.function is None else str(one))
            for _, declared in sorted(UPGRADES.items())
            for one in sorted(declared.values(), key=lambda one: (one.moment, one.before))
        ),
    )


def _model(cls: type, name: str) -> Model:
    public = sorted({known for base in cls.__mro__ for known in vars(base) if not known.startswith("_")})
    methods = {method: found for method in public if (found := _method(cls, method)) is not None}
    return Model(methods, _before(cls, name, registry.models))


def _method(cls: type, name: str) -> Method | None:
    target = _found(lambda: method_target(cls, name, on_class=False))
    if target is None:
        return None
    on_class = _found(lambda: method_target(cls, name, on_class=True)) is not None
    return Method(_parameters(target), on_class)


def _task(name: str, function: object) -> Task:
    return Task(_parameters(function_target(name)[1]), _before(function, name, registry.tasks))


def _is_callable(task: str) -> bool:
    return _found(lambda: function_target(task)[1]) is not None


def _found(look: Callable[[], Target]) -> Target | None:
    try:
        return look()
    except NotCallable:
        return None


def _before(thing: object, name: str, taken: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(known for known, holder in taken.items() if holder is thing and known != name))


def _parameters(target: Target) -> tuple[Parameter, ...] | None:
    given = target.parameters
    if given is None:
        return None
    hints = target.hints()
    return tuple(_parameter(one, hints) for one in given)


def _parameter(one: Given, hints: dict[str, Any]) -> Parameter:
    annotation = told(hints[one.name]) if one.name in hints else ""
    if annotation and one.default is None and "None" not in annotation.split(" | "):
        annotation += " | None"
    return Parameter(one.name, KINDS[one.kind], one.default is not one.empty, annotation)


def _value(codec: Codec) -> Value:
    if isinstance(codec, Members):
        return Value(members=_sorted(codec.table))
    return Value(fields=_sorted(codec.fields))


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
