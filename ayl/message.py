"""A call written down: Message <-> bytes.

JSON with Ruby ayl's keys where it had them, so that any language can read it. Reading is strict about types
and lenient about unknown keys; it resolves nothing, so a job can be listed wherever it is seen.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from ayl import values
from ayl.errors import Undecodable
from ayl.options import MAX_U32, Handler, Options
from ayl.values.tags import SCALARS

TYPE = "ayl"
CONTROL_TYPE = "ayl-control"
VERSION = 1


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call. `on`, `args` and `kwargs` are in the encoded form of `ayl.values`."""

    type: str
    v: int
    id: str
    """UUID version 7, made by the sender."""
    app: str
    ver: str
    on: Any = None
    """The receiver; absent (None) for a function."""
    do: str
    """The method's name, or the registered name of a function."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    failed_job_handler: Handler = "decay"
    failed_job_count: Annotated[int, msgspec.Meta(ge=1, le=MAX_U32)] = 3
    failed_job_delay: Annotated[int, msgspec.Meta(ge=0, le=MAX_U32)] = 60
    """Seconds."""
    time_to_run: Annotated[int, msgspec.Meta(ge=0, le=MAX_U32)] = 0
    """Seconds, as the job has it; 0 if it is not said, and the server is to be asked."""
    keep_alive: bool = False
    """Whether the lease is renewed as long as the call runs."""
    time_limit: Annotated[int, msgspec.Meta(ge=0, le=MAX_U32)] = 0
    """Seconds that the call may take in all, whatever its lease; 0 for as long as that lasts."""
    sent: float = 0.0
    """Seconds since 1970."""
    code: Any | msgspec.UnsetType = msgspec.UNSET
    """Never written: Ruby ayl's messages have it, and none that has it is run."""


class Control(msgspec.Struct, frozen=True):
    """An order to a worker rather than a call."""

    type: str
    do: str
    app: str = ""
    """Whose workers are meant; empty in older ones, for those of the tube."""


class _Envelope(msgspec.Struct):
    """What must be looked at before anything else."""

    type: Any = None
    v: Any = None
    code: Any = None


_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_message = msgspec.json.Decoder(Message).decode
_decode_control = msgspec.json.Decoder(Control).decode


TOLD = ("failed_job_handler", "failed_job_count", "failed_job_delay", "time_to_run")
"""The options that every message has, in this order."""

TOLD_IF_GIVEN = ("keep_alive", "time_limit")


def form(app: str, ver: str, do: str, options: "Options | Message") -> bytes:
    """What messages have in common that differ only in what `filled` takes."""
    common = {"type": TYPE, "v": VERSION, "app": app, "ver": ver, "do": do}
    common |= {name: getattr(options, name) for name in TOLD}
    common |= {name: value for name in TOLD_IF_GIVEN if (value := getattr(options, name))}
    return _encode(common)[:-1] + b","


class _Filling(msgspec.Struct, frozen=True, gc=False):
    id: str
    sent: float
    on: Any
    args: Sequence[Any]
    kwargs: dict[str, Any]


def filled(form: bytes, id: str, sent: float, on: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:  # noqa: A002 - the fields of a message
    """The bytes of one message, for the server."""
    return form + _encode(_Filling(id, sent, on, args, kwargs))[1:]


def encode(message: Message) -> bytes:
    """The bytes of any message."""
    its_form = form(message.app, message.ver, message.do, message)
    return filled(its_form, message.id, message.sent, message.on, message.args, message.kwargs)


def decode(body: bytes) -> Message | Control:
    """The message in `body`; Undecodable, with a reason an operator can read, if there is none."""
    try:
        message = _decode_message(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _other(body, error)
    if message.type != TYPE or message.v != VERSION or not message.do or message.code is not msgspec.UNSET:
        return _other(body, None)
    return message


def _other(body: bytes, error: Exception | None) -> Control:
    """A control message, or the reason why `body` is neither that nor a call."""
    try:
        envelope = _decode_envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
        raise Undecodable(f"not a message of ayl: {trouble}") from None
    if envelope.type == CONTROL_TYPE:
        try:
            return _decode_control(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as trouble:
            raise Undecodable(f"a control message that cannot be understood: {trouble}") from None
    if envelope.type != TYPE:
        raise Undecodable(f"not a message of ayl: its type is {_short(envelope.type)}")
    if envelope.code is not None:
        raise Undecodable("a message of Ruby ayl: its `code` is Ruby text, which is never evaluated here")
    if envelope.v != VERSION:
        raise Undecodable(f"a message of version {_short(envelope.v)}; this ayl reads version {VERSION}")
    raise Undecodable(f"a message that cannot be understood: {error or 'it says not what to do'}")


def rewritten(message: Message, **changes: Any) -> Message:
    """The same message with other fields."""
    return msgspec.structs.replace(message, **changes)


def keywords(message: Message) -> dict[str, Any]:
    """The named arguments, their values still encoded. Odd names (with a `$`, say) travel as such dicts do."""
    kwargs = message.kwargs
    if not any(name.startswith("$") for name in kwargs):
        return kwargs
    match kwargs:
        case {"$t": ["dict", [*pairs]], **rest} if not rest and all(isinstance(p, list) and len(p) == 2 for p in pairs):
            named = {_name(name): value for name, value in pairs}
            if len(named) == len(pairs):
                return named
    raise Undecodable("kwargs cannot be understood: they are no names with values")


def _name(data: Any) -> str:
    try:
        name = values.decode(data, _Named)
    except ValueError as error:
        raise Undecodable(f"kwargs cannot be understood: {error}") from None
    if not isinstance(name, str):
        raise Undecodable("kwargs cannot be understood: a name is no text")
    return name


def human(message: Message) -> str:
    """The call as Python would write it, `shop.Order.find(42).ship('ups')`: derived from the message, and never read by
    a worker. What operators type is read by `ayl.readable`.

    One printable line, whatever the message holds.
    """
    try:
        named = keywords(message)
    except Undecodable:
        named = message.kwargs
    args = [_shown(arg) for arg in message.args]
    args += [f"{name}={_shown(value)}" for name, value in named.items()]
    receiver = "" if message.on is None else _shown(message.on) + "."
    return _printable(f"{receiver}{message.do}({', '.join(args)})")  # blanks within text are left: it can be read back


def one_line(text: str) -> str:
    """`text` with white space folded and unprintable characters spelled out, so that it cannot forge a log."""
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class _Named:
    """Stands for an object that is shown and not found."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        name, *key = self.parts
        return f"{name}.find({key[0]!r})" if key else str(name)


def _shown(data: Any) -> str:
    try:
        return repr(values.decode(_spelled(data), _Named))
    except Exception:  # noqa: BLE001 - users' classes take part in this, and showing must not fail
        return _plain(data)


_is_name = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*").fullmatch


def _spelled(data: Any) -> Any:
    """The same, with what classes of the app are to make (`@ayl.value`) written as a name, which need not be known."""
    if type(data) in SCALARS:
        return data
    match data:
        case list():
            return [_spelled(item) for item in data]
        case {"$ref": [str(name), (list() | dict()) as key]}:
            return {"$ref": [f"{name}.find({_shown(key)})"]}
        case {"$ref": _}:
            return data
        case {"$t": ["value", str(name), dict(fields)]} if all(map(_is_name, (name, *fields))):
            return {"$ref": [f"{name}({', '.join(f'{field}={_shown(value)}' for field, value in fields.items())})"]}
        case {"$t": ["enum", str(name), str(member)]} if _is_name(name) and _is_name(member):
            return {"$ref": [f"{name}.{member}"]}
        case {"$t": ["flag", str(name), int(bits)]} if _is_name(name):
            return {"$ref": [f"{name}({bits})"]}
        case dict():
            return {name: _spelled(item) for name, item in data.items()}
    return data


def _plain(data: Any) -> str:
    try:
        return repr(data)
    except (RecursionError, ValueError):  # lists in lists without end, and numbers without end
        return "…"


def _short(value: Any) -> str:
    text = _plain(value)
    return text if len(text) <= 80 else text[:80] + "…"
