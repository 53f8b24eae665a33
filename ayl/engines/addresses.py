"""Which servers an engine's URL names and how they are spoken to. Nothing is opened or looked up here.

    beanstalk://PLACE,PLACE,…[?send=first|spread]
    beanstalks://PLACE,PLACE,…[?ca=FILE&cert=FILE&key=FILE&send=…]

PLACE is HOST, HOST:PORT, [IPV6]:PORT or, without TLS, /PATH/OF/SOCKET. A comma, question mark or percent sign in a path
is written %2C, %3F, %25.
"""

from typing import NamedTuple

from ayl.engines.query import parameters, unquoted
from ayl.errors import NotConfigured

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 11300
LONGEST_PATH = 107
"""Bytes of a Unix socket's path that the system takes."""

PLAIN, SECURE = "beanstalk", "beanstalks"
TLS_FILES = ("ca", "cert", "key")
SEND = {"first": False, "spread": True}
"""The parameter `send`, and whether it spreads."""

FORM = (
    "use beanstalk://HOST:PORT, beanstalk:///PATH/OF/SOCKET, several of them with commas between, "
    "or beanstalks://HOST:PORT for TLS"
)


class Address(NamedTuple):
    """Where one server listens: a host and port, or the path of a Unix socket."""

    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Tls(NamedTuple):
    """Files that TLS needs; all in PEM form."""

    ca: str = ""
    """The authority that servers must have their certificates from; empty for those that the system trusts."""
    cert: str = ""
    """This client's own certificate, with its chain; empty for none."""
    key: str = ""
    """Its private key; empty if that is in the same file."""


class Servers(NamedTuple):
    """What a URL says."""

    addresses: tuple[Address, ...]
    spread: bool = False
    """Sends go to all in turn, rather than to the first that answers."""
    tls: Tls | None = None

    def __str__(self) -> str:
        from urllib.parse import quote  # only for who is told of them

        places = ",".join(quote(address.path) if address.path else str(address) for address in self.addresses)
        files = zip(TLS_FILES, self.tls or (), strict=False)
        query = [f"{name}={quote(path)}" for name, path in files if path] + ["send=spread"] * self.spread
        return f"{SECURE if self.tls is not None else PLAIN}://{places}{'?' * bool(query)}{'&'.join(query)}"


def parse_url(url: str) -> Servers:
    """The servers that a URL names; NotConfigured if it makes no sense."""
    try:
        return _parsed(url)
    except ValueError as error:
        raise NotConfigured(f"cannot understand the engine {_short(url)}: {error}") from None


def _parsed(url: str) -> Servers:
    scheme, found, rest = url.partition("://")
    if not found or scheme not in (PLAIN, SECURE):
        raise ValueError(FORM)
    if "#" in rest:
        raise ValueError("a URL of servers has no part behind a '#'")
    places, _, query = rest.partition("?")
    secure = scheme == SECURE
    given = parameters(query, ("send", *TLS_FILES))
    if not secure and any(name in given for name in TLS_FILES):
        raise ValueError("ca, cert and key are for TLS: use beanstalks://")
    if "key" in given and "cert" not in given:
        raise ValueError("a key is of no use without its certificate: add cert=FILE")
    send = given.pop("send", "first")
    if send not in SEND:
        raise ValueError(f"send is one of {', '.join(SEND)}, not {send!r}")
    addresses = parse_places(places, secure=secure) if places else (Address(DEFAULT_HOST, DEFAULT_PORT),)
    return Servers(addresses, SEND[send], Tls(**given) if secure else None)


def parse_places(places: str, port: int = DEFAULT_PORT, *, secure: bool = False) -> tuple[Address, ...]:
    """PLACE,PLACE,…: `port` is that of hosts without one. ValueError, in words, if one makes no sense."""
    addresses = tuple(_address(place, port, secure) for place in places.split(","))
    if len(set(addresses)) < len(addresses):
        raise ValueError("a server is named twice")
    return addresses


def _address(place: str, port: int, secure: bool) -> Address:
    if not place:
        raise ValueError("there is nothing between two commas, or at an end")
    if not place.startswith("/"):
        return _tcp(place.removesuffix("/"), port)
    if secure:
        raise ValueError(f"a Unix socket needs no TLS: use {PLAIN}:// for {place!a}")
    path = unquoted(place)
    if "\0" in path or not path.strip("/") or len(path.encode()) > LONGEST_PATH:
        raise ValueError(f"the path of a socket has 2 to {LONGEST_PATH} bytes, none of them 0")
    return Address("", 0, path)


def _tcp(place: str, usual: int) -> Address:
    if "@" in place:
        raise ValueError("servers ask for no user and no password")
    if "/" in place:
        raise ValueError("a host or a path, not both")
    if place.startswith("["):
        host, closed, behind = place[1:].partition("]")
        if not closed or (behind and not behind.startswith(":")):
            raise ValueError(f"{place!r} is no address; IPv6 is written [::1]:{DEFAULT_PORT}")
        from ipaddress import IPv6Address  # only where one is used

        IPv6Address(host)  # ValueError in words of its own
        return Address(host, _port(behind[1:]) if behind else usual)
    host, colon, port = place.partition(":")
    if ":" in port:
        raise ValueError(f"an IPv6 address stands in brackets: [::1]:{DEFAULT_PORT}")
    return Address(_name(host) if host else DEFAULT_HOST, _port(port) if colon else usual)


def _name(host: str) -> str:
    if host.isascii():
        # What the codec below would say, which is large.
        *others, last = map(len, host.split("."))
        ascii_form = host if all(0 < size < 64 for size in others) and last < 64 else ""
    else:
        try:
            ascii_form = host.encode("idna").decode("ascii")
        except UnicodeError:
            ascii_form = ""
    if not ascii_form or not all(c.isalnum() or c in "-._" for c in ascii_form):
        raise ValueError(f"{host!r} is no name of a host")
    return ascii_form.lower()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 2**16):
        raise ValueError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def _short(url: str) -> str:
    text = repr(url)
    return text if len(text) <= 300 else text[:300] + "…"
