"""The allow-list: which classes and functions a message may name, and by which names.

A name is chosen when the class is declared and looked up in a table when a message comes; nothing is
ever imported by a name that a message brought.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, Unpack, get_args, overload

from ayl.durations import declare as declare_durations
from ayl.durations import declared
from ayl.errors import InvalidOption, NotRegistered
from ayl.frameworks import load
from ayl.options import Options
from ayl.treatments import Given, Rules, compiled, declare

F = TypeVar("F", bound=Callable[..., Any])

GonePolicy = Literal["bury", "discard", "pass_none"]
"""Of a call that names an object which exists no more: `bury` puts it aside for an operator (after one more try if it
is young: its transaction may not have been committed), `discard` deletes it, `pass_none` makes it with None for the
object; without a receiver there is nothing to call, so that is buried.
"""


class Registry:
    """Names and what they stand for, both ways."""

    def __init__(self) -> None:
        self.models: dict[str, type] = {}
        self.model_names: dict[type, str] = {}
        self.methods: dict[type, frozenset[str]] = {}
        """Of the classes that say so: the only methods that may be called."""
        self.gone: dict[type, GonePolicy] = {}
        """Of the classes that say so: what becomes of calls that name an object which exists no more."""
        self.tasks: dict[str, Callable[..., Any]] = {}
        self.task_names: dict[Callable[..., Any], str] = {}

    def add_model(
        self,
        cls: type,
        name: str | None = None,
        how: str = '@ayl.model("{}")',
        *,
        was: Iterable[str] | str = (),
        methods: Iterable[str] | None = None,
        gone: GonePolicy | None = None,
        rules: Rules | None = None,
        durations: Options | None = None,
    ) -> None:
        """Let messages name `cls`; NotRegistered if a name cannot be used. `how` is how to give a name.

        `was`: names that it had before, in messages that still wait. `methods`: the only ones that may be called.
        `rules`: of the failures of all its methods. `durations`: options that say how long they may take.
        """
        name = name or _default_name(cls, how)
        allowed = None if methods is None else _own_methods(cls, name, methods)
        policy = None if gone is None else _gone_policy(gone)
        _enter(cls, name, was, self.models, self.model_names, "class")
        if allowed is not None:
            self.methods[cls] = allowed
        if policy is not None:
            self.gone[cls] = policy
        declare(cls, rules or {})
        if durations is not None:
            declare_durations(cls, durations)

    def gone_policy(self, cls: type) -> GonePolicy:
        """What becomes of calls that name an object of `cls` which exists no more; what a base class says holds too."""
        return next((self.gone[base] for base in cls.__mro__ if base in self.gone), "bury")

    def allowed_methods(self, cls: type) -> frozenset[str] | None:
        """The only methods of `cls` that may be called, if it says so; what a base class says holds too."""
        return next((self.methods[base] for base in cls.__mro__ if base in self.methods), None)

    def add_task(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        was: Iterable[str] | str = (),
        rules: Rules | None = None,
        durations: Options | None = None,
    ) -> None:
        """Let messages name `function`; NotRegistered if a name cannot be used. `was`: names that it had before.
        `rules`: of its failures. `durations`: options that say how long it may take.
        """
        if not callable(function) or isinstance(function, type):
            raise NotRegistered(f"@ayl.task is for functions, not for {function!r}; classes take @ayl.model")
        if isinstance(function, staticmethod):  # the class has the function within, which nobody would find again
            raise NotRegistered(f"place @ayl.task below @staticmethod of {function.__qualname__}, not above it")

        if _is_method(function):
            raise NotRegistered(
                f"{function.__qualname__} is a method, no function; declare its class with @ayl.model, "
                "and send it through an object: ayl.send(order.ship, …)"
            )
        name = name or _default_name(function, '@ayl.task("{}")')
        _enter(function, name, was, self.tasks, self.task_names, "function")
        declare(function, rules or {})
        if durations is not None:
            declare_durations(function, durations)

    def model(self, name: str) -> type:
        """The class of that name; NotRegistered if there is none."""
        try:
            return self.models[name]
        except KeyError:
            raise NotRegistered(f"no class {name!r} is registered here; {_CURE}") from None

    def task(self, name: str) -> Callable[..., Any]:
        """The function of that name; NotRegistered if there is none."""
        try:
            return self.tasks[name]
        except KeyError:
            raise NotRegistered(f"no function {name!r} is registered here; {_CURE}") from None


_CURE = "is the module that declares it imported (ayl_worker --require), or was it renamed (then give it was=[…])?"

registry = Registry()
"""The one that the decorators fill."""


def behind(obj: Any) -> Any:
    """The registered object that `obj` stands for, as Django's `request.user` does; `obj` itself if it stands for none.

    Such a stand-in has the class of what it stands for, and is of another type.
    """
    cls = type(obj)
    if cls in registry.model_names or obj.__class__ not in registry.model_names:
        return obj
    present = getattr(cls, "_get_current_object", None)  # werkzeug's
    if present is not None:
        return present(obj)
    return getattr(obj, "__dict__", {}).get("_wrapped", obj)  # Django's; to ask for its class has made it look


@overload
def task(function: F, /) -> F: ...
@overload
def task(
    name: str | None = None,
    /,
    *,
    was: Iterable[str] | str = (),
    keep_alive: bool | None = None,
    time_limit: int = 0,
    **rules: Unpack[Given],
) -> Callable[[F], F]: ...
def task(
    target: F | str | None = None,
    /,
    *,
    was: Iterable[str] | str = (),
    keep_alive: bool | None = None,
    time_limit: int = 0,
    **rules: Unpack[Given],
) -> F | Callable[[F], F]:
    """Function decorator: `ayl.send(function, …)` may name it. The function itself is left as it is.

    `@ayl.task` names it `module.function`; `@ayl.task("shop.restock")` as you say. `was` lists names that it had
    before, so that messages which were sent under these still find it. `retry_on`, `discard_on` and `bury_on` are
    classes of exceptions, and say what becomes of a call that raises them, as in `ayl.rules`. `keep_alive` and
    `time_limit` (seconds) are the options of that name for sends that do not say otherwise.
    """
    table = compiled(rules)
    durations = declared(keep_alive, time_limit)
    if target is None or isinstance(target, str):

        def named(function: F) -> F:
            registry.add_task(function, target, was=was, rules=table, durations=durations)
            return function

        return named
    registry.add_task(target, was=was, rules=table, durations=durations)
    return target


def names_of(given: Iterable[str] | str) -> tuple[str, ...]:
    """One name, or several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _is_method(function: Callable[..., Any]) -> bool:
    """Whether it is written in a class and wants an object first."""
    written_in = getattr(function, "__qualname__", "").rpartition(".")[0]
    names = getattr(getattr(function, "__code__", None), "co_varnames", ())
    return written_in != "" and not written_in.endswith("<locals>") and names[:1] in (("self",), ("cls",))


def _default_name(thing: Any, decorator: str) -> str:
    module, qualname = thing.__module__, getattr(thing, "__qualname__", "")
    if not qualname or "<lambda>" in qualname:
        raise NotRegistered(f"{thing!r} has no name of its own, so give it a name: {decorator.format('app.name')}")
    if module == "__main__":
        raise NotRegistered(
            f"{qualname} is defined in __main__, which is another module in every process, so no worker could find "
            "it; move it into a module of its own, or give it a name that stays: "
            + decorator.format("app." + thing.__name__)
        )
    if "<locals>" in qualname:
        raise NotRegistered(
            f"{qualname} is defined inside a function, so no worker could find it; move it to the top of its "
            f"module, or give it a name: {decorator.format(module + '.' + thing.__name__)}"
        )
    return f"{module}.{qualname}"


def _enter(
    thing: Any, name: str, was: Iterable[str] | str, taken: dict[str, Any], names: dict[Any, str], kind: str
) -> None:
    """Give `thing` its name and those that it had before; all of them or, with NotRegistered, none."""
    load()  # so that the first save, and the first transaction, is heard of as well
    before = names_of(was)
    for one in (name, *before):
        _claim(one, thing, taken, kind)
    for one in (name, *before):
        # A reloaded module brings a new thing of the same name; the old one must not answer any more, to no name.
        old = taken.get(one)
        if old is not None and old is not thing:
            names.pop(old, None)
            for other in [known for known, holder in [*taken.items()] if holder is old]:
                del taken[other]
        taken[one] = thing
    names[thing] = name


def _gone_policy(policy: GonePolicy) -> GonePolicy:
    if policy not in get_args(GonePolicy):
        raise InvalidOption(f"gone is one of {', '.join(get_args(GonePolicy))}, not {policy!r}")
    return policy


def _own_methods(cls: type, name: str, methods: Iterable[str]) -> frozenset[str]:
    """The names, if each is that of something in the class; a slip must not lock a method out for ever."""
    allowed = frozenset(names_of(methods))
    for method in sorted(allowed):
        if method.startswith("_"):
            raise NotRegistered(f"{name}.{method} is private, and methods=[…] cannot allow it")
        if not any(method in vars(base) for base in cls.__mro__):
            raise NotRegistered(f"{name} has no method {method!r}, which methods=[…] allows")
    return allowed


def _claim(name: str, thing: Any, taken: dict[str, Any], kind: str) -> None:
    """Refuse a second, different holder of `name`; the same one declared again (a reload) may replace itself."""
    if not isinstance(name, str) or not name or name.strip() != name or not name.isprintable():
        raise NotRegistered(f"{name!r} is no name for a {kind}")
    old = taken.get(name)
    if old is not None and _origin(old) != _origin(thing):
        raise NotRegistered(f"{name!r} already names the {kind} {_origin(old)}; give one of them another name")


def namesake(cls: type) -> bool:
    """Whether another class of this module and name is registered: `cls` is an older one, or one made of it."""
    return any(_origin(known) == _origin(cls) for known in [*registry.model_names])


def _origin(thing: Any) -> str:
    return f"{thing.__module__}.{getattr(thing, '__qualname__', repr(thing))}"
