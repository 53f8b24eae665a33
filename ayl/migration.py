"""From one release to the next: what becomes of a call that an old one has sent, told by its bytes and by the code that
is loaded. Nothing is run, and nothing is asked of a server or a database.

A call that fits moves as it is: no byte of it changes, so its signature holds, and its `ver` says which release has
made it; the tube, which no signature covers, says which is to run it. A call that an upgrade translates is another one:
it is signed anew, and its `ver` is the new release's. Both keep their id and what the job remembers of its tries.
"""

import time
from typing import Any, Literal, NamedTuple

from ayl import life as lives
from ayl import message as messages
from ayl.calling import check
from ayl.errors import CannotRun, CannotSend, NotTrusted, Undecodable
from ayl.life import NEW, Life
from ayl.message import Control, Message
from ayl.references import refer
from ayl.signing import KeyRing
from ayl.translation import are_there, upgraded
from ayl.upgrades import UPGRADES, Call, name_of
from ayl.values import encode
from ayl.values.tags import REFERENCE, TAG, tag

Fate = Literal["moved", "translated", "buried", "left"]
"""Of a job: it goes to the tube of the new release as it is, or with its call translated; it is put aside in the old
one; or it is no call of a sender's and is left there.
"""


class Verdict(NamedTuple):
    """What becomes of one job."""

    call: str
    """What it calls, `shop.Order.ship`; empty for what is no call of the app's."""
    fate: Fate
    body: bytes
    """What is put in its place; empty to leave it as it is."""
    reason: str = ""
    """Of a burial, and of what stays."""


class Migration:
    """From some release of an app to the one whose code is loaded."""

    def __init__(self, app: str, version: str, secrets: KeyRing | None = None) -> None:
        """`version`: the new release. `secrets`: as the workers have them."""
        self.app = app
        self.version = version
        self._secrets = secrets

    def verdict(self, body: bytes) -> Verdict:
        """Of the job with this body. NotConfigured if what has to be signed cannot be."""
        try:
            # As in a worker: nothing of a body is read that nobody vouches for.
            if self._secrets is not None:
                self._secrets.verify(self.app, body, time.time())
            message = messages.decode(body)
            life = lives.read(body)
        except (NotTrusted, Undecodable) as error:
            return Verdict("", "buried", b"", str(error))
        if isinstance(message, Control):
            return Verdict("", "left", b"", f"an order to a worker of the old release: {message.do}")
        if message.app != self.app:
            return Verdict("", "buried", b"", f"a message of the app {message.app!r}; this is {self.app!r}")
        call = name_of(message.on, message.do)
        try:
            new = translated(message, self.version) if UPGRADES else None
            check(message if new is None else new)
        except CannotRun as error:
            reason = str(error)
            return Verdict(call, "buried", lives.write(body, with_reason(life, reason)), reason)
        if new is None:
            return Verdict(call, "moved", body)
        return Verdict(call, "translated", self._written(new, life))

    def _written(self, message: Message, life: Life) -> bytes:
        body = messages.encode(message)
        if self._secrets is not None:
            body = self._secrets.sign(self.app, body, time.time())
        return body if life == NEW else lives.write(body, life)


def with_reason(life: Life, reason: str) -> Life:
    """The same, of a job that is buried for this."""
    return Life(life.tries, life.kills, messages.one_line(reason)[: lives.MOST_WHY])


def translated(message: Message, version: str) -> Message | None:
    """The message that its upgrades make of it for this release; None if they leave it as it is. CannotRun."""
    named = messages.keywords(message)
    if not are_there(message.on, message.do, (*message.args, *named.values())):
        return None
    sent = Call(message.on, message.do, (*message.args,), named)
    call = upgraded(sent, message.ver)
    if call is sent:
        return None
    try:
        args = [_encoded(value, f"args[{number}]") for number, value in enumerate(call.args)]
        on, kwargs = _encoded(call.receiver, "the receiver"), _named(call)
    except (TypeError, ValueError, CannotSend) as error:
        raise CannotRun(f"what its upgrade made of it cannot be written down: {error}") from error
    if (on, call.method, args, kwargs) == (message.on, message.do, message.args, message.kwargs):
        return None
    return messages.rewritten(message, ver=version, on=on, do=call.method, args=args, kwargs=kwargs)


def _named(call: Call) -> dict[str, Any]:
    named = {name: _encoded(value, f"kwargs[{name!r}]") for name, value in call.kwargs.items()}
    if all(encode(name, "a name", refer) is name and not name.startswith("$") for name in named):
        return named
    return tag("dict", [[encode(name, "a name", refer), value] for name, value in named.items()])


MARKS = frozenset({TAG, REFERENCE})


def _encoded(data: Any, place: str) -> Any:
    """What is in a message's form stays as it is; what an upgrade has added is brought into it."""
    kind = type(data)
    if kind is dict and len(data) == 1 and not data.keys().isdisjoint(MARKS):
        return data
    if kind is dict and all(type(key) is str and not key.startswith("$") for key in data):
        return {key: _encoded(value, f"{place}[{key!r}]") for key, value in data.items()}
    if kind is list or kind is tuple:
        items = [_encoded(value, f"{place}[{number}]") for number, value in enumerate(data)]
        return items if kind is list else tag("tuple", items)
    return encode(data, place, refer)
