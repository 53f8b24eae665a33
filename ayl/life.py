"""What a job remembers from one reservation to the next: how often its call has failed, how often it has killed its
worker, and why it comes back or was buried.

A server keeps no reasons, and counts a failure, a call given back and a worker that died alike. So it stands in the
body, before the signature and the call part, whose bytes are never touched:

    {"life":{"tries":2,"why":"ValueError: no ups"},"sig":"KEY.HEX","type":"ayl",…}

No signature covers it, so whoever can write to the tube can forge it: it is read strictly, and nothing but numbers
and a line of text for operators comes of it. Braces in that text are escaped, so that its end is found without reading
JSON. Everything here is pure.
"""

import re
from typing import Annotated

import msgspec

from ayl.errors import Undecodable
from ayl.message import one_line
from ayl.options import MAX_U32

MOST_WHY = 500
"""Characters of a reason that are kept."""

Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_U32)]


class Life(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """As far as it was written down; what the server has counted since comes to it in `past`."""

    tries: Count = 0
    """Calls that were made and have failed."""
    kills: Count = 0
    """Calls that have killed their worker, and have not failed otherwise."""
    why: Annotated[str, msgspec.Meta(max_length=MOST_WHY)] = ""
    """Of the last failure, or of the burial: one printable line."""
    alone: bool = False
    """Whether the job was put when its call was about to be made alone: a worker that died with it was killed by it."""


NEW = Life()
"""Of a job that nothing has happened to."""

_LIFE = re.compile(rb'[ \t\r\n]*\{"life":(\{[^{}]*\}),')
_BLANKS = b" \t\r\n"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Life).decode


def read(body: bytes) -> Life:
    """The life in a message's body; Undecodable if it is none."""
    found = _LIFE.match(body)
    if found is None:
        return NEW
    try:
        return _decode(found[1])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(f"a message whose life cannot be understood: {error}") from None


def without(body: bytes) -> bytes:
    """What the sender has sent: the body without its life."""
    found = _LIFE.match(body)
    return body.lstrip(_BLANKS) if found is None else b"{" + body[found.end() :]


def write(body: bytes, life: Life) -> bytes:
    """The body, which is one of a message, with this life in the place of its own."""
    written = _encode(msgspec.structs.replace(life, why=one_line(life.why)))[1:-1]
    inner = written.replace(b"{", b"\\u007b").replace(b"}", b"\\u007d")  # they stand in text only
    return b'{"life":{%b},%b' % (inner, without(body)[1:])


class Standing(msgspec.Struct, frozen=True, gc=False):
    """What the server says of a job (stats-job)."""

    tube: str
    priority: int
    time_to_run: int
    """Seconds."""
    age: int
    """Seconds since it was put."""
    reserves: int
    """How often it has been handed out, this time included."""
    timeouts: int
    """How often its time to run was over before it was settled."""
    releases: int
    """How often it was given back."""
    buries: int

    def parts(self) -> tuple[str | int, ...]:
        """To tell another process, which makes `Standing(*parts)` of it."""
        return msgspec.structs.astuple(self)


class Past(msgspec.Struct, frozen=True, gc=False):
    """What has become of a job so far: its life, and what the server has counted since that was written."""

    tries: int = 0
    """Calls that have failed or overrun their time, this one not included."""
    kills: int = 0
    """Calls that have surely killed their worker."""
    hangups: int = 0
    """Workers that died with it in hand, since it was last put. That says nothing of whose doing it was."""
    returns: int = 0
    """How often it was given back since its last try, which counts as nothing."""
    buries: int = 0
    """How often an operator has given it another chance since its last try."""
    again: bool = False
    """Whether it has been taken before."""
    alone: bool = False
    """Whether it was put for a call that was about to be made alone."""
    age: int = 0
    """Seconds since the server has it."""

    @property
    def is_suspect(self) -> bool:
        """Whether its call may have killed a worker."""
        return self.hangups > 0 or self.kills > 0 or self.alone

    @property
    def has_chance(self) -> bool:
        """Whether it was put for a call alone that nobody has begun with: that may be made, whatever was before."""
        return self.alone and not self.hangups

    def must_be_alone(self, *, apart: bool) -> bool:
        """Whether its call is to be made while no other is, whoever has to wait for that. `apart`: it is made in a
        process of its own, whose end is known to be its doing, and which is all that it has killed then.

        One worker that died with it may have died of anything, and with a thousand calls in hand of which each would
        keep the others waiting.
        """
        return self.hangups > 1 or self.alone or (self.kills > 0 and not apart)


def past(life: Life, standing: Standing | None, *, forgiven: int = 0) -> Past:
    """Both together. `standing` is None for a job that the server has no more, `forgiven` how many hang-ups were no
    kills, as is known from elsewhere.

    A reservation that ended neither in a release nor in a timeout nor in a burial ended with its connection. Whoever
    had it may have been killed by another call, or by an operator, or have been cut off before it began. So that blames
    nobody, but for a job that was put when its call was about to be made alone: then it was this call, and the first
    time, too.
    """
    if standing is None:
        return Past(life.tries, life.kills, again=True)
    told = standing.releases + standing.timeouts + standing.buries
    hangups = max(0, standing.reserves - 1 - told - forgiven)
    return Past(
        tries=life.tries + standing.timeouts,
        kills=life.kills + (0 if not life.alone or not hangups else 1 if life.kills else 2),
        hangups=hangups,
        returns=standing.releases,
        buries=standing.buries,
        again=standing.reserves > 1 or life != NEW,
        alone=life.alone,
        age=standing.age,
    )
