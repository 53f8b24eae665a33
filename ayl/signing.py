"""Who may send: messages are signed with a key of the app's, and workers that have its keys run no others.

A signature is an HMAC (RFC 2104) with SHA-256 over the app's name and the exact bytes of the call part: nothing is ever
serialised again to check it. It stands before the call part in the same JSON object, and so does what workers
note down about the job, which no signature covers:

    {"life":{…},"sig":"KEY.HEX","type":"ayl",…}
                               └ the call part, with the opening brace put back
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import ModuleType

from ayl.errors import NotConfigured, NotTrusted

LEAST_SECRET = 16
"""Bytes: a shorter secret could be guessed."""

_SIGNED = re.compile(rb'\{(?:"life":\{[^{}]*\},)?"sig":"([A-Za-z0-9_-]{1,64})\.([0-9a-f]{64})",')
_key_id = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch

CURE = (
    'secrets are text such as "2026a:SECRET", or tables with id, secret and, if you like, since and until, which are '
    "datetimes with a time zone; a secret has at least 16 bytes"
)


@dataclass(frozen=True, slots=True)
class Key:
    """One secret of the ring and when it may be used, in seconds since 1970."""

    id: str
    secret: bytes
    since: float = 0.0
    until: float = float("inf")

    def __post_init__(self) -> None:
        # What was given is not repeated: where the colon is missing or misplaced, the id is part of a secret.
        if not _key_id(self.id):
            raise NotConfigured(f"the id of a key is up to 64 letters, digits, _ and -; {CURE}")
        if len(self.secret) < LEAST_SECRET:
            raise NotConfigured(f"a secret is too short; {CURE}")
        if not self.since < self.until:
            raise NotConfigured(f"a key is valid until a moment before its beginning; {CURE}")

    def __repr__(self) -> str:
        return f"Key({self.id!r})"  # a log must not hold secrets

    def valid(self, now: float) -> bool:
        return self.since <= now < self.until


class KeyRing:
    """An app's keys. The first that is valid signs; all that are valid are accepted.

    To rotate: add the new key as the last everywhere, then make it the first, and take the old one away when no message
    that it signed can be left. Or give the keys `since` and `until`.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = {key.id: key for key in keys}
        if not keys:
            raise NotConfigured(f"secrets hold no key; leave them unset to work without signatures; {CURE}")
        if len(self._keys) != len(keys):
            raise NotConfigured(f"each key of secrets has an id of its own; {CURE}")

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyRing) and [*self._keys.values()] == [*other._keys.values()]

    def __hash__(self) -> int:
        return hash(tuple(self._keys.values()))

    def sign(self, app: str, body: bytes, now: float) -> bytes:
        """`body` with a signature. NotConfigured if no key is valid `now` (seconds since 1970)."""
        for key in self._keys.values():
            if key.valid(now):
                return b'{"sig":"%b.%b",%b' % (key.id.encode(), _mac(key, app, body), body[1:])
        raise NotConfigured(
            f"nothing can be signed: of the keys in secrets, {', '.join(self._keys)}, none is valid now"
        )

    def verify(self, app: str, body: bytes, now: float) -> None:
        """NotTrusted, with the reason, unless `body` was signed for `app` with a key that is valid `now`."""
        found = _SIGNED.match(body)
        if found is None:
            raise NotTrusted("it is not signed, and this worker has secrets")
        key_id, mac = found[1].decode(), found[2]
        key = self._keys.get(key_id)
        if key is None:
            raise NotTrusted(f"it is signed with the key {key_id}, which this worker does not have")
        if not key.valid(now):
            raise NotTrusted(f"it is signed with the key {key_id}, which is not valid now")
        if not _hmac().compare_digest(_mac(key, app, b"{" + body[found.end() :]), mac):
            raise NotTrusted(f"its signature with the key {key_id} is wrong")


@cache
def _hmac() -> ModuleType:
    import hmac  # brings OpenSSL, which who does not sign need not wait for

    return hmac


def _mac(key: Key, app: str, call: bytes) -> bytes:
    # No name of an app holds a line feed, so that no two pairs of app and call are the same bytes.
    mac: bytes = _hmac().digest(key.secret, b"%b\n%b" % (app.encode(), call), "sha256")
    return mac.hex().encode()


def key_ring(value: object) -> KeyRing:
    """The ring that a setting describes: a KeyRing, text (`"ID:SECRET"`, several separated by blanks), or a list of
    such texts, Keys and tables. NotConfigured if it cannot be understood; no secret is repeated in the error.
    """
    if isinstance(value, KeyRing):
        return value
    entries = value.split() if isinstance(value, str) else value
    if not isinstance(entries, Sequence) or isinstance(entries, (bytes, bytearray)):
        raise NotConfigured(f"secrets cannot be a {type(value).__name__}; {CURE}")
    keys = []
    for number, entry in enumerate(entries, 1):
        try:
            keys.append(_key(entry))
        except NotConfigured as error:
            raise NotConfigured(f"key {number} of secrets: {error}") from None
    return KeyRing(keys)


def _key(entry: object) -> Key:
    if isinstance(entry, Key):
        return entry
    if isinstance(entry, str):
        name, separator, secret = entry.strip().partition(":")
        if not separator:
            raise NotConfigured(f"a secret without the id of its key; {CURE}")
        return Key(name, _bytes(secret))
    if isinstance(entry, Mapping) and {"id", "secret"} <= entry.keys() <= {"id", "secret", "since", "until"}:
        name, secret = entry["id"], entry["secret"]
        if isinstance(name, str) and isinstance(secret, (str, bytes)):
            since, until = _moment(entry.get("since"), 0.0), _moment(entry.get("until"), float("inf"))
            return Key(name, _bytes(secret), since, until)
    raise NotConfigured(f"a key that cannot be understood; {CURE}")


def _bytes(secret: str | bytes) -> bytes:
    # What an environment variable holds that is no UTF-8 are bytes, too.
    try:
        return secret.encode("utf-8", "surrogateescape") if isinstance(secret, str) else secret
    except UnicodeEncodeError:
        raise NotConfigured(f"a secret is neither text nor bytes; {CURE}") from None  # the error would hold it


def _moment(value: object, default: float) -> float:
    if value is None:
        return default
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise NotConfigured(f"since and until of a key are moments; {CURE}")
    return value.timestamp()
