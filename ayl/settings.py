"""Which app this is and where its server stands: arguments > `AYL_*` variables > `ayl.toml` > defaults."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from ayl.errors import InvalidOption, NotConfigured
from ayl.options import Options, Unreachable, check_unreachable
from ayl.signing import KeyRing, key_ring
from ayl.tubes import DEFAULT_LANE, check_part, lane_tubes, tube_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    Place = PathLike[str] | str

DEFAULT_ENGINE = "beanstalk://127.0.0.1:11300"
CONFIG_FILE = "ayl.toml"

NO_APP = (
    "no app is configured, so there is no tube to send to; add a line such as\n"
    '    ayl.configure(app="shop", version="1.4.2")\n'
    'or set AYL_APP, or write app = "shop" into ayl.toml'
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Valid once constructed; `app` may be empty until something is sent."""

    app: str = ""
    version: str = "dev"
    """The app's release: calls of one release are made by workers of the same."""
    engine: str = DEFAULT_ENGINE
    """`beanstalk://HOST:PORT`, `beanstalk:///PATH/OF/SOCKET`, several servers with commas between; `beanstalks://…` for
    TLS; `thread`, or `synchronous`. With several, sends go to the first that answers (`?send=spread`: to all in turn)
    and workers watch all. See docs/engines.md.
    """
    timeout: float = 5.0
    """Seconds that a worker waits for the server's connection and for each of its answers."""
    send_timeout: float = 1.0
    """Seconds that a send may cost in all when the server does not answer; then it counts as unreachable."""
    probe_interval: float = 5.0
    """Seconds for which an unreachable server is then left alone; sends in this time do not wait for it at all."""
    unreachable: Unreachable = "raise"
    """What becomes of calls when no server answers: `spool`, `synchronous` or `raise`; a call may say otherwise."""
    spool: str = ""
    """The directory where calls wait for a server; empty for the user's own, `~/.local/state/ayl/spool`."""
    spool_limit: int = 100_000_000
    """Bytes that the spool may take."""
    secrets: KeyRing | None = None
    """Keys that sign messages; with them workers run none that is not signed (`ayl.signing`)."""
    max_message_size: int = 65535
    """Bytes; the server's own limit (its option -z)."""
    defaults: Options = field(default_factory=Options)
    """Options of calls that say nothing else."""

    def __post_init__(self) -> None:
        if self.app:
            check_part("app", self.app)
            check_part("version", self.version)
            tube_name(self.app, self.version)

    def spool_directory(self) -> str:
        """Where calls wait for a server; NotConfigured if there is no such place for this user."""
        return self.spool or default_spool(os.environ)

    def tube(self, lane: str = "") -> str:
        """The tube of this app's calls; NotConfigured without an app."""
        if not self.app:
            raise NotConfigured(NO_APP)
        return tube_name(self.app, self.version, lane)

    def tubes(self, lanes: "Sequence[str]") -> tuple[str, ...]:
        """The tubes of these lanes of the app, for workers: with `*`, all that match; its own tube without any."""
        return lane_tubes(self.tube(), lanes or (DEFAULT_LANE,))


_TEXT = ("app", "version", "engine")
_NUMBERS: dict[str, tuple[Callable[[Any], float], float]] = {
    "timeout": (float, 3600.0),
    "send_timeout": (float, 3600.0),
    "probe_interval": (float, 3600.0),
    "max_message_size": (int, 2**30),
    "spool_limit": (int, 2**50),
}
"""The settings that are numbers: their type, and the largest that makes sense."""
_OTHERS: dict[str, Callable[[object], object]] = {
    "unreachable": check_unreachable,
    "secrets": key_ring,
    "spool": lambda value: _directory(value),  # noqa: PLW0108 - it stands below, with what it needs
}
"""The settings that are neither text nor numbers."""
_NAMES = (*_TEXT, *_NUMBERS, *_OTHERS)

_arguments: dict[str, object] = {}
_assumed: dict[str, object] = {}
_app_path: "Place" = ""
_current: Settings | None = None


def configure(  # noqa: PLR0913 - one argument for each setting
    *,
    app: str | None = None,
    version: str | None = None,
    engine: str | None = None,
    timeout: float | None = None,
    send_timeout: float | None = None,
    probe_interval: float | None = None,
    unreachable: Unreachable | None = None,
    spool: str | None = None,
    spool_limit: int | None = None,
    secrets: object = None,
    max_message_size: int | None = None,
    defaults: Options | Mapping[str, object] | None = None,
) -> Settings:
    """Set what is given and leave the rest as it was; the settings that result.

    Raises NotConfigured or InvalidOption for values that make no sense, and changes nothing then.
    """
    global _arguments, _current
    given = {
        "app": app,
        "version": version,
        "engine": engine,
        "timeout": timeout,
        "send_timeout": send_timeout,
        "probe_interval": probe_interval,
        "unreachable": unreachable,
        "spool": spool,
        "spool_limit": spool_limit,
        "secrets": secrets,
        "max_message_size": max_message_size,
        "defaults": defaults,
    }
    arguments = _arguments | {name: value for name, value in given.items() if value is not None}
    _current = _build(arguments, os.environ, _app_path)
    _arguments = arguments
    return _current


def current() -> Settings:
    """The settings in force, read on first use."""
    return _current if _current is not None else configure()


def assume(**values: object) -> None:
    """What holds from now on where nothing else says so, for tests; without values, nothing does."""
    global _assumed, _current
    _assumed, _current = values, None


def look_in(directory: "Place") -> None:
    """Where to look for `ayl.toml` instead of the current directory (a worker's --app-path)."""
    global _app_path, _current
    _app_path = directory
    _current = None


def reset() -> None:
    """Forget everything that was configured; for tests."""
    global _arguments, _app_path, _current
    _arguments, _app_path, _current = {}, "", None
    _warned.clear()


def _build(arguments: Mapping[str, object], environment: Mapping[str, str], directory: "Place") -> Settings:
    merged: dict[str, object] = {**_assumed}
    defaults = Options()
    file, place = _read_file(environment, directory)
    for source, values in ((place, file), ("the environment", _from_environment(environment)), ("", arguments)):
        where = f" (from {source})" if source else ""
        for name, value in values.items():
            try:
                if name == "defaults":
                    defaults = value if isinstance(value, Options) else defaults.with_(_mapping(value))
                else:
                    merged[name] = _checked(name, value)
            except InvalidOption as error:
                raise InvalidOption(f"{error}{where}") from None
            except NotConfigured as error:
                raise NotConfigured(f"{error}{where}") from None
    return Settings(defaults=defaults, **merged)  # type: ignore[arg-type] # _checked saw to the types


def default_spool(environment: Mapping[str, str]) -> str:
    """The user's own directory for what programs keep (XDG_STATE_HOME), or rather ours in it."""
    state = environment.get("XDG_STATE_HOME", "")
    if not state.startswith("/"):  # the specification: a relative path is to be ignored
        state = _expanded("~/.local/state")
    return f"{state}/ayl/spool"


def _expanded(path: str) -> str:
    found = os.path.expanduser(path)  # noqa: PTH111 - pathlib takes longer than all of this module
    if found.startswith("~"):
        raise NotConfigured(f"this user has no home directory for {path}; set spool to a directory")
    # One spelling: behind a slash at its end, a symbolic link would not be seen as one.
    return "/" * found.startswith("/") + "/".join(part for part in found.split("/") if part not in ("", "."))


def _directory(value: object) -> str:
    if not isinstance(value, str):
        raise NotConfigured(f"spool is a directory, not {_short(value)}")
    path = _expanded(value) if value else ""
    if value and (not path.startswith("/") or "\0" in value):
        raise NotConfigured(
            f"spool is an absolute path, not {_short(value)}: senders and workers must mean the same one"
        )
    return path


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise NotConfigured(f"defaults is a table of options, not {value!r}")
    return value


def _checked(name: str, value: object) -> object:
    if name in _TEXT:
        if not isinstance(value, str):
            raise NotConfigured(f"{name} is text, not {value!r}")
        return check_part(name, value) if name in ("app", "version") else value
    if name in _OTHERS:
        return _OTHERS[name](value)
    if name not in _NUMBERS:
        from difflib import get_close_matches  # only on the way to an error

        close = get_close_matches(name, [*_NAMES, "defaults"], n=1)
        raise NotConfigured(f"unknown setting {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    kind, most = _NUMBERS[name]
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        number = 0
    # int() would cut 1000.9 off, and takes True for 1.
    whole = kind is not float
    cut_off = whole and isinstance(value, float)
    if isinstance(value, bool) or cut_off or not 0 < number <= most:
        what = "a whole number" if whole else "a number"
        raise NotConfigured(f"{name} is {what} above 0, at most {most:g}, not {_short(value)}")
    return number


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int with more digits than Python prints
        text = type(value).__name__
    return text if len(text) <= 100 else text[:100] + "…"


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    given = {name: environment[key] for name in _NAMES if (key := f"AYL_{name.upper()}") in environment}
    # An empty variable is as good as none; but a worker whose secrets got lost must not run what nobody signed.
    return {name: text for name, text in given.items() if text or name == "secrets"}


def _read_file(environment: Mapping[str, str], directory: "Place") -> tuple[dict[str, object], str]:
    """The file's settings and its name. A file that was named must be there; `ayl.toml` may be missing."""
    named = environment.get("AYL_CONFIG")
    path = named or os.path.join(directory, CONFIG_FILE)  # noqa: PTH118 - as above
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            return _read(file, path), path
    except FileNotFoundError:
        if named:
            raise NotConfigured(f"AYL_CONFIG names {path}, which does not exist") from None
        return {}, ""
    except OSError as error:
        raise NotConfigured(f"cannot read {path}: {error.strerror}") from None


def _read(file: BinaryIO, path: str) -> dict[str, object]:
    import tomllib  # for those who have such a file

    try:
        found = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotConfigured(f"{path} is not valid TOML: {error}") from None
    if "secrets" in found and os.fstat(file.fileno()).st_mode & stat.S_IROTH:
        _warn_of_readers(path)
    return found


def _warn_of_readers(path: str) -> None:
    """Once for each file. No error: what runs has to go on running."""
    if path not in _warned:
        from logging import getLogger  # takes longer than all of this module, and nearly nobody gets here

        _warned.add(path)
        getLogger("ayl").warning("%s holds secrets and every user can read it: chmod o-r %s", path, path)


_warned: set[str] = set()
